"""Packages made on the page from a published run, their receipts; the evidence binder and how long things are kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from openasm.app.access.permissions import Role
from openasm.app.audit.models import AuditEvent
from openasm.app.binder.collection import collect
from openasm.app.binder.views import binder_zip
from openasm.app.kept.actions import keep_document
from openasm.app.kept.uploads import checked_attachment
from openasm.app.people.models import Membership, Practice
from openasm.app.published.publish import publish_run
from openasm.app.readiness.plan import known_done
from openasm.app.submissions.models import SubmissionPackage, SubmissionReceipt
from openasm.base.problems import Problems
from openasm.submission.formats import formats_for
from openasm.submission.package import check_package
from tests.app.attesting import YEAR, signed
from tests.app.conftest import Stage, make_person, signed_in_client
from tests.app.run_folders import CANARY_NAMES
from tests.builders.submissions import TIN, practice

PDF = b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n"


@pytest.fixture
def prepared(stage: Stage, settings: object, tmp_path: Path) -> tuple[Practice, Client, Path]:
    """A practice whose run is published, its administrator's client, and the folder of its submission's files."""
    settings.DATA = tmp_path / "data"  # type: ignore[attr-defined]
    (tmp_path / "data").mkdir()
    run, own = practice().write(tmp_path)
    publish_run(run, by=None)
    found = Practice.objects.get(tin=TIN)
    user = make_person("packer")
    Membership.objects.create(user=user, practice=found, role=Role.ADMINISTRATOR.value)
    return found, signed_in_client(user), own


def form(own: Path, *without: str) -> dict[str, object]:
    files = {
        path.stem: SimpleUploadedFile(path.name, path.read_bytes())
        for path in sorted(own.iterdir())
        if path.name not in without
    }
    return {"level": "auto", "write": ["qrda3", "qpp", "fhir"], **files}


def test_a_package_from_the_page(prepared: tuple[Practice, Client, Path]) -> None:
    found, client, own = prepared
    address = f"/practices/{found.key}/submissions/"
    response = client.post(address, form(own))
    assert response.status_code == 302, response.content.decode()[:4000]
    package = SubmissionPackage.objects.get(practice=found)
    assert "package" in known_done(found, YEAR)
    text = client.get(f"{address}{package.key}/").content.decode()
    assert "qrda3/ASM_INDIV_" in text
    assert "Not handed in yet" in text or "Past the last day" in text
    content = client.get(f"{address}{package.key}/package.zip").content
    assert hashlib.sha256(content).hexdigest() == package.sha256
    path = own / "package.zip"
    path.write_bytes(content)
    problems = Problems()
    assert check_package(path, formats=formats_for(YEAR), problems=problems) is not None
    assert not problems.errors
    client.post(f"{address}{package.key}/receipt/", {"number": "", "received": "2028-03-01"})
    assert not SubmissionReceipt.objects.exists()
    client.post(f"{address}{package.key}/receipt/", {"number": "CMS-TEST-1", "received": "2028-03-01"})
    assert "CMS-TEST-1" in client.get(address).content.decode()
    assert "submission" in known_done(found, YEAR)
    assert AuditEvent.objects.filter(kind="exported", details__contains="submission package").count() == 1
    for table in ("submissions_submissionpackage", "submissions_submissionreceipt"):
        with pytest.raises(DatabaseError, match="kept"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")


def test_problems_are_listed_and_nothing_is_kept(prepared: tuple[Practice, Client, Path]) -> None:
    found, client, own = prepared
    text = client.post(f"/practices/{found.key}/submissions/", form(own, "identifiers.csv")).content.decode()
    assert "Nothing was kept" in text
    assert "B0" in text
    assert not SubmissionPackage.objects.exists()
    missing = client.post(f"/practices/{found.key}/submissions/", form(own, "practice.csv")).content.decode()
    assert "This field is required" in missing


def test_another_practices_package_is_not_found(
    prepared: tuple[Practice, Client, Path], stage: Stage, sign_in: Callable[..., Client]
) -> None:
    found, client, own = prepared
    client.post(f"/practices/{found.key}/submissions/", form(own))
    package = SubmissionPackage.objects.get()
    assert sign_in("manager").get(f"/practices/{found.key}/submissions/{package.key}/").status_code == 404
    assert sign_in("manager").get(f"/practices/{stage.elm.key}/submissions/{package.key}/").status_code == 404


def test_without_a_run_the_page_teaches(stage: Stage, sign_in: Callable[..., Client]) -> None:
    text = sign_in("nurse").get(f"/practices/{stage.elm.key}/submissions/").content.decode()
    assert "not signed yet" in text


def test_the_binder_holds_everything_with_its_hash(stage: Stage, sign_in: Callable[..., Client]) -> None:
    address = f"/practices/{stage.elm.key}/attestations/{YEAR}/binder"
    client = sign_in("nurse")
    assert "Nothing is signed yet" in client.get(f"{address}/").content.decode()
    signed(stage)
    attachment = checked_attachment("risk analysis.pdf", PDF)
    keep_document(practice=stage.elm, year=YEAR, about="PI_PPHI_1", attachment=attachment, by=stage.people["nurse"])
    content = client.get(f"{address}.zip").content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        listed = {each["name"]: each["sha256"] for each in manifest["files"]}
        assert set(listed) == set(archive.namelist()) - {"manifest.json"}
        for name, digest in listed.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        assert PDF in [archive.read(name) for name in listed if name.startswith("documents/")]
        pdf = archive.read("binder.pdf")
        assert b"900000001,IA_1,yes" in archive.read("attestations.csv")
    assert pdf.startswith(b"%PDF-")
    assert b"/Outlines" in pdf
    assert b"/StructTreeRoot" in pdf
    found = collect(stage.elm, YEAR)
    assert found is not None
    assert binder_zip(found) == content  # equal contents, equal bytes
    text = client.get(f"{address}/").content.decode()
    assert "risk analysis.pdf" in text


def test_the_binder_counts_the_coverage_of_ia_1_and_names_no_patient(stage: Stage) -> None:
    signed(stage)
    found = collect(stage.elm, YEAR)
    assert found is not None
    assert [(each.name, each.people, each.complete) for each in found.coverage] == [
        ("=Test Clinician 2", 1, 0),
        ("Test Clinician 1", 1, 0),
        ("Test Clinician 3", 1, 0),
    ]
    with zipfile.ZipFile(io.BytesIO(binder_zip(found))) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert not [name for name in CANARY_NAMES if name.encode() in content]


def test_six_years_from_the_last_day_for_submitting(stage: Stage) -> None:
    begun = max(signed(stage).at.date(), dt.date(2028, 3, 31))
    found = collect(stage.elm, YEAR)
    assert found is not None
    assert {each.until for each in found.kept} == {begun.replace(year=begun.year + 6)}

"""What the browser's tests find entered: sent through the pages' own forms, by the people who would send it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from openasm.app.access.permissions import Role
from openasm.app.connections.actions import make_hook_client
from openasm.app.feeds.actions import keep_file
from openasm.app.feeds.kinds import BY_CODE
from openasm.app.feeds.models import FeedRun, State, private_folder
from openasm.app.feeds.running import CONFIGURATION, PROGRESS
from openasm.app.people import actions
from openasm.app.people.middleware import BEGAN, SEEN
from openasm.app.people.models import Practice, User
from openasm.app.published.models import Episode, Run
from openasm.app.worklists.models import Case, WorkEvent, WorkItem
from tests.app.attesting import complete, sent
from tests.app.browser.day import DAY
from tests.app.look_up_library import add_library

PDF = b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n"
YEAR = 2027
PROBLEM = (
    "roster.csv, row 2, npi: an NPI of ten digits with a right check digit was expected. Correct the number in the roster and "
    "upload it again."
)
TERMS = (
    *("in_writing", "one_primary_care_practice", "purpose", "voluntary", "complies_with_law", "not_tied_to_referrals"),
)


def client_of(user: User) -> Client:
    """A client of a person who has just given the password."""
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    moment = timezone.now().timestamp()
    session[BEGAN] = session[SEEN] = moment
    session["account_authentication_methods"] = [{"method": "password", "at": moment, "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def send(client: Client, address: str, fields: dict[str, Any], *, status: int = 302) -> str:
    """Send a form; what a page refuses stops the furnishing with what it said. Returns the page."""
    response = client.post(address, fields)
    text = response.content.decode()
    assert response.status_code == status, (address, response.status_code, re.sub(r"<[^>]+>|\s\s+", " ", text)[-3000:])
    return text


def answers() -> dict[str, str]:
    """Complete answers whose periods have ended by DAY; one has no evidence."""
    fields = sent(complete(), 0)
    for item, start in (("IA_1", "2027-08-30"), ("IA_2", "2027-08-02"), ("CEHRT", "2027-05-31")):
        fields[f"{item}-start"], fields[f"{item}-end"] = start, (DAY - dt.timedelta(days=1)).isoformat()
    del fields["PI_PEA_1-evidence"]
    return fields


class Furniture:
    """Enters everything. practices: main, other, packing; people: the cast."""

    def __init__(self, practices: dict[str, Practice], people: dict[str, User]) -> None:
        self.practices, self.people = practices, people
        self.clients: dict[str, Client] = {}

    def client(self, part: str) -> Client:
        """The part's client."""
        if part not in self.clients:
            self.clients[part] = client_of(self.people[part])
        return self.clients[part]

    def at(self, practice: str, rest: str) -> str:
        """An address of a practice."""
        return f"/practices/{self.practices[practice].key}/{rest}"

    def found(self, part: str, address: str, pattern: str) -> str:
        """The first match of a pattern on a page."""
        match = re.search(pattern, self.client(part).get(address).content.decode())
        assert match is not None, (address, pattern)
        return match[1]

    def enter(self, packing_files: Path) -> dict[str, object]:
        """Everything; returns what addresses need."""
        self.attestations()
        self.registers()
        self.worklist()
        self.look_up()
        return {
            "keys": {name: practice.key for name, practice in self.practices.items()},
            "patient": self.found("nurse", self.at("main", "worklist/"), r"/worklist/patients/(\w+)/"),
            "episode": self.episode(),
            "arrangement": self.found("nurse", self.at("main", "arrangements/"), r"/arrangements/((?!new)\w+)/"),
            "primary_care_patient": self.found(
                "nurse", self.at("main", "primary-care/"), r"/primary-care/patients/(\w+)/"
            ),
            "membership": self.found("manager", self.at("main", "members/"), r"/members/(\d+)/"),
            "package": self.package(packing_files),
            "feed_run": self.data(),
            "invitation": self.installation(),
            **self.other_runs(),
        }

    def attestations(self) -> None:
        """In review at the main practice, signed at the other one; each with a document."""
        start = f"attestations/{YEAR}"
        for practice, part in (("main", "nurse"), ("other", "other manager")):
            client = self.client(part)
            send(client, self.at(practice, f"{start}/save/"), answers())
            upload = SimpleUploadedFile("risk analysis.pdf", PDF)
            send(client, self.at(practice, f"{start}/documents/"), {"about": "PI_PPHI_1", "document": upload})
            send(client, self.at(practice, f"{start}/review/"), {"base": "1"})
        manager = self.client("other manager")
        page = manager.get(self.at("other", f"{start}/sign/")).content.decode()
        fields: dict[str, Any] = dict(re.findall(r'name="(base|shown)" value="([^"]*)"', page))
        fields |= {"name": "Test Other Manager", "capacity": "Managing partner", "read": "on"}
        send(manager, self.at("other", f"{start}/sign/"), fields)

    def registers(self) -> None:
        """Two arrangements, a payment, items given (one of technology), a request of data and a notice of an error, a task done."""
        nurse = self.client("nurse")
        arrangement = {"base": "0", "partner": "Demonstration Family Medicine", "shared": "12", "terms": TERMS}
        partner = self.found("nurse", self.at("main", "arrangements/"), r"partner_tin=(\d+)")  # whom the claims know
        arrangement |= {"partner_tin": partner}
        arrangement |= {"signed_here": "2027-07-20", "signed_there": "2027-08-01", "effective": "2027-08-02"}
        send(nurse, self.at("main", "arrangements/new/"), arrangement | {"renewal": "2028-01-10"})
        unsigned = {"base": "0", "partner": "Demonstration Internal Medicine", "shared": "4", "terms": TERMS[:3]}
        send(nurse, self.at("main", "arrangements/new/"), unsigned)
        key = self.found("nurse", self.at("main", "arrangements/"), r"/arrangements/((?!new)\w+)/")
        paid = {"day": "2027-10-15", "cents": "120.00", "note": "coordination of discharges", "anyway": "on"}
        send(nurse, self.at("main", f"arrangements/{key}/payments/"), paid)
        upload = SimpleUploadedFile("arrangement signed.pdf", PDF)
        send(nurse, self.at("main", f"arrangements/{key}/documents/"), {"document": upload})
        known = self.known_patient()
        item = {"identifier": known, "day": "2027-06-01", "in_kind": "on", "asm_beneficiary": "on", "checked": "on"}
        item |= {"connected_to_care": "on", "documentation": "plan of care, binder 4"}
        send(nurse, self.at("main", "incentives/"), item | {"cents": "62.50", "what": "Blood pressure cuff"})
        tablet = {"day": "2027-09-09", "cents": "240.00", "what": "Tablet with the scale's program", "technology": "on"}
        send(nurse, self.at("main", "incentives/"), item | tablet)
        asked = {"base": "0", "kind": "data_request", "title": "Request of 2027", "step": "sent", "day": "2027-01-20"}
        send(nurse, self.at("main", "requests/"), asked)
        done = {"base": "0", "state": "done", "owner": "Test Manager", "evidence": "confirmation in the binder"}
        send(nurse, self.at("main", f"readiness/{YEAR}/tasks/registration/"), done)

    def known_patient(self) -> str:
        """The identifier of a patient of the main practice, as its own export has it."""
        exported = self.client("manager").get(self.at("main", "worklist/worklist.csv?window=all"))
        rows = csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig")))
        names = rows.fieldnames or ()
        column = next(name for name in names if name.lower().startswith("patient"))
        return next(iter(rows))[column].lstrip("'")

    def worklist(self) -> None:
        """Three cases have an owner and a day, one a note; a filter is kept."""
        nurse = self.client("nurse")
        here = self.at("main", "worklist/")
        cases = re.findall(r'name="case" value="(\d+)"', nurse.get(here).content.decode())[:3]
        change = {"case": cases, "owner": str(self.people["nurse"].pk), "status": "working", "due": "2027-12-13"}
        send(nurse, self.at("main", "worklist/change/"), change)
        send(nurse, self.at("main", "worklist/filters/?owner=me"), {"name": "Mine"})
        # What an earlier run closed: a patient's case of another measure than the one that is open now.
        case = Case.objects.filter(practice=self.practices["main"]).select_related("patient", "run").order_by("pk")[0]
        taken = Case.objects.filter(run=case.run, patient=case.patient).values_list("measure", flat=True)
        measure = next(each for each in ("236", "134", "128", "238") if each not in taken)
        done = WorkItem(practice=self.practices["main"], patient=case.patient, year=YEAR, measure=measure, group=0)
        done.owner, done.npis, done.status, done.outcome = self.people["nurse"], case.npis, "closed", "met"
        done.closed_by = case.run
        done.save()
        WorkEvent.objects.create(item=done, changes={"status": "closed", "outcome": "met", "run": case.run.key})

    def package(self, files: Path) -> str:
        """A package of the packing practice, with the receipt; returns its key."""
        client, here = self.client("packer"), self.at("packing", "submissions/")
        uploads = {path.stem: SimpleUploadedFile(path.name, path.read_bytes()) for path in sorted(files.iterdir())}
        send(client, here, {"level": "auto", "write": ["qrda3", "qpp", "fhir"], **uploads})
        key = self.found("packer", here, r"/submissions/(\w+)/")
        send(client, f"{here}{key}/receipt/", {"number": "CMS-TEST-1", "received": "2027-12-05"})
        return key

    def episode(self) -> int:
        """The main practice's episode with the most services: its page draws them day by day."""
        here = Episode.objects.filter(
            practice=self.practices["main"], run=Run.objects.newest_of(self.practices["main"])
        )
        return here.annotate(how_many=Count("services")).order_by("-how_many", "pk")[0].pk

    def look_up(self) -> None:
        """A participant list and a geography in the workbench's library."""
        with tempfile.TemporaryDirectory() as scratch:
            add_library(Path(settings.DATA), Path(scratch), today=DAY)

    def other_runs(self) -> dict[str, str]:
        """A run of the other practice that finished; one of the packing practice that runs while somebody holds its folder."""
        newest = Run.objects.newest_of(self.practices["other"])
        done = FeedRun(practice=self.practices["other"], state=State.FINISHED.value, year=YEAR, published=newest)
        going = FeedRun(practice=self.practices["packing"], state=State.RUNNING.value, year=YEAR)
        for run in (done, going):
            run.started_by = self.people["nurse"].email
        done.ended_at = timezone.now()
        done.save()
        going.save()
        private_folder(going.folder)
        note = {"title": "Quality measures", "place": 3, "of": 8, "left": 140}
        (going.folder / CONFIGURATION).write_text("", encoding="utf-8")  # which a run that can go on has
        (going.folder / PROGRESS).write_text(json.dumps(note), encoding="utf-8")
        return {"finished_run": done.key, "running_run": going.key}

    def data(self) -> str:
        """A file of the main practice and a run that was refused; returns the run's key."""
        upload = SimpleUploadedFile("roster.csv", b"tin,npi\n1,2\n")
        keep_file(practice=self.practices["main"], kind=BY_CODE["roster"], upload=upload, by=self.people["nurse"])
        run = FeedRun(practice=self.practices["main"], state=State.REFUSED.value, year=YEAR)
        run.started_by, run.ended_at = self.people["nurse"].email, timezone.now()
        run.message = "The files cannot be used as they are."
        run.problems = [
            {"code": "P101", "text": PROBLEM},  # as the run's own process notes what it was told (feeds/worker.py)
        ]
        run.save()
        return run.key

    def installation(self) -> str:
        """An EHR's credential, a token of the manager, an invitation that waits; returns the invitation's secret."""
        make_hook_client(name="Demonstration EHR", by=self.people["operator"])
        token = {"name": "nightly export", "scopes": ["see_scores"], "days": "90"}
        send(self.client("manager"), "/account/tokens/", token, status=200)
        _, secret = actions.invite(
            email="expected@example.test",
            role=Role.VIEWER,
            by=self.people["manager"],
            practice=self.practices["main"],
        )
        return secret

"""The binder as one PDF with an outline, tagged for screen readers; equal contents give equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from openasm import __version__
from openasm.app.attestations.answers import item_kinds, rules_of
from openasm.app.binder.collection import Binder
from openasm.app.primary_care.entries import PART_WORDS
from openasm.base.parameters import stamp
from openasm.report.paper import pdf_bytes
from openasm.report.pdf_parts import Story, notice, part, table, title, words
from openasm.report.titles import item_title

_PARTS = (
    "What was signed",
    "Answers",
    "Evidence",
    "Arrangements",
    "People and times",
    "Run and data",
    "Rule values",
    "Submission",
    "Retention",
)


def binder_pdf(binder: Binder, files: Sequence[tuple[str, str]]) -> bytes:
    """The PDF. files: name in the zip and SHA-256 of each attached file."""
    return pdf_bytes(
        _story(binder, files),
        heading=f"Evidence binder: ASM {binder.year}, {binder.practice.name}",
        version=__version__,
        subject="Not a CMS document.",
        foot=f"Evidence binder · performance year {binder.year} · version {binder.signed.number} · not a CMS document",
    )


def _story(binder: Binder, files: Sequence[tuple[str, str]]) -> Story:
    signed, facts = binder.signed, binder.signed.known
    story: Story = [title(f"Evidence binder: ASM {binder.year}")]
    story.append(words(f"{binder.practice.name}, TIN {binder.practice.masked_tin}"))
    story += notice(
        "Files named here lie beside this document in the same zip; their SHA-256 proves that they are those named."
    )
    story.append(table(["Part", "Holds"], [[str(place), name] for place, name in enumerate(_PARTS, 1)], shares=(1, 9)))
    story.append(part("1 What was signed"))
    story.append(
        words(
            f"Signed by {signed.by_name} ({signed.by}), {signed.capacity}, at {stamp(signed.at)}. SHA-256 of the version: {signed.digest}."
        )
    )
    story += [words(line or " ") for line in signed.statement.splitlines()]
    story.append(part("2 Answers"))
    answers = signed.answered
    rows = [
        [
            item_title(kind.item),
            answers[kind.item].answer or "–",
            "–"
            if answers[kind.item].denominator is None
            else f"{answers[kind.item].numerator} of {answers[kind.item].denominator}",
            "–" if answers[kind.item].start is None else f"{answers[kind.item].start} to {answers[kind.item].end}",
            answers[kind.item].evidence or "–",
        ]
        for kind in item_kinds(rules_of(binder.year))
        if kind.item in answers
    ]
    story += _table(["Item", "Answer", "Counts", "Period", "Evidence named"], rows, (3, 1, 1.4, 2.2, 3))
    story.append(part("3 Evidence"))
    by_hash = {digest: name for name, digest in files}
    story += _table(
        ["Document", "Proves", "Added", "SHA-256", "File in the zip"],
        [
            [
                each.name,
                each.about.split(":")[0],
                f"{timezone.localdate(each.added_at)} {each.added_by}",
                each.sha256,
                by_hash.get(each.sha256, "–"),
            ]
            for each in binder.documents
        ],
        (2.2, 1.2, 2, 3, 2.4),
    )
    story += _table(
        ["Task of the plan", "State", "Owner", "Evidence", "By"],
        [
            [each.key, each.state, each.owner or "–", each.evidence or "–", f"{each.by}, {timezone.localdate(each.at)}"]
            for each in binder.tasks
        ],
        (2, 1, 1.5, 3, 2),
    )
    story.append(words("Beneficiaries seen to for IA_1, by clinician; the list with names stays in the workbench."))
    story += _table(
        ["Clinician", "Beneficiaries", *PART_WORDS.values(), "All three"],
        [
            [
                f"{each.name} (NPI {each.npi})",
                *(str(count) for count in (each.people, *each.having.values(), each.complete)),
            ]
            for each in binder.coverage
        ],
        (3, 1.2, 1.2, 1.2, 1.6, 1),
    )
    story.append(part("4 Arrangements"))
    story += _table(
        ["Partner", "Signed here", "Signed there", "Effective", "Ended", "Terms"],
        [
            [
                each.partner,
                *(str(day or "–") for day in (each.signed_here, each.signed_there, each.effective, each.ended)),
                ", ".join(each.terms),
            ]
            for each in binder.arrangements
        ],
        (2, 1, 1, 1, 1, 3),
    )
    story.append(part("5 People and times"))
    story += _table(
        ["Version", "Step", "By", "At", "Reason", "SHA-256"],
        [
            [
                str(each.number),
                each.step,
                f"{each.by_name} ({each.by})",
                stamp(each.at),
                each.reason or "–",
                each.digest,
            ]
            for each in binder.versions
        ],
        (0.8, 1, 2, 1.6, 2, 3),
    )
    story.append(part("6 Run and data"))
    story += _run(binder, facts)
    story.append(part("7 Rule values"))
    story += _table(
        ["Name", "Value", "Unit", "Citation", "Edition", "Status"],
        [
            [str(each.get(name, "–")) for name in ("name", "value", "unit", "citation", "edition", "status")]
            for each in facts.get("rules", [])
        ],
        (2.4, 2.2, 1, 2, 1.6, 1),
    )
    story.append(part("8 Submission"))
    story += _table(
        ["Package", "Prepared", "SHA-256", "Receipts"],
        [
            [
                each.key,
                f"{stamp(each.at)} {each.by}",
                each.sha256,
                "; ".join(f"{one.number} of {one.received}" for one in each.receipts.all()) or "none",
            ]
            for each in binder.packages
        ],
        (1.2, 2, 3, 2),
    )
    story.append(part("9 Retention"))
    story.append(words("Nothing is removed before its day; the workbench removes nothing of this at all by itself."))
    story += _table(
        ["What", "Since", "Kept until"],
        [[each.what, str(each.since), str(each.until)] for each in binder.kept],
        (5, 1.2, 1.2),
    )
    return story


def _run(binder: Binder, facts: dict[str, Any]) -> Story:
    named = facts.get("run") or {}
    story: Story = [words(f"The signature names the published run with content hash {named.get('hash', 'none')}.")]
    if binder.run is None:
        return [*story, words("The run is not in the workbench any more.")]
    run = binder.run
    story.append(
        words(
            f"{run.name}, made at {stamp(run.made_at)} with OpenASM {run.program_version}, published at {stamp(run.published_at)}."
        )
    )
    inputs = [each for each in run.facts.get("inputs", []) if isinstance(each, dict)]
    rows = [
        [str(each.get("name") or each.get("file") or each.get("table", "–")), str(each.get("sha256", "–"))]
        for each in inputs
    ]
    return [*story, *_table(["Input", "SHA-256"], rows, (3, 4))]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float]) -> Story:
    return [table(headings, rows, shares=shares)] if rows else [words("None.")]

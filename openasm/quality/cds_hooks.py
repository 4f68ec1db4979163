"""A CDS Hooks 2.0 service for the hook `patient-view`: cards for the open gaps of the patient whose chart is open.

The request's prefetch holds the patient's resources; they are evaluated by the same functions as a practice's export. Nothing is fetched,
stored or logged; a response depends on the request, the value sets and the day alone. Every request gives 200 with cards or a 4xx with a
numbered problem (docs/reference/cds-hooks.md).

Source: HL7 CDS Hooks 2.0, discovery, calling a CDS service, card attributes, feedback.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import orjson

from openasm.base.problems import ProblemKind, Problems, declare
from openasm.clinical.facts import Patient
from openasm.clinical.fhir import patients_of_bundle
from openasm.clinical.fhir_facts import FactReader
from openasm.quality.evaluation import Job
from openasm.quality.specification import Specification
from openasm.quality.worklist import OpenGap, Window, order_key, window

SERVICE = "openasm-gaps"
HOOK = "patient-view"
MAXIMUM_BODY = 8 << 20
URGENT_DAYS = 30  # a card warns from here on
_SUMMARY = 139  # CDS Hooks: under 140 characters

NOT_JSON = declare(
    "Q170",
    "the request is not JSON",
    expected="a JSON object in UTF-8",
    next_step="Send the request body of CDS Hooks 2.0.",
)
BAD_REQUEST = declare(
    "Q171",
    "the request lacks an element or has one of the wrong kind",
    expected="hook, hookInstance, context.patientId and prefetch as CDS Hooks 2.0 has them",
    next_step="The message names the element.",
)
PREFETCH_MISSING = declare(
    "Q172",
    "the prefetch lacks data that the service asks for",
    expected="every key of the service's prefetch template; null where the server has nothing",
    next_step="Let the EHR resolve the prefetch templates of GET /cds-services.",
)
NO_SUCH_SERVICE = declare(
    "Q173",
    "there is no such service",
    expected=f"GET /cds-services or POST /cds-services/{SERVICE}",
    next_step="Look the services up at GET /cds-services.",
)
BODY_TOO_LARGE = declare(
    "Q174",
    "the request body is too large or of no stated length",
    expected=f"a Content-Length of at most {MAXIMUM_BODY >> 20} MB",
    next_step="Prefetch one patient's records only.",
)
WRONG_METHOD = declare(
    "Q175",
    "the address does not take this method",
    expected="GET or POST, by address",
    next_step="Use the other method.",
)
WRONG_PATIENT = declare(
    "Q176",
    "the prefetch is not about the patient of the context",
    expected="the Patient resource of context.patientId",
    next_step="Check how the EHR resolves the prefetch templates.",
)

# Prefetch key -> FHIR query. Windows reach back as far as the measures look.
PREFETCH: Mapping[str, str] = {
    "patient": "Patient/{{context.patientId}}",
    "encounters": "Encounter?patient={{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "observations": "Observation?patient={{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}&_include=MedicationRequest:medication",
    "services": "ServiceRequest?patient={{context.patientId}}",
    "devices": "DeviceRequest?patient={{context.patientId}}",
    "procedures": "Procedure?patient={{context.patientId}}",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
    "tasks": "Task?patient={{context.patientId}}",
}


class Refused(Exception):
    """A request that gets no cards: the HTTP status and the numbered problem. found never holds what a patient's record says."""

    def __init__(self, status: int, kind: ProblemKind, found: str = "") -> None:
        super().__init__(kind.title)
        self.status = status
        self.kind = kind
        self.found = found

    def as_record(self) -> dict[str, object]:
        """The body of the response."""
        return {
            "error": {
                "code": self.kind.code,
                "message": self.kind.title,
                "found": self.found,
                "expected": self.kind.expected,
                "next_step": self.kind.next_step,
            }
        }


class Answer(NamedTuple):
    """Status and JSON body of a response."""

    status: int
    body: dict[str, object]


class CdsService:
    """The service for one measurement year. today: the clock, asked at each request."""

    def __init__(self, job: Job, today: Callable[[], date]) -> None:
        self.measures = job.measures()
        self.specifications: Mapping[str, Specification] = {each.measure: each for each in job.specifications}
        self.terms = job.terms
        self.profiles = job.profiles
        self.today = today

    def discovery(self) -> dict[str, object]:
        """The answer to GET /cds-services."""
        names = ", ".join(self.specifications)
        return {
            "services": [
                {
                    "hook": HOOK,
                    "id": SERVICE,
                    "title": "Open quality gaps (Ambulatory Specialty Model)",
                    "description": f"What is still open for this patient in {names}, and until when.",
                    "prefetch": dict(PREFETCH),
                }
            ]
        }

    def respond(self, request: Any) -> Answer:
        """The answer to a parsed request body: cards, or a problem. Any JSON value is allowed."""
        try:
            return Answer(200, {"cards": self.cards(self._patient(request), self.today())})
        except Refused as refused:
            return Answer(refused.status, refused.as_record())

    def cards(self, patient: Patient, today: date) -> list[dict[str, object]]:
        """One card for each measure and group with an open gap, soonest first."""
        found: list[tuple[str, dict[str, object]]] = []
        for measure in self.measures:
            for outcome in measure.evaluate(patient):
                gaps = [
                    OpenGap(measure.name, outcome.group, "", gap.kind, gap.missing, gap.earliest, gap.due)
                    for gap in outcome.gaps
                ]
                ways = sorted((order_key(gap, today), gap) for gap in gaps if _to_do(gap, today))
                if ways:
                    card = self._card(
                        self.specifications[measure.name], outcome.reason, [gap for _, gap in ways], today
                    )
                    found.append((ways[0][0] + measure.name, card))
        return [card for _, card in sorted(found, key=lambda item: item[0])]

    def _card(
        self, specification: Specification, reason: str, gaps: Sequence[OpenGap], today: date
    ) -> dict[str, object]:
        first = gaps[0]
        due = first.due or today
        lines = [reason, ""]
        for gap in gaps:
            opens = f"from {gap.earliest} " if gap.earliest is not None and gap.earliest > today else ""
            lines.append(f"- **{_KINDS[gap.kind]}** ({opens}until {gap.due}): {gap.missing}")
        return {
            "summary": _shortened(f"{specification.measure}: {first.missing} (until {due})"),
            "detail": "\n".join(lines),
            "indicator": "warning" if (due - today).days <= URGENT_DAYS else "info",
            "source": {"label": f"OpenASM, {specification.version}: {specification.title}"},
        }

    def _patient(self, request: Any) -> Patient:
        if not isinstance(request, dict):
            raise Refused(400, BAD_REQUEST, "no object")
        if request.get("hook") != HOOK:
            raise Refused(400, BAD_REQUEST, "hook")
        if not isinstance(request.get("hookInstance"), str):
            raise Refused(400, BAD_REQUEST, "hookInstance")
        context = request.get("context")
        identity = context.get("patientId") if isinstance(context, dict) else None
        if not isinstance(identity, str) or not identity:
            raise Refused(400, BAD_REQUEST, "context.patientId")
        prefetch = request.get("prefetch")
        if not isinstance(prefetch, dict):
            raise Refused(412, PREFETCH_MISSING, ", ".join(PREFETCH))
        missing = [key for key in PREFETCH if key not in prefetch]
        if missing or prefetch["patient"] is None:
            raise Refused(412, PREFETCH_MISSING, ", ".join(missing or ["patient"]))
        entries = [entry for key in PREFETCH for entry in _entries(key, prefetch[key])]
        reader = FactReader(self.terms, self.profiles)
        bundle = {"resourceType": "Bundle", "entry": entries}
        for patient in patients_of_bundle(bundle, reader, Problems()):
            if patient.id == identity:
                return patient
        raise Refused(400, WRONG_PATIENT)


_KINDS = {"care": "Care", "documentation": "Documentation", "data": "Data"}


def _to_do(gap: OpenGap, today: date) -> bool:
    return window(gap, today) in (Window.OPEN, Window.LATER)


def _shortened(text: str) -> str:
    return text if len(text) <= _SUMMARY else text[: _SUMMARY - 1] + "…"


def _entries(key: str, value: Any) -> list[dict[str, Any]]:
    """Entries of a prefetched Bundle, or of one resource; none for null."""
    if value is None:
        return []
    if not isinstance(value, dict):
        raise Refused(400, BAD_REQUEST, f"prefetch.{key}")
    if value.get("resourceType") != "Bundle":
        return [{"resource": value}]
    entries = value.get("entry") or []
    if not isinstance(entries, list):
        raise Refused(400, BAD_REQUEST, f"prefetch.{key}.entry")
    return [entry for entry in entries if isinstance(entry, dict)]


# --- HTTP ----------------------------------------------------------------------------------------------------------------

_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    412: "Precondition Failed",
    413: "Content Too Large",
    500: "Internal Server Error",
}
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Application:
    """The service as a WSGI application: stateless, nothing stored, nothing logged, bodies bounded."""

    def __init__(self, service: CdsService) -> None:
        self.service = service

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            answer = self._answer(environ)
        except Refused as refused:
            answer = Answer(refused.status, refused.as_record())
        except Exception:  # a defect must show neither a traceback nor a record
            answer = Answer(500, {"error": {"code": "defect", "message": "A defect of OpenASM; nothing was stored."}})
        body = json.dumps(answer.body, ensure_ascii=False).encode("utf-8", "replace")
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        start_response(f"{answer.status} {_REASONS[answer.status]}", headers)
        return [body]

    def _answer(self, environ: Mapping[str, Any]) -> Answer:
        path = str(environ.get("PATH_INFO", "")).rstrip("/")
        method = environ.get("REQUEST_METHOD")
        if path == "/cds-services":
            if method != "GET":
                raise Refused(405, WRONG_METHOD, "GET")
            return Answer(200, self.service.discovery())
        if path not in (f"/cds-services/{SERVICE}", f"/cds-services/{SERVICE}/feedback"):
            raise Refused(404, NO_SUCH_SERVICE)
        if method != "POST":
            raise Refused(405, WRONG_METHOD, "POST")
        body = _body(environ)
        if path.endswith("/feedback"):
            return Answer(200, {})  # taken note of and forgotten
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Refused(400, NOT_JSON) from None
        return self.service.respond(request)


def _body(environ: Mapping[str, Any]) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or -1)
    except ValueError:
        length = -1
    if not 0 <= length <= MAXIMUM_BODY:
        raise Refused(413, BODY_TOO_LARGE)
    body: bytes = environ["wsgi.input"].read(length)
    return body

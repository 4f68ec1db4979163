"""CDS Hooks: one patient-view request, all seven measures, in process."""

from __future__ import annotations

import datetime as dt
import io
import resource
import time

import orjson

from benchmarks.measure import Row, Took
from openasm.clinical.synthetic import Record
from openasm.clinical.terminology import Terminology
from openasm.quality.cds_hooks import PREFETCH, SERVICE, Application, CdsService
from openasm.quality.demonstration import demo_records, demo_value_sets
from openasm.quality.evaluation import Job
from openasm.quality.specification import measure_ids, specification_for

YEAR = 2026
PATIENTS = 300
LONG_CHART = 300  # resources of a patient with many laboratory results
KEYS = {
    "Patient": "patient",
    "Encounter": "encounters",
    "Condition": "conditions",
    "Observation": "observations",
    "MedicationRequest": "medications",
    "ServiceRequest": "services",
    "DeviceRequest": "devices",
    "Procedure": "procedures",
    "AllergyIntolerance": "allergies",
    "Task": "tasks",
}


def application() -> Application:
    """The service with the demonstration's value sets."""
    specifications = tuple(specification_for(name, YEAR) for name in measure_ids())
    codes = {name: codes for name, (_, codes) in demo_value_sets().items()}
    singles = {name: pair for each in specifications for name, pair in each.codes.items()}
    return Application(CdsService(Job(specifications, Terminology(codes, singles), YEAR), lambda: dt.date(YEAR, 6, 1)))


def request_of(record: Record) -> bytes:
    """A record as the body of a patient-view request."""
    prefetch: dict[str, object] = dict.fromkeys(PREFETCH)
    for each in record.resources:
        key = KEYS[each["resourceType"]]
        if key == "patient":
            prefetch[key] = each
        else:
            bundle = prefetch[key] or {"resourceType": "Bundle", "type": "searchset", "entry": []}
            bundle["entry"].append({"resource": each})  # type: ignore[index]
            prefetch[key] = bundle
    body = {"hook": "patient-view", "hookInstance": "benchmark", "context": {"patientId": record.identity}}
    return orjson.dumps(body | {"prefetch": prefetch})


def slowest_twentieth(bodies: list[bytes]) -> Took:
    """The 95th percentile over requests, parsing and answer included."""
    served, times = application(), []
    for body in bodies:
        environ = {
            "PATH_INFO": f"/cds-services/{SERVICE}",
            "REQUEST_METHOD": "POST",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        statuses: list[str] = []
        begun = time.perf_counter()
        served(environ, lambda status, _, into=statuses: into.append(status))
        times.append(time.perf_counter() - begun)
        assert statuses == ["200 OK"]
    p95 = sorted(times)[int(0.95 * (len(times) - 1))]
    return Took(p95, p95, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def long_chart(record: Record) -> Record:
    """The record with results that no measure asks for."""
    for number in range(LONG_CHART - len(record.resources)):
        day = dt.date(2016, 1, 1) + dt.timedelta(days=number * 2)
        record.observation(("http://loinc.org", f"made-up-{number % 40}"), day.isoformat(), amount=(1.0, "mg/dL"))
    return record


def run() -> list[Row]:
    """Rows of the table."""
    records = demo_records(1, PATIENTS, YEAR)
    typical = slowest_twentieth([request_of(record) for record in records])
    many = slowest_twentieth([request_of(long_chart(record)) for record in records[:60]])
    limit = 0.020
    return [
        Row(
            "request",
            f"p95 of {PATIENTS} requests, 7 measures",
            typical,
            limit_seconds=limit,
            note="bound by parsing and reading: some 0.03 ms a resource",
        ),
        Row(
            "long chart",
            f"p95 of 60 requests of {LONG_CHART:,} resources",
            many,
            limit_seconds=limit,
            note="bound by parsing and reading: some 0.03 ms a resource",
        ),
    ]

"""CDS Hooks: discovery, cards equal to the measures' gaps, problems by status and code, and any JSON at all."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.bench_cds_hooks import request_of
from openasm.quality.cds_hooks import MAXIMUM_BODY, PREFETCH, SERVICE, Application, CdsService
from openasm.quality.demonstration import demo_records
from openasm.quality.evaluation import Job
from openasm.quality.specification import measure_ids, specification_for
from tests.builders.quality_measures import facts, measures, terminology

TODAY = date(2026, 6, 1)
JOB = Job(tuple(specification_for(name, 2026) for name in measure_ids()), terminology(), 2026)
SERVED = Application(CdsService(JOB, lambda: TODAY))


def call(
    body: bytes, *, path: str = f"/cds-services/{SERVICE}", method: str = "POST", length: str | None = None
) -> Any:
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "CONTENT_LENGTH": str(len(body)) if length is None else length,
        "wsgi.input": io.BytesIO(body),
    }
    statuses: list[int] = []
    content = b"".join(SERVED(environ, lambda status, headers: statuses.append(int(status[:3]))))
    return statuses[0], json.loads(content)


def request(seed: int = 1) -> dict[str, Any]:
    return json.loads(request_of(demo_records(seed, 1, 2026)[0]))


def test_discovery_names_the_service_and_its_prefetch() -> None:
    status, body = call(b"", path="/cds-services", method="GET")
    (service,) = body["services"]
    assert (status, service["hook"], service["id"]) == (200, "patient-view", SERVICE)
    assert service["prefetch"] == PREFETCH
    assert service["description"]


@pytest.mark.parametrize("seed", range(12))
def test_cards_are_the_open_gaps_of_the_measures(seed: int) -> None:
    record = demo_records(seed, 1, 2026)[0]
    status, body = call(request_of(record))
    assert status == 200
    expected = {
        measure.name
        for measure in measures().values()
        for outcome in measure.evaluate(facts(record))
        if any(gap.due is not None and gap.due >= TODAY for gap in outcome.gaps)
    }
    assert {card["summary"].partition(":")[0] for card in body["cards"]} == expected
    for card in body["cards"]:
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning")
        assert card["source"]["label"].startswith("OpenASM, CMS")
        assert "until 2026-" in card["detail"]
        assert "demo-" not in json.dumps(card)


def test_cards_do_not_change_with_the_order_of_resources() -> None:
    first = request(3)
    turned = request(3)
    for value in turned["prefetch"].values():
        if value and value["resourceType"] == "Bundle":
            value["entry"].reverse()
    assert call(orjson.dumps(first)) == call(orjson.dumps(turned))


def without(*path: str) -> bytes:
    body = request()
    inner = body
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return orjson.dumps(body)


def changed(value: Any, *path: str) -> bytes:
    body = request()
    inner = body
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return orjson.dumps(body)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "Q170"),
        (b"\xff", 400, "Q170"),
        (b"[" * 5000, 400, "Q170"),
        (b"[]", 400, "Q171"),
        (without("hook"), 400, "Q171"),
        (changed("order-sign", "hook"), 400, "Q171"),
        (without("hookInstance"), 400, "Q171"),
        (without("context", "patientId"), 400, "Q171"),
        (without("prefetch"), 412, "Q172"),
        (without("prefetch", "conditions"), 412, "Q172"),
        (changed(None, "prefetch", "patient"), 412, "Q172"),
        (changed([], "prefetch", "conditions"), 400, "Q171"),
        (changed({"resourceType": "Bundle", "entry": 5}, "prefetch", "conditions"), 400, "Q171"),
        (changed("somebody-else", "context", "patientId"), 400, "Q176"),
    ],
)
def test_bad_requests_get_a_numbered_problem(body: bytes, status: int, code: str) -> None:
    found, answer = call(body)
    assert (found, answer["error"]["code"]) == (status, code)
    assert "demo-" not in json.dumps(answer)
    assert "somebody" not in json.dumps(answer)


def test_addresses_methods_and_sizes() -> None:
    status, body = call(b"", path="/", method="GET")
    assert (status, body["error"]["code"]) == (404, "Q173")
    assert call(b"{}", path="/cds-services/other")[0] == 404
    assert call(b"", method="GET")[1]["error"]["code"] == "Q175"
    assert call(b"{}", path="/cds-services")[0] == 405
    assert call(b"", length=str(MAXIMUM_BODY + 1))[1]["error"]["code"] == "Q174"
    assert call(b"", length="-5")[0] == 413
    assert call(b"", length="many")[0] == 413
    assert call(b'{"feedback": []}', path=f"/cds-services/{SERVICE}/feedback") == (200, {})


def test_a_defect_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(CdsService, "cards", broken)
    status, body = call(orjson.dumps(request()))
    assert (status, body["error"]["code"]) == (500, "defect")
    assert "secret" not in json.dumps(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fuzz = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@fuzz
@given(json_values)
def test_any_json_gets_an_answer(value: Any) -> None:
    status, body = call(orjson.dumps(value))
    assert status in (400, 412)
    assert body["error"]["code"].startswith("Q17")


@fuzz
@given(st.integers(0, 50), json_values, st.data())
def test_a_damaged_request_gets_cards_or_a_problem(seed: int, value: Any, data: st.DataObject) -> None:
    body = request(seed)
    inner: Any = body
    for _ in range(data.draw(st.integers(1, 9))):
        if not isinstance(inner, dict | list) or not inner:
            break
        key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))))
        if data.draw(st.booleans()) or not isinstance(inner[key], dict | list):
            inner[key] = value
            break
        inner = inner[key]
    status, answer = call(orjson.dumps(body))
    assert status in (200, 400, 412)
    assert ("cards" in answer) == (status == 200)

"""The page of security checks names tests that exist, and every item of the list it follows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "security-checks.md").read_text(encoding="utf-8")
ITEMS = (
    *("6.2.1", "6.2.4", "6.2.12", "6.3.1", "6.3.3", "6.3.8", "6.4.3", "7.2.4", "7.3.1", "7.3.2", "7.4.1", "7.4.2"),
    *("7.4.5", "7.5.1", "8.2.1", "8.2.2", "8.2.3", "8.3.1", "8.4.1", "5.2.1", "5.2.2", "5.2.3", "5.3.2", "5.3.3"),
    *("5.4.1", "1.2.10", "14.2.1", "14.2.6", "14.3.2", "14.3.3", "11.3.2", "11.4.2", "13.2.4", "13.2.5", "13.3.1"),
    *("13.4.2", "16.2.1", "16.2.2", "16.2.5", "16.3.1", "16.3.2", "16.4.1", "16.4.2", "16.5.1"),
)


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
    assert len(named) > 50
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not re.search(rf"(?m)^def {test}\(", (ROOT / "tests" / "app" / file).read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_every_item_has_a_row_with_a_test_or_a_reason() -> None:
    rows = [line.split("|") for line in PAGE.splitlines() if re.match(r"\| \d", line)]
    found = [item.strip() for row in rows for item in row[1].split(",")]
    assert sorted(found) == sorted(ITEMS)
    assert all(len(row[3].strip()) > 20 for row in rows)

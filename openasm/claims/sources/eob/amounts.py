"""Amounts of an ExplanationOfBenefit, in integer cents, and what counts as the cost of a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from openasm.claims.sources.eob.elements import Unreadable
from openasm.claims.sources.eob.shape import codings, name


def payment_of(resource: Mapping[str, Any]) -> int | None:
    """What Medicare paid for the claim, in cents; None when it is not stated."""
    amount = (resource.get("payment") or {}).get("amount")
    return None if amount is None else cents_of(amount.get("value"), "payment")


def amounts_of(adjudications: Any) -> dict[str, int]:
    """Amounts by name; a name that repeats counts once, with its last amount."""
    found: dict[str, int] = {}
    for each in adjudications or ():
        amount = each.get("amount")
        if not isinstance(amount, dict) or amount.get("value") is None:
            continue
        for coding in codings(each.get("category")):
            found[name(str(coding.get("code") or ""))] = cents_of(amount["value"], "adjudication")
    return found


def claim_amounts(resource: Mapping[str, Any]) -> dict[str, int]:
    """Amounts of the whole claim by name, in cents: adjudication, totals and benefit balances."""
    found = amounts_of(resource.get("adjudication"))
    found.update(amounts_of(resource.get("total")))
    for balance in resource.get("benefitBalance") or ():
        for financial in balance.get("financial") or ():
            money = financial.get("usedMoney")
            if isinstance(money, dict) and money.get("value") is not None:
                for coding in codings(financial.get("type")):
                    found[name(str(coding.get("code") or ""))] = cents_of(money["value"], "benefitBalance")
    return found


def cents_of(value: Any, where: str) -> int:
    """Dollars as integer cents, halves away from zero; Unreadable when it is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable(where)
    if -1e11 < value < 1e11:
        near = round(value * 100)
        if abs(value * 100 - near) < 1e-4:  # two decimals or fewer: the usual case, without exact arithmetic
            return near
    try:
        return int((Decimal(str(value)) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, OverflowError, ValueError):
        raise Unreadable(where) from None


def first_amount(amounts: Mapping[str, int], names: Sequence[str]) -> int | None:
    """The first amount of some names that is there."""
    return next((amounts[each] for each in names if each in amounts), None)


def any_present(amounts: Mapping[str, int], alternatives: tuple[tuple[str, ...], ...]) -> bool:
    """Whether any name of some alternatives is there."""
    return any(each in amounts for alternative in alternatives for each in alternative)


def shares_of(amounts: Mapping[str, int], groups: tuple[tuple[tuple[str, ...], ...], ...]) -> list[int]:
    """What the patient and other payers bear, one number a group: the first alternative any of whose names is there."""
    found = []
    for alternatives in groups:
        for alternative in alternatives:
            if any(each in amounts for each in alternative):
                found.append(sum(amounts.get(each, 0) for each in alternative))
                break
    return found


def cost_of(
    allowed: int | None,
    paid: int | None,
    amounts: Mapping[str, int],
    groups: tuple[tuple[tuple[str, ...], ...], ...],
) -> tuple[int, str]:
    """What counts as the cost of a line, and on what basis."""
    if allowed is not None:
        return allowed, "allowed"
    shares = shares_of(amounts, groups)
    if shares:
        return (paid or 0) + sum(shares), "rebuilt"
    return paid or 0, "paid"

"""Money as people write and read it. Claims are integer cents; a division happens once, after all sums."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def cents_from_dollars(text: str) -> int:
    """Dollars as written (`1234.5`, `-0.07`) to whole cents, exactly; more than two decimals or other signs raise ValueError.

    >>> cents_from_dollars("1234.5")
    123450
    """
    try:
        amount = Decimal(text.strip())
    except ArithmeticError as error:
        raise ValueError("not an amount of money") from error
    if not amount.is_finite() or amount != amount.quantize(CENT):
        raise ValueError("not an amount of money in whole cents")
    return int(amount * 100)


def dollars_text(amount: float | Decimal, *, cents: bool = True, sign: bool = False) -> str:
    """Dollars for people: `$1,234.50`, negative with a true minus sign, `+` on request.

    >>> dollars_text(-4725.0)
    '−$4,725.00'
    """
    exact = Decimal(str(amount)).quantize(CENT if cents else Decimal(1), ROUND_HALF_UP)
    mark = "−" if exact < 0 else "+" if sign and exact > 0 else ""
    return f"{mark}${abs(exact):,}"

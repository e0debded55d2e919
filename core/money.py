"""Amounts of money in words."""

from __future__ import annotations

from decimal import Decimal

# From here on nobody counts parts of a cent.
_LARGE = 10


def written(amount: Decimal, currency: str) -> str:
    """Such as 0.0745 EUR: at least two decimals and what there is of more; large amounts are rounded to two."""
    if abs(amount) >= _LARGE:
        return f"{amount:,.2f} {currency}"
    whole, _point, decimals = f"{amount:.6f}".rstrip("0").partition(".")
    return f"{whole}.{decimals.ljust(2, '0')} {currency}"

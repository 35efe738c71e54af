"""Amounts in integer minor units, rates in basis points, figures."""

from __future__ import annotations

from .speech import NARROW, lang


def money(minor: int, *, sign: bool = False) -> str:
    """1 200,00 € or €1,200.00, from minor units; a minus is a real one; `sign` writes the plus too."""
    return _amount(minor, cents=True, sign=sign)


def money_round(minor: int) -> str:
    """Without cents when there are none: 1 200 € or €1,200."""
    return _amount(minor, cents=bool(minor % 100), sign=False)


def money_bare(minor: int) -> str:
    """For a column whose head names the currency: 1 200,00."""
    return _signed(minor) + _digits(abs(minor), cents=True)


def _amount(minor: int, *, cents: bool, sign: bool) -> str:
    before = "+" if sign and minor > 0 else _signed(minor)
    number = _digits(abs(minor), cents=cents)
    return f"{before}{number}{NARROW}€" if lang() == "fr" else f"{before}€{number}"


def _signed(minor: int) -> str:
    return "−" if minor < 0 else ""


def _digits(minor: int, *, cents: bool) -> str:
    whole = number(minor // 100)
    if not cents:
        return whole
    return f"{whole}{',' if lang() == 'fr' else '.'}{minor % 100:02d}"


def number(value: int) -> str:
    """1 200 or 1,200."""
    grouped = f"{value:,}"
    return grouped.replace(",", NARROW) if lang() == "fr" else grouped


def decimal(value: float, places: int = 1) -> str:
    """A measured figure, not an amount: 4,5 or 4.5, without a useless zero."""
    text = f"{value:.{places}f}".rstrip("0").rstrip(".") if places else f"{value:.0f}"
    return text.replace(".", ",") if lang() == "fr" else text


def percent(value: int) -> str:
    """Whole percent: 10 % or 10%."""
    return f"{value}{NARROW}%" if lang() == "fr" else f"{value}%"


def rate(basis_points: int) -> str:
    """A rate in basis points: 1 000 → 10 %, 550 → 5,5 %."""
    text = f"{basis_points / 100:.2f}".rstrip("0").rstrip(".")
    return f"{text.replace('.', ',')}{NARROW}%" if lang() == "fr" else f"{text}%"

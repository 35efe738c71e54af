"""Quotes: what the buyer pays, line by line, and what of it is the expert's.

Source: payments.md, "Quote lines", and regulation.md, VAT of services between businesses. All amounts
are integer minor units. VAT is rounded half up per line; fee and commission are rounded down, on the price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from typing import Any, Self

from .errors import CurrencyMismatch
from .money import EUR, part
from .months import BOOKS_ZONE
from .vat import IN_EU, OUTSIDE_SCOPE, REVERSE_CHARGE, SMALL_BUSINESS, standard_rate, territory

# What the buyer pays, in the order in which it is shown, refunded and posted.
LINES = ("price", "seller_vat", "service_fee", "vat_service_fee")
_WHOLE = 10_000


@dataclass(frozen=True)
class FeeRates:
    """Basis points that apply from a day on, both on the price."""

    since: date
    service_bp: int
    commission_bp: int


DEFAULT_FEES = (FeeRates(date(2026, 1, 1), 1_000, 1_000),)


def fees_on(day: date, fees: Sequence[FeeRates] = DEFAULT_FEES) -> FeeRates:
    """The rates in force on a day: the latest that began by then. None began: ValueError."""
    begun = [rates for rates in fees if rates.since <= day]
    if not begun:
        raise ValueError(f"no fee rates apply on {day}")
    return max(begun, key=lambda rates: rates.since)


def fees_at(now: datetime, fees: Sequence[FeeRates] = DEFAULT_FEES) -> FeeRates:
    """The rates in force at an instant. A day begins where the books are kept, not in UTC."""
    return fees_on(now.astimezone(BOOKS_ZONE).date(), fees)


@dataclass(frozen=True)
class SellerTax:
    """The expert for VAT. `ground` is the code printed when they are exempt; `identity` goes on paper."""

    country: str
    liable: bool = True
    ground: str | None = None
    vat_number: str | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BuyerTax:
    """The buyer's company for VAT."""

    country: str
    vat_number: str | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlatformTax:
    """The platform as a party to a quote: for VAT (always liable), and what it takes from which day on."""

    country: str = "FR"
    vat_number: str | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    fees: Sequence[FeeRates] = DEFAULT_FEES


@dataclass(frozen=True)
class Vat:
    """A rate in basis points, or 0 with the ground for it (a code; pages and papers translate it)."""

    rate_bp: int
    ground: str | None = None

    def on(self, minor: int) -> int:
        """The VAT on an amount, rounded half up."""
        return (minor * self.rate_bp + _WHOLE // 2) // _WHOLE


@dataclass(frozen=True)
class Quote:
    """The frozen price lines of one booking, minor units, each VAT line with its rate and ground.

    "VAT lines are computed and frozen when payment opens or approval is asked" (payments.md).
    """

    price: int
    seller_vat: int
    service_fee: int
    vat_service_fee: int
    commission: int
    vat_commission: int
    seller_vat_rate_bp: int
    fee_vat_rate_bp: int
    commission_vat_rate_bp: int
    service_fee_bp: int
    commission_bp: int
    seller_vat_ground: str | None = None
    fee_vat_ground: str | None = None
    commission_vat_ground: str | None = None
    currency: str = EUR
    seller: Mapping[str, Any] = field(default_factory=dict)
    buyer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """What the buyer pays, all VAT in it."""
        return self.price + self.seller_vat + self.service_fee + self.vat_service_fee

    @property
    def net(self) -> int:
        """What the buyer pays without any VAT."""
        return self.price + self.service_fee

    @property
    def vat(self) -> int:
        """All VAT the buyer pays."""
        return self.seller_vat + self.vat_service_fee

    @property
    def expert_share(self) -> int:
        """What the expert is paid: price and their VAT, less our commission and its VAT."""
        return self.price + self.seller_vat - self.commission - self.vat_commission

    @property
    def lines(self) -> dict[str, int]:
        """The buyer's four lines by name, in order; they add up to `total`."""
        return {name: getattr(self, name) for name in LINES}

    @property
    def assumed(self) -> bool:
        """True for a preview: the buyer's country was assumed, and the page says so."""
        return bool(self.buyer.get("assumed"))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, for the frozen column."""
        return asdict(self) | {"seller": dict(self.seller), "buyer": dict(self.buyer), "total": self.total}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The quote that `as_dict` wrote. Raises where the stored total is not that of its lines."""
        names = {one.name for one in fields(cls)}
        quote = cls(**{name: value for name, value in stored.items() if name in names})
        if stored.get("total", quote.total) != quote.total:
            raise ValueError("the stored total is not the sum of its lines")
        return quote


def vat_between(
    seller: str,
    buyer: str,
    *,
    liable: bool = True,
    ground: str | None = None,
    numbered: bool = False,
) -> Vat:
    """The VAT on a service between two businesses, by country codes (regulation.md, Invoices).

    - an exempt seller: 0, with their ground;
    - same country: that country's standard rate (none known: outside scope);
    - seller outside the EU, buyer in it: 0, reverse charge by the buyer;
    - buyer outside the EU: 0, outside scope;
    - other EU country, buyer with a VAT number (`numbered`): 0, reverse charge;
    - other EU country without one: the seller's own country's rate.
    """
    here, there = territory(seller), territory(buyer)
    if not liable:
        return Vat(0, ground or SMALL_BUSINESS.get(here, SMALL_BUSINESS["*"]))
    if here == there:
        rate = standard_rate(here)
        return Vat(0, OUTSIDE_SCOPE) if rate is None else Vat(rate)
    if there not in IN_EU:
        return Vat(0, OUTSIDE_SCOPE)
    if here not in IN_EU or numbered:
        return Vat(0, REVERSE_CHARGE)
    rate = standard_rate(here)
    assert rate is not None, "every EU country has a standard rate"
    return Vat(rate)


def quote(
    price_minor: int,
    *,
    service_fee_bp: int,
    commission_bp: int,
    seller: SellerTax,
    buyer: BuyerTax,
    platform: PlatformTax,
    currency: str = EUR,
) -> Quote:
    """The quote of one session. Three supplies, each taxed by its own two parties:

    - the session, from the expert to the buyer;
    - the service fee, from the platform to the buyer;
    - the commission, from the platform to the expert. An expert liable for VAT is a taxable person
      whatever we hold of their number, so the reverse charge applies to them across the border.

    Refuses a price that is not positive (ValueError) and any currency but EUR (CurrencyMismatch).
    """
    if price_minor <= 0:
        raise ValueError("a session has a positive price")
    if currency != EUR:
        raise CurrencyMismatch(EUR, currency)
    numbered = bool(buyer.vat_number)
    session_vat = vat_between(
        seller.country, buyer.country, liable=seller.liable, ground=seller.ground, numbered=numbered
    )
    fee_vat = vat_between(platform.country, buyer.country, numbered=numbered)
    commission_vat = vat_between(
        platform.country, seller.country, numbered=seller.liable or bool(seller.vat_number)
    )
    fee = part(price_minor, service_fee_bp, _WHOLE)
    commission = part(price_minor, commission_bp, _WHOLE)
    return Quote(
        price=price_minor,
        seller_vat=session_vat.on(price_minor),
        service_fee=fee,
        vat_service_fee=fee_vat.on(fee),
        commission=commission,
        vat_commission=commission_vat.on(commission),
        seller_vat_rate_bp=session_vat.rate_bp,
        seller_vat_ground=session_vat.ground,
        fee_vat_rate_bp=fee_vat.rate_bp,
        fee_vat_ground=fee_vat.ground,
        commission_vat_rate_bp=commission_vat.rate_bp,
        commission_vat_ground=commission_vat.ground,
        service_fee_bp=service_fee_bp,
        commission_bp=commission_bp,
        currency=currency,
        seller={"country": seller.country, "vat_number": seller.vat_number} | dict(seller.identity),
        buyer={"country": buyer.country, "vat_number": buyer.vat_number} | dict(buyer.identity),
    )


def preview(
    price_minor: int,
    *,
    service_fee_bp: int,
    commission_bp: int,
    seller: SellerTax,
    platform: PlatformTax,
    country: str | None = None,
) -> Quote:
    """A quote for pages on which the buyer's company is not known yet.

    It ASSUMES a company with a VAT number in `country`, else in the seller's own; `quote.assumed` is
    true and `quote.buyer["country"]` names the country, so that the page can say so.
    """
    where = country or seller.country
    buyer = BuyerTax(where, vat_number="-", identity={"assumed": True, "vat_number": None})
    return quote(
        price_minor,
        service_fee_bp=service_fee_bp,
        commission_bp=commission_bp,
        seller=seller,
        buyer=buyer,
        platform=platform,
    )

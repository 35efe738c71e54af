"""What each money event posts: (account, signed minor units), debit positive; every result sums to zero.

Source: payments.md, "Ledger"; a function's docstring quotes its row. Lines are the quote's: price,
seller_vat, service_fee, vat_service_fee. An entry may be 0 (a line without VAT): the ledger writes none for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from .money import part
from .pricing import Quote

Entries = list[tuple[str, int]]
Lines = Mapping[str, int]

PROVIDER_BALANCE = "provider_balance"
PROVIDER_FEES = "provider_fees"
SERVICE_FEE = "service_fee"
VAT_SERVICE_FEE = "vat:service_fee"
COMMISSION = "commission"
VAT_COMMISSION = "vat:commission"
GOODWILL = "goodwill"
PLATFORM_BANK = "platform_bank"


def held(subject: uuid.UUID) -> str:
    """Money waiting for a booking to end."""
    return f"held:{subject}"


def payable(expert_id: uuid.UUID) -> str:
    """What we owe an expert."""
    return f"expert:{expert_id}:payable"


def receivable(expert_id: uuid.UUID) -> str:
    """What an expert owes us: paid out to them before it was refunded."""
    return f"expert:{expert_id}:receivable"


def owed(company_id: uuid.UUID) -> str:
    """What we owe a buyer's company (a refund that failed)."""
    return f"buyer:{company_id}:owed"


def captured(quote: Quote, subject: uuid.UUID) -> Entries:
    """provider_balance → held (price + seller's VAT), service_fee, vat:service_fee."""
    return [
        (PROVIDER_BALANCE, quote.total),
        (held(subject), -(quote.price + quote.seller_vat)),
        (SERVICE_FEE, -quote.service_fee),
        (VAT_SERVICE_FEE, -quote.vat_service_fee),
    ]


def provider_fee(minor: int) -> Entries:
    """provider_fees → provider_balance; not returned on a refund."""
    return [(PROVIDER_FEES, minor), (PROVIDER_BALANCE, -minor)]


def share_due(quote: Quote, subject: uuid.UUID, expert_id: uuid.UUID, refunded: Lines) -> Entries:
    """held → commission, vat:commission (each × share kept), payable (the rest of what is kept).

    `refunded`: what of the lines is decided to go back; it stays in held until the refund's own entries.
    """
    kept_price = quote.price - refunded.get("price", 0)
    kept = kept_price + quote.seller_vat - refunded.get("seller_vat", 0)
    commission, vat = commission_kept(quote, kept_price)
    return [
        (held(subject), kept),
        (COMMISSION, -commission),
        (VAT_COMMISSION, -vat),
        (payable(expert_id), -(kept - commission - vat)),
    ]


def commission_kept(quote: Quote, kept_price: int) -> tuple[int, int]:
    """(commission, its VAT) on the part of the price that is kept; both round down."""
    return part(quote.commission, kept_price, quote.price), part(
        quote.vat_commission, kept_price, quote.price
    )


def refund_before_share(lines: Lines, subject: uuid.UUID) -> Entries:
    """held, service_fee, vat:service_fee (× share) → provider_balance: decided before the share is due."""
    return [
        (held(subject), lines.get("price", 0) + lines.get("seller_vat", 0)),
        (SERVICE_FEE, lines.get("service_fee", 0)),
        (VAT_SERVICE_FEE, lines.get("vat_service_fee", 0)),
        (PROVIDER_BALANCE, -sum(lines.values())),
    ]


def refund_after_share(quote: Quote, lines: Lines, expert_id: uuid.UUID, before: Lines) -> Entries:
    """payable, commission, vat:commission, service_fee, vat:service_fee → provider_balance.

    `before`: what was refunded of the lines before this one. Parts post the cumulative share less
    what was posted, so that several refunds of everything end at exactly zero.
    """
    earlier, later = (
        quote.price - before.get("price", 0),
        quote.price - before.get("price", 0) - lines.get("price", 0),
    )
    commission_then, vat_then = commission_kept(quote, earlier)
    commission_now, vat_now = commission_kept(quote, later)
    commission, vat = commission_then - commission_now, vat_then - vat_now
    session = lines.get("price", 0) + lines.get("seller_vat", 0)
    return [
        (payable(expert_id), session - commission - vat),
        (COMMISSION, commission),
        (VAT_COMMISSION, vat),
        (SERVICE_FEE, lines.get("service_fee", 0)),
        (VAT_SERVICE_FEE, lines.get("vat_service_fee", 0)),
        (PROVIDER_BALANCE, -sum(lines.values())),
    ]


def refund_failed(minor: int, company_id: uuid.UUID) -> Entries:
    """provider_balance → buyer:owed."""
    return [(PROVIDER_BALANCE, minor), (owed(company_id), -minor)]


def transferred(minor: int, expert_id: uuid.UUID) -> Entries:
    """payable → provider_balance."""
    return [(payable(expert_id), minor), (PROVIDER_BALANCE, -minor)]


def reversed_transfer(minor: int, expert_id: uuid.UUID) -> Entries:
    """provider_balance → payable: what came back from the expert's account."""
    return [(PROVIDER_BALANCE, minor), (payable(expert_id), -minor)]


def not_reversed(minor: int, expert_id: uuid.UUID) -> Entries:
    """receivable → payable: what was transferred, has to go back to the buyer, and could not be reversed."""
    return [(receivable(expert_id), minor), (payable(expert_id), -minor)]


def set_off(minor: int, expert_id: uuid.UUID) -> Entries:
    """payable → receivable: before a transfer, what the expert owes is taken off it."""
    return [(payable(expert_id), minor), (receivable(expert_id), -minor)]


def refund_borne_by_us(minor: int) -> Entries:
    """goodwill → provider_balance."""
    return [(GOODWILL, minor), (PROVIDER_BALANCE, -minor)]


def paid_another_way(minor: int, company_id: uuid.UUID) -> Entries:
    """buyer:owed → platform_bank: a refund that failed, paid by hand."""
    return [(owed(company_id), minor), (PLATFORM_BANK, -minor)]

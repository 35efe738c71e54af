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
IN_DISPUTE = "in_dispute"
DISPUTE_LOSSES = "dispute_losses"
WRITE_OFFS = "write_offs"


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


def owed_by(company_id: uuid.UUID) -> str:
    """What a company owes us, on its terms."""
    return f"buyer:{company_id}:receivable"


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


def commission_given_back(quote: Quote, lines: Lines, before: Lines) -> tuple[int, int]:
    """(commission, its VAT) that a refund of these lines takes back, decided after those of `before`.

    "Parts post the cumulative share less what was posted", so that several refunds of everything take
    back exactly what was credited. Frozen when the refund is decided.
    """
    earlier = quote.price - before.get("price", 0)
    commission_then, vat_then = commission_kept(quote, earlier)
    commission_now, vat_now = commission_kept(quote, earlier - lines.get("price", 0))
    return commission_then - commission_now, vat_then - vat_now


def refund_after_share(lines: Lines, expert_id: uuid.UUID, commission: int, vat_commission: int) -> Entries:
    """payable, commission, vat:commission, service_fee, vat:service_fee → provider_balance.

    `commission` and `vat_commission`: what of ours goes back (`commission_given_back`).
    """
    return [
        (payable(expert_id), experts_part(lines, commission, vat_commission)),
        (COMMISSION, commission),
        (VAT_COMMISSION, vat_commission),
        (SERVICE_FEE, lines.get("service_fee", 0)),
        (VAT_SERVICE_FEE, lines.get("vat_service_fee", 0)),
        (PROVIDER_BALANCE, -sum(lines.values())),
    ]


def experts_part(lines: Lines, commission: int, vat_commission: int) -> int:
    """What of a refund decided after the share is theirs to give back, minor units."""
    return lines.get("price", 0) + lines.get("seller_vat", 0) - commission - vat_commission


def undone(entries: Entries) -> Entries:
    """The same the other way round: a refund's own entries are reversed when it is decided again."""
    return [(account, -minor) for account, minor in entries]


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


def against(account: str, entries: Entries) -> Entries:
    """The same with another account in the place of provider_balance: nothing came from there."""
    return [(account if name == PROVIDER_BALANCE else name, minor) for name, minor in entries]


def invoice_paid(minor: int, company_id: uuid.UUID, *, open_minor: int, written_off_minor: int) -> Entries:
    """provider_balance → buyer:receivable as far as open, then → write_offs as far as written off, the rest
    → buyer:owed."""
    to_open = min(minor, open_minor)
    to_written_off = min(minor - to_open, written_off_minor)
    return [
        (PROVIDER_BALANCE, minor),
        (owed_by(company_id), -to_open),
        (WRITE_OFFS, -to_written_off),
        (owed(company_id), -(minor - to_open - to_written_off)),
    ]


def written_off(minor: int, company_id: uuid.UUID) -> Entries:
    """write_offs → buyer:receivable."""
    return [(WRITE_OFFS, minor), (owed_by(company_id), -minor)]


def overpaid_returned(minor: int, company_id: uuid.UUID) -> Entries:
    """buyer:owed → provider_balance: what was sent too much goes back at once."""
    return [(owed(company_id), minor), (PROVIDER_BALANCE, -minor)]


def platform_payout(minor: int) -> Entries:
    """platform_bank → provider_balance: our own money, to our bank."""
    return [(PLATFORM_BANK, minor), (PROVIDER_BALANCE, -minor)]


def payout_failed(minor: int) -> Entries:
    """… back: our bank did not take it."""
    return [(PROVIDER_BALANCE, minor), (PLATFORM_BANK, -minor)]


def top_up(minor: int) -> Entries:
    """provider_balance → platform_bank: money of ours sent to the balance."""
    return [(PROVIDER_BALANCE, minor), (PLATFORM_BANK, -minor)]


def vat_paid(service_fee_minor: int, commission_minor: int) -> Entries:
    """vat:service_fee, vat:commission → platform_bank: to the tax office."""
    return [
        (VAT_SERVICE_FEE, service_fee_minor),
        (VAT_COMMISSION, commission_minor),
        (PLATFORM_BANK, -(service_fee_minor + commission_minor)),
    ]


def chargeback_taken(minor: int, fee: int) -> Entries:
    """dispute opened: in_dispute → provider_balance, provider_fees → provider_balance (fee)."""
    return [(IN_DISPUTE, minor), (PROVIDER_FEES, fee), (PROVIDER_BALANCE, -(minor + fee))]


def chargeback_returned(minor: int, fee: int) -> Entries:
    """dispute won: in_dispute back, and of the fee what the provider's balance transactions return."""
    return undone(chargeback_taken(minor, fee))


def chargeback_lost(minor: int) -> Entries:
    """dispute lost, held: dispute_losses → in_dispute."""
    return [(DISPUTE_LOSSES, minor), (IN_DISPUTE, -minor)]

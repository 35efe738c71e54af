"""Refusals about money."""

from __future__ import annotations

from .base import Refusal


class CurrencyMismatch(Refusal):
    """Two currencies met in one sum; or one the platform does not settle in."""

    def __init__(self, ours: str, theirs: str) -> None:
        super().__init__(ours=ours, theirs=theirs)


class BillingMissing(Refusal):
    """The company's legal name, address or VAT number is not given. Facts: missing."""


class PaymentWindowClosed(Refusal):
    """Payment opens only while 35 minutes remain to the last instant. Facts: last (aware UTC)."""


class NoTerms(Refusal):
    """The company pays by card: no terms were granted to it."""


class PlatformNotReady(Refusal):
    """The platform may not take new payments now (payout schedule not manual)."""


class RefundTooLarge(Refusal):
    """More than is left of what was captured. Facts: asked, left (minor units)."""


class RefundChanged(Refusal):
    """A step of the refund rule passed since the page was shown. Facts: shown, now (minor units)."""


class ProviderBusy(Refusal):
    """The payment provider does not answer just now; nothing was lost, try again."""


class RepaymentRefused(Refusal):
    """A refund that failed cannot be noted as paid. Facts: why (reference, waiting, paid, gone)."""


class MonthRefused(Refusal):
    """A month of the books that cannot be closed. Facts: why (open, order, stopped), month."""


class PlatformPayoutRefused(Refusal):
    """No payout to our bank now. Facts: why (stopped, short, schedule, waiting, too_much, nothing, gone, changed),
    most (minor units), asked."""


class VatPaymentRefused(Refusal):
    """VAT that cannot be noted as paid. Facts: why (not_closed, nothing, reference, day), month."""


class ChargebackRefused(Refusal):
    """A chargeback cannot be answered or booked so. Facts: why (sent, over, late, empty, changed, choice, booked)."""

"""The ledger in the reader's words: what a group records, what an account is, what a check found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flask_babel import gettext as _

from .amounts import money
from .codes import ledger_words, transfer_why

Says = Callable[[str, str, str], str]


class Group(Protocol):
    """What is read of a group of entries."""

    @property
    def kind(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def entries(self) -> tuple[tuple[str, int], ...]: ...


class Name(Protocol):
    """Who or what an account belongs to."""

    @property
    def name(self) -> str: ...


Names = Mapping[str, Name]

# A sentence a kind: the amount, whose company, whose share.
_SAYS: Mapping[str, Says] = {
    "captured": lambda a, c, e: _("%(company)s paid %(amount)s by card. The session’s price and its VAT are held until it is over; the service fee and its VAT are ours.", company=c, amount=a),
    "provider_fee": lambda a, c, e: _("The provider kept %(amount)s for the payment. It does not come back, not even with a refund.", amount=a),
    "invoiced": lambda a, c, e: _("%(company)s was invoiced %(amount)s on its terms; the money is still to come.", company=c, amount=a),
    "invoice_paid": lambda a, c, e: _("%(company)s paid %(amount)s of its invoice by bank transfer.", company=c, amount=a),
    "written_off": lambda a, c, e: _("%(amount)s of the invoice to %(company)s were given up: it has not paid.", company=c, amount=a),
    "share_due": lambda a, c, e: _("The session is over: %(amount)s of what was held fell due, to %(expert)s all but our commission and the VAT on it.", expert=e, amount=a),
    "refund": lambda a, c, e: _("%(amount)s went back to %(company)s.", company=c, amount=a),
    "refund_failed": lambda a, c, e: _("The refund of %(amount)s did not arrive. The money is back in the balance and owed to %(company)s.", company=c, amount=a),
    "redecided": lambda a, c, e: _("The refund of %(amount)s could not be made while the payment is contested: it is undone here, and decided again.", amount=a),
    "transfer": lambda a, c, e: _("%(amount)s left for the account of %(expert)s.", expert=e, amount=a),
    "set_off": lambda a, c, e: _("%(amount)s of the share of %(expert)s were kept for what they owed us.", expert=e, amount=a),
    "reversal": lambda a, c, e: _("%(amount)s came back from the account of %(expert)s, for a refund.", expert=e, amount=a),
    "not_reversed": lambda a, c, e: _("%(amount)s could not be brought back from the account of %(expert)s, who owe them to us now.", expert=e, amount=a),
    "paid_another_way": lambda a, c, e: _("%(amount)s owed to %(company)s were paid from our bank.", company=c, amount=a),
    "chargeback": lambda a, c, e: _("The bank of %(company)s contests the payment and took %(amount)s, with the provider’s fee for it.", company=c, amount=a),
    "chargeback_more": lambda a, c, e: _("The contested payment took %(amount)s more.", amount=a),
    "chargeback_returned": lambda a, c, e: _("The bank decided for us: %(amount)s came back.", amount=a),
    "chargeback_lost": lambda a, c, e: _("The bank decided for %(company)s: %(amount)s of it are our loss.", company=c, amount=a),
    "loss_refunded": lambda a, c, e: _("%(amount)s of that loss are a refund decided since.", amount=a),
    "platform_payout": lambda a, c, e: _("%(amount)s of our own money left for our bank.", amount=a),
    "payout_failed": lambda a, c, e: _("The payout of %(amount)s did not reach our bank and came back.", amount=a),
    "top_up": lambda a, c, e: _("We sent %(amount)s from our bank to the balance at the provider.", amount=a),
    "own_fee": lambda a, c, e: _("The provider charged %(amount)s that belong to no payment.", amount=a),
    "vat_paid": lambda a, c, e: _("%(amount)s of VAT were paid to the tax office from our bank.", amount=a),
}  # fmt: skip
_ACCOUNTS: Mapping[str, Callable[[], str]] = {
    "provider_balance": lambda: _("Balance at the provider"),
    "platform_bank": lambda: _("Our bank"),
    "in_dispute": lambda: _("Taken by banks that contest payments"),
    "held": lambda: _("Held for bookings"),
    "payable": lambda: _("Owed to experts"),
    "owed": lambda: _("Owed to companies"),
    "receivable": lambda: _("Owed to us by companies, on their terms"),
    "expert_receivable": lambda: _("Owed to us by experts"),
    "vat:service_fee": lambda: _("VAT on service fees, for the tax office"),
    "vat:commission": lambda: _("VAT on commissions, for the tax office"),
    "service_fee": lambda: _("Service fees, our income"),
    "commission": lambda: _("Commissions, our income"),
    "provider_fees": lambda: _("The provider’s fees, our cost"),
    "dispute_losses": lambda: _("Lost in contested payments, our cost"),
    "goodwill": lambda: _("Refunds borne by us, our cost"),
    "write_offs": lambda: _("Invoices given up, our cost"),
}
_WHYS: Mapping[str, Callable[[], str]] = {
    "operator": lambda: _("decided by an operator"),
    "cancelled_by_lead": lambda: _("the client cancelled"),
    "cancelled_by_expert": lambda: _("the expert cancelled"),
    "cancelled_by_operator": lambda: _("an operator called it off"),
    "settled": lambda: _("agreed or decided after a report"),
    "chargeback": lambda: _("decided by the client’s bank"),
    "nothing_awaits_it": lambda: _("it arrived when nothing awaited it any more"),
    "overpaid": lambda: _("sent too much"),
    "automatic": lambda: _("by the provider’s own schedule: it must be manual"),
    "monthly": lambda: _("once a month, after the closing"),
    "by_hand": lambda: _("asked by an operator"),
}
_FINDINGS: Mapping[str, Callable[[dict[str, str]], str]] = {
    "unbalanced": lambda f: _("%(group)s, %(about)s: the entries are off by %(minor)s.", **f),
    "empty": lambda f: _("%(group)s, %(about)s: no entries.", **f),
    "mixed": lambda f: _("%(group)s, %(about)s: two currencies in one group.", **f),
    "missing": lambda f: _("%(group)s, %(about)s: it happened, and is not in the ledger.", **f),
    "orphan": lambda f: _("%(group)s, %(about)s: it is in the ledger, and nothing of ours says that it happened.", **f),
    "amount": lambda f: _("%(group)s, %(about)s: %(minor)s in the ledger, %(other)s by our records.", **f),
    "astray": lambda f: _("%(group)s, %(about)s: entries on an account of something else.", **f),
    "held": lambda f: _("%(about)s: %(minor)s are still held, and nothing is due any more.", **f),
    "payable": lambda f: _("%(about)s: %(minor)s more left than was due.", **f),
    "receivable": lambda f: _("%(about)s: %(minor)s more came than was owed.", **f),
    "refunds": lambda f: _("Payment %(about)s: %(minor)s are refunded of %(other)s taken.", **f),
    "shortfall": lambda f: _("%(minor)s are missing from the balance at the provider: top it up.", **f),
    "here": lambda f: _("%(about)s: %(other)s moved at the provider, and our books have nothing of it.", **f),
    "there": lambda f: _("%(about)s: %(minor)s moved in our books, and the provider has nothing of it.", **f),
    "differs": lambda f: _("%(about)s: %(minor)s in our books, %(other)s at the provider.", **f),
    "schedule": lambda f: _("The provider pays our money out by itself: set its payouts to manual. No new payment page opens until then."),
}  # fmt: skip


def group_sentence(group: Group, names: Names) -> str:
    """What a group of entries records, in a sentence with its amount and whom it is about."""
    company = expert = ""
    for account, _minor in group.entries:
        kind, _colon, rest = account.partition(":")
        name = names.get(rest.partition(":")[0])
        company = name.name if name and kind == "buyer" else company
        expert = name.name if name and kind == "expert" else expert
    return _sentence(group, company or _said_of(names, "company"), expert or _said_of(names, "expert"))


def _said_of(names: Names, side: str) -> str:
    """The side of the one booking a page is about, where the entries themselves do not name it."""
    if side in names:
        return names[side].name
    return _("the client") if side == "company" else _("the expert")


def _sentence(group: Group, company: str, expert: str) -> str:
    amount = money(sum(minor for _account, minor in group.entries if minor > 0))
    say = _SAYS.get(group.kind)
    return say(amount, company, expert) if say else f"{ledger_words(group.kind)} : {amount}"


def group_why(group: Group) -> str:
    """Why, where the kind does not say it already: a code of ours in words, else what somebody wrote."""
    if group.kind == "transfer":
        return transfer_why(group.why)
    if group.why in _WHYS:
        return _WHYS[group.why]()
    typed = " " in group.why or group.kind in ("vat_paid", "written_off", "paid_another_way")
    return group.why if typed else ""


def account_words(account: str, names: Names) -> str:
    """What an account is: its class, and whose it is."""
    cls, name = account_class(account), names.get(_key(account))
    if name is None:
        return _ACCOUNTS[cls]() if cls in _ACCOUNTS else account
    if cls == "held":
        return _("Held for booking %(number)s", number=name.name)
    if cls in ("payable", "owed"):
        return _("Owed to %(name)s", name=name.name)
    return _("Owed to us by %(name)s", name=name.name)


def account_class(account: str) -> str:
    """The class of an account, as the month's page sums them up."""
    kind, _colon, rest = account.partition(":")
    end = rest.partition(":")[2]
    if kind == "expert":
        return "payable" if end == "payable" else "expert_receivable"
    if kind == "buyer":
        return end
    return "held" if kind == "held" else account


def class_words(cls: str) -> str:
    """What a class of accounts is."""
    return _ACCOUNTS[cls]() if cls in _ACCOUNTS else cls


def _key(account: str) -> str:
    return account.partition(":")[2].partition(":")[0]


_PAYOUTS: Mapping[str, Callable[[], str]] = {
    "proposed": lambda: _("waits for a second operator"),
    "dropped": lambda: _("dropped"),
    "intended": lambda: _("about to be sent"),
    "sent": lambda: _("sent, not answered yet"),
    "under_way": lambda: _("on its way to our bank"),
    "done": lambda: _("arrived"),
    "failed": lambda: _("failed, the money is back"),
}


def payout_state(state: str) -> str:
    """Where a payout to our bank stands."""
    return _PAYOUTS[state]()


def finding_words(finding: Any) -> str:
    """What a check found, in a sentence."""
    facts = {
        "about": finding.about, "group": ledger_words(finding.group), "minor": money(finding.minor or 0),
        "other": money(finding.other or 0),
    }  # fmt: skip
    return _FINDINGS[finding.kind](facts)

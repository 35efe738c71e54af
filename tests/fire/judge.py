"""What must hold whatever was killed, judged from outside: each breach is named with what it is about."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from marketplace.domain.bookings import claims_slot, is_terminal, next_state
from marketplace.domain.errors import MoveNotOpen
from tests.fire.books import Books, Row
from tests.fire.clients import Said

# Rows of a history that are no move of the table: a proposal, money that nobody awaited.
BESIDES = ("stray_money", "reschedule_", "second_session_")
FROM = ("confirmed", "delivered", "cancelled")
# Where the provider's word on the money and ours may both stand.
SAME = {
    "requires_payment_method": {"created", "open", "closed"},
    "requires_capture": {"authorised"},
    "requires_action": {"open"},
    "succeeded": {"captured"},
    "canceled": {"released", "lost", "closed"},
}


@dataclass(frozen=True)
class Breach:
    """Something that must not be. `kind` is one of few words; `text` names the objects."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def judge(books: Books) -> list[Breach]:
    """Everything that does not hold once nothing is due any more."""
    return [
        *_slots(books), *_histories(books), *_payments(books), *_refunds(books), *_transfers(books),
        *_payouts(books),
        *_ledger_and_provider(books), *_ledger_alone(books), *_stuck(books),
    ]  # fmt: skip


def _slots(books: Books) -> Iterator[Breach]:
    live = [row for row in books.ours["claims"] if row["live"]]
    for one, other in itertools.combinations(live, 2):
        if one["expert_id"] != other["expert_id"] or one["booking_id"] == other["booking_id"]:
            continue
        if one["during"].lower < other["during"].upper and other["during"].lower < one["during"].upper:
            yield Breach("slot held twice", f"{one['booking_id']} and {other['booking_id']}")
    held = Counter(row["booking_id"] for row in live)
    for booking in books.ours["bookings"]:
        if claims_slot(booking["state"]) and not held[booking["id"]]:
            yield Breach("slot lost", f"{_name(booking)} is {booking['state']} and claims no time")


def _histories(books: Books) -> Iterator[Breach]:
    """Every row leads on from the one before by a move of the table; the record stands where they end."""
    for booking in books.ours["bookings"]:
        state: str | None = None
        for row in books.of("booking_moves", booking_id=booking["id"]):
            if row["move"].startswith(BESIDES):
                continue
            if row["from_state"] != state or not _leads(row):
                yield Breach(
                    "illegal walk", f"{_name(booking)}: {row['move']} {row['from_state']}>{row['to_state']}"
                )
            state = row["to_state"]
        if state != booking["state"]:
            yield Breach(
                "illegal walk", f"{_name(booking)} is {booking['state']}, its history ends at {state}"
            )


def _leads(row: Row) -> bool:
    if row["move"] == "payment_arrived" and row["from_state"] == row["to_state"]:
        return True  # Too late, and given back.
    reached = set()
    for ended, terms, came_from in itertools.product((False, True), (False, True), FROM):
        try:
            reached.add(
                next_state(row["from_state"], row["move"], from_state=came_from, ended=ended, terms=terms)
            )
        except (MoveNotOpen, ValueError):
            continue
    return row["to_state"] in reached


def _payments(books: Books) -> Iterator[Breach]:
    references = {payment["reference"]: payment for payment in books.ours["payments"]}
    live: Counter[str] = Counter()
    for intent in books.theirs["payment_intent"]:
        payment = references.get(intent["transfer_group"])
        live[intent["transfer_group"]] += intent["status"] != "canceled"
        if payment is None:
            yield Breach("unknown at ours", f"intent {intent['id']}")
            continue
        known = payment["intent_id"] == intent["id"] or payment["intent_id"] is None
        allowed = SAME[intent["status"]] if known else set()
        if payment["state"] not in allowed and (known or intent["status"] != "canceled"):
            yield Breach(
                "lost event", f"payment {payment['id']} is {payment['state']} here, {intent['status']} there"
            )
    for reference, number in live.items():
        if number > 1:
            yield Breach("paid twice", f"{number} intents for {reference}")
    charged = Counter(one["source"] for one in books.at("balance_transaction", type="charge"))
    for charge in books.theirs["charge"]:
        if charged[charge["id"]] > 1:
            yield Breach("double capture", f"{charge['id']} was taken {charged[charge['id']]} times")
    known = {row["checkout_id"] for row in books.ours["payments"]}
    for session in books.theirs["checkout.session"]:
        if session["id"] not in known and session["status"] == "complete":
            yield Breach("unknown at ours", f"checkout {session['id']} was paid")


def _refunds(books: Books) -> Iterator[Breach]:
    theirs = Counter((one.get("metadata") or {}).get("reference") for one in books.theirs["refund"])
    ours = {str(row["id"]): row for row in books.ours["refunds"]}
    for reference, number in theirs.items():
        if reference not in ours:
            yield Breach("unknown at ours", f"a refund for {reference}")
        if number > 1:
            yield Breach("double refund", f"refund {reference} was made {number} times")
    for reference, row in ours.items():
        if row["state"] == "done" and not theirs[reference]:
            yield Breach("lost refund", f"refund {reference} is done here, and not there")
    for payment in books.ours["payments"]:
        rows = books.of("refunds", payment_id=payment["id"])
        done = sum(row["amount_minor"] for row in rows if row["state"] == "done")
        charge = next(iter(books.at("charge", id=payment["charge_id"])), None)
        back = charge["amount_refunded"] if charge is not None and charge["captured"] else 0
        if not done == back <= payment["captured_minor"]:
            text = f"payment {payment['id']}: {done} here, {back} there, captured {payment['captured_minor']}"
            yield Breach("refunds differ", text)


def _transfers(books: Books) -> Iterator[Breach]:
    groups = Counter(one["transfer_group"] for one in books.theirs["transfer"])
    ours = {row["provider_id"]: row for row in books.ours["transfers"] if row["provider_id"]}
    for reference, number in groups.items():
        if number > 1:
            yield Breach("double transfer", f"{number} transfers for {reference}")
    for one in books.theirs["transfer"]:
        row = ours.get(one["id"])
        if row is None:
            yield Breach("unknown at ours", f"transfer {one['id']} of {one['amount']}")
        elif (row["amount_minor"], row["reversed_minor"]) != (one["amount"], one["amount_reversed"]):
            here = f"{row['amount_minor']} less {row['reversed_minor']}"
            yield Breach(
                "transfers differ", f"{one['id']}: {here} here, {one['amount']} less {one['amount_reversed']}"
            )
    for row in books.of("transfers", state="done"):
        if not books.at("transfer", id=row["provider_id"]):
            yield Breach("lost transfer", f"transfer {row['id']} is done here, and not there")


def _payouts(books: Books) -> Iterator[Breach]:
    theirs = Counter((one.get("metadata") or {}).get("reference") for one in books.theirs["payout"])
    for reference, number in theirs.items():
        if number > 1:
            yield Breach("double payout", f"payout {reference} was made {number} times")
    for row in books.ours["platform_payouts"]:
        if row["state"] in ("intended", "sent"):
            yield Breach("stuck", f"payout {row['id']} is {row['state']}")


def _ledger_and_provider(books: Books) -> Iterator[Breach]:
    """Each object of the provider that moves money has exactly its group, of its amount, and the reverse."""
    expected = {(source, kind): minor for source, kind, minor in _movements(books)}
    kinds = {kind for _source, kind in expected} | {
        "captured",
        "provider_fee",
        "refund",
        "transfer",
        "refund_failed",
    }
    posted: dict[tuple[str, str], int] = {}
    groups = {row["id"]: (row["source"], row["kind"]) for row in books.ours["ledger_groups"]}
    for row in books.ours["ledger_entries"]:
        key = groups[row["group_id"]]
        if key[1] in kinds and row["account"] == "provider_balance":
            posted[key] = posted.get(key, 0) + row["amount_minor"]
    for key in sorted(expected.keys() | posted.keys()):
        if expected.get(key) != posted.get(key):
            yield Breach("ledger and provider", f"{key}: {posted.get(key)} here, {expected.get(key)} there")
    brought = sum(_balance_of(books, row["id"]) for row in books.of("ledger_groups", kind="reversal"))
    there = sum(one["amount"] for one in books.theirs["transfer_reversal"])
    if brought != there:
        yield Breach("ledger and provider", f"reversals: {brought} here, {there} there")
    here = sum(row["amount_minor"] for row in books.of("ledger_entries", account="provider_balance"))
    net = sum(one["net"] for one in books.theirs["balance_transaction"])
    if here != net:
        yield Breach("balance differs", f"{here} in our ledger, {net} at the provider")


def _balance_of(books: Books, group_id: Any) -> int:
    found = books.of("ledger_entries", group_id=group_id, account="provider_balance")
    return sum(int(row["amount_minor"]) for row in found)


def _movements(books: Books) -> Iterator[tuple[str, str, int]]:
    on_terms = {row["intent_id"] for row in books.of("payments", method="bank_transfer")}
    for charge in books.at("charge", captured=True):
        kind = "invoice_paid" if charge["payment_intent"] in on_terms else "captured"
        yield charge["payment_intent"], kind, charge["amount_captured"]
        fee = sum(one["fee"] for one in books.at("balance_transaction", source=charge["id"], type="charge"))
        if fee:
            yield charge["id"], "provider_fee", -fee
    for refund in books.theirs["refund"]:
        yield refund["id"], "refund", -refund["amount"]
        if refund["status"] in ("failed", "canceled"):
            yield refund["id"], "refund_failed", refund["amount"]
    for transfer in books.theirs["transfer"]:
        yield transfer["id"], "transfer", -transfer["amount"]
    for payout in books.theirs["payout"]:
        yield payout["id"], "platform_payout", -payout["amount"]


def _ledger_alone(books: Books) -> Iterator[Breach]:
    totals: Counter[Any] = Counter()
    for row in books.ours["ledger_entries"]:
        totals[row["group_id"]] += row["amount_minor"]
    for group_id, total in totals.items():
        if total:
            yield Breach("unbalanced", f"group {group_id} by {total}")
    held: Counter[str] = Counter()
    for row in books.ours["ledger_entries"]:
        if row["account"].startswith("held:"):
            held[row["account"]] += row["amount_minor"]
    for booking in books.ours["bookings"]:
        minor = held[f"held:{booking['id']}"]
        open_refunds = [
            row for payment in books.of("payments", subject=booking["id"])
            for row in books.of("refunds", payment_id=payment["id"]) if row["state"] not in ("done", "failed")
        ]  # fmt: skip
        waits = any(
            row["share_posted_at"] is None and row["refunded_minor"] < row["captured_minor"]
            for row in books.of("payments", subject=booking["id"])
        )
        if minor and is_terminal(booking["state"]) and not open_refunds and not waits:
            yield Breach("held of an ended one", f"{_name(booking)} holds {-minor}")


def _stuck(books: Books) -> Iterator[Breach]:
    """Nothing is in flight; a checkout whose answer was lost needs nothing: nobody has its address."""
    for call in books.ours["provider_calls"]:
        if call["state"] in ("intended", "sent", "pending") and call["kind"] != "open_checkout":
            yield Breach(
                "stuck",
                f"call {call['kind']} {call['id']} is {call['state']} after {call['tries']}: {call['error']}",
            )
    for event in books.ours["inbox"]:
        if event["applied_at"] is None:
            yield Breach("stuck", f"event {event['kind']} {event['event_id']}: {event['error']}")
    for refund in books.ours["refunds"]:
        if refund["state"] in ("intended", "sent"):
            yield Breach("stuck", f"refund {refund['id']} is {refund['state']}")
    for transfer in books.ours["transfers"]:
        if transfer["state"] in ("intended", "sent"):
            yield Breach("stuck", f"transfer {transfer['id']} is {transfer['state']}")


def _name(booking: Row) -> str:
    return f"booking {booking['number']}"


def answers_hold(books: Books, said: Iterable[Said]) -> Iterator[Breach]:
    """Whatever an answer said was done stands in the record."""
    by_reference = {row["reference"]: row for row in books.ours["bookings"]}
    for one in said:
        booking = by_reference.get(one.reference)
        if booking is None or not _stands(books, booking, one):
            yield Breach("said and not done", f"{one.what} {one.mark} of {one.reference}")


def _stands(books: Books, booking: Row, said: Said) -> bool:
    payments = books.of("payments", subject=booking["id"])
    if said.what == "open_payment":
        return any(row["checkout_id"] == said.mark for row in payments)
    if said.what == "pay":
        return bool(books.at("checkout.session", id=said.mark, status="complete"))
    if said.what == "refund":
        decided = [
            row["amount_minor"] for pay in payments for row in books.of("refunds", payment_id=pay["id"])
        ]
        return int(said.mark) in decided
    return bool(books.of("booking_moves", booking_id=booking["id"], move=said.what))

"""A booking's history and what is still to come, as the timeline macro draws it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from ..domain.deadlines import objection_until, reviews_until
from ..services.bookings.reading import BookingPage
from .formats import money
from .formats.times import day_long, span
from .formats.words import capitalize_first
from .language import current_zone_name

Item = dict[str, Any]
# Which moves a side does not see of the other: the expert learns of a booking when it is asked of them.
BEFORE_THE_ASKING = frozenset(
    {"hold", "extend", "open_payment", "let_go", "pick_another_slot", "ask_approval", "approve", "refuse"}
)

# How operators come to a decision is theirs until it is one; so is why a debt was given up.
OPERATORS_OWN = frozenset({"decision_proposed", "decision_dropped", "written_off"})


def timeline(page: BookingPage, *, side: str, now: datetime) -> list[Item]:
    """History, now, and the deadlines ahead. `side`: lead, expert or operator; each sees what they may."""
    past = [
        _past(page, move, side)
        for move in page.moves
        if (side != "expert" or move.move not in BEFORE_THE_ASKING)
        and (side == "operator" or move.move not in OPERATORS_OWN)
    ]
    ahead = sorted((item for item in _ahead(page, side) if item["at"] > now), key=lambda item: item["at"])
    return [*past, {"at": now, "state": "now", "title": _("Now"), "when": "now"}, *ahead]


def _past(page: BookingPage, move: Any, side: str) -> Item:
    who = page.actors.get(move.actor_id, "") if move.actor_id else ""
    if move.actor_kind == "operator" and side != "operator":
        who = _("an operator")
    note = _("by %(name)s", name=who) if who and move.actor_kind != "clock" else ""
    about = _time_words(page, move)
    amount = _money_words(move.money, side) or about
    return {
        "at": move.at,
        "state": move.to_state,
        "title": move_words(move.move, move.to_state),
        # Two sentences: the second begins like one.
        "note": f"{note}. {capitalize_first(amount)}" if note and amount else note or amount,
        "about": about,
        "reason": move.reason
        if move.move
        in ("decline", "stop", "cancel", "refuse", "reschedule_proposed", "second_session_proposed")
        else "",
        "when": "past",
    }


def _time_words(page: BookingPage, move: Any) -> str:
    """Which time a step of a reschedule is about: the proposal made or ended at that very instant."""
    if not move.move.startswith(("reschedule", "second_session")):
        return ""
    about = next((one for one in page.proposals if move.at in (one.made_at, one.ended_at)), None)
    if about is None:
        return ""
    zone = current_zone_name(page.calendar_zone)
    return f"{day_long(about.starts_at, zone).striptags()}, {span(about.starts_at, about.ends_at, zone)}"


def move_words(move: str, to_state: str) -> str:
    """What a move is called once it was made."""
    return {
        "hold": _("Slot held"),
        "pick_another_slot": _("Another slot picked"),
        "reschedule_proposed": _("Another time proposed"),
        "reschedule": _("Moved to another time"),
        "reschedule_refused": _("The other time was refused"),
        "reschedule_withdrawn": _("The other time was withdrawn"),
        "reschedule_over": _("Nobody answered the other time"),
        "second_session_proposed": _("A second session proposed"),
        "second_session": _("A second session agreed"),
        "second_session_refused": _("The second session was refused"),
        "second_session_withdrawn": _("The second session was withdrawn"),
        "second_session_over": _("Nobody answered the second session"),
        "extend": _("Hold extended by 15 minutes"),
        "open_payment": _("Payment opened"),
        "commit": _("Request sent"),
        "payment_arrived": _("Request sent, paid late")
        if to_state == "requested"
        else _("A late payment was given back"),
        "stray_money": _("A late payment was given back"),
        "ask_approval": _("Approval asked for"),
        "approve": _("Approved"),
        "refuse": _("Not approved"),
        "let_go": _("Slot given back"),
        "run_out": _("Time ran out"),
        "accept": _("Accepted"),
        "accept_at_once": _("Accepted in advance"),
        "decline": _("Declined"),
        "withdraw": _("Request withdrawn"),
        "captured": _("Confirmed"),
        "not_captured": _("The payment could not be taken"),
        "stop": _("Stopped"),
        "cancel": _("Cancelled"),
        "chargeback_lost": _("Cancelled: the bank took the payment back"),
        "end_passes": _("Session held"),
        "confirm": _("Confirmed as held"),
        "window_passes": _("Time to report a problem is over"),
        "share_falls_due": _("What is kept falls due"),
        "report": _("A problem was reported"),
        "answer": _("An answer to the report"),
        "agree": _("Both sides agree"),
        "report_taken_back": _("One of the reports taken back"),
        "withdraw_report": _("The report was taken back"),
        "decision_proposed": _("A decision proposed to a second operator"),
        "decision_dropped": _("The proposed decision dropped"),
        "decide": _("Operators decided"),
        "decision_accepted": _("The decision accepted by one side"),
        "appeal": _("Appeal"),
        "both_accept": _("Both sides accept the decision"),
        "five_days_pass": _("Carried out as decided"),
        "day_80": _("Settled on the last day possible"),
        "refund": _("Refund by operators"),
        "invoice_paid": _("The company’s transfer has arrived"),
        "written_off": _("The company’s debt was given up"),
    }.get(move, move)


def _money_words(money_done: dict[str, Any] | None, side: str) -> str:
    if not money_done or not money_done["minor"]:
        return ""
    amount = money(money_done["minor"])
    what = money_done["what"]
    if what == "due":
        return _("%(amount)s due to the expert", amount=amount) if side != "lead" else ""
    return {
        "authorised": _("%(amount)s authorised, nothing taken", amount=amount),
        "captured": _("%(amount)s taken", amount=amount),
        "released": _("%(amount)s released, nothing taken", amount=amount),
        "refunded": _("%(amount)s go back", amount=amount),
        "settled": _("%(amount)s go back", amount=amount),
        "written_off": _("%(amount)s given up", amount=amount),
    }.get(what, "")


def _ahead(page: BookingPage, side: str) -> list[Item]:
    booking = page.booking
    items = _waits(page)
    if booking.state in ("confirmed", "delivered"):
        last = objection_until(booking.ends_at, promises_plan=booking.promises_plan)
        if booking.state == "delivered" and booking.deadline:
            last = booking.deadline  # Longer once a report was taken back.
        items.append((last, "completed", _("Last moment to report a problem")))
        items.append(
            (booking.reviews_until or reviews_until(booking.ends_at), "completed", _("Last moment to rate"))
        )
    if booking.state == "completed" and booking.reviews_until:
        items.append((booking.reviews_until, "completed", _("Last moment to rate")))
    if booking.state == "disputed" and booking.disputed_from and side == "operator":
        items.append((booking.deadline, "settled", _("It ends by itself")))
    if booking.state == "resolved":
        items.append((booking.deadline, "settled", _("Last moment to appeal")))
    if booking.state == "settled" and booking.reviews_until:
        items.append((booking.reviews_until, "completed", _("Last moment to rate")))
    if (
        booking.state == "cancelled"
        and side != "lead"
        and booking.share_due_at
        and not booking.share_posted_at
    ):
        items.append((booking.share_due_at, "cancelled", _("What is kept falls due")))
    return [{"at": at, "state": state, "title": title, "when": "future"} for at, state, title in items if at]


def _waits(page: BookingPage) -> list[tuple[datetime | None, str, str]]:
    """Until when somebody is waited for, up to the session."""
    booking = page.booking
    items: list[tuple[datetime | None, str, str]] = []
    waits = {
        "held": ("lapsed", _("The slot is free again")),
        "awaiting_approval": ("lapsed", _("Last moment to approve")),
        "requested": ("expired", _("Last moment for the expert to answer")),
        "accepted": ("expired", _("Last moment to pay again")),
    }.get(booking.state)
    if waits and (booking.state != "accepted" or booking.capture_failed_at):
        items.append((booking.deadline, *waits))
    if booking.state in ("held", "awaiting_approval", "requested", "accepted", "confirmed"):
        items.append((booking.starts_at, "confirmed", _("The session")))
    items += [
        (one.until, "requested", _("Last moment to answer the other time"))
        for one in page.proposals
        if one.state == "open"
    ]
    return items

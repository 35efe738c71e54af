"""Deadlines: until when a booking waits for whom, and which holds are let in.

Source: booking-process.md, "Deadlines", "Moves" and "Reschedule", row by row. Instants are aware UTC. N is
the booking's notice in hours, as `effective_notice` gave it at the hold ("What was instant at the hold
stays instant"). Fractions of N: ⅔ N is N × 40 minutes, N/3 is N × 20 minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .errors import NoTimeToApprove, PaymentWindowClosed, TooManyHolds
from .offers import LEAST_NOTICE, LEAST_NOTICE_INSTANT

HOLD = timedelta(minutes=35)
EXTENSION = timedelta(minutes=15)
HOLD_AT_MOST = timedelta(hours=2)
QUEUE_HOLD = timedelta(hours=4)
HOLDS_PER_PERSON = 2
HOLDS_PER_COMPANY = 5
OBJECTION = timedelta(hours=72)
KEPT_SHARE = timedelta(hours=72)
REVIEWS = timedelta(days=14)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


# Notice and holds.


def effective_notice(notice_hours: int, instant: bool, asked: bool = False) -> int:
    """N: "at least 24 h; at least 4 h for an instant offer; where an instant offer would have to be asked
    (company NDA, excluded firm, stale calendar, new charter), at least 24 h for that buyer"."""
    return max(notice_hours, LEAST_NOTICE_INSTANT if instant and not asked else LEAST_NOTICE)


def earliest_start(now: datetime, notice_hours: int, instant: bool, asked: bool = False) -> datetime:
    """The first start that a hold made now may have: "every hold needs N"."""
    return now + effective_notice(notice_hours, instant, asked) * _HOUR


def has_notice(start: datetime, now: datetime, notice_hours: int, instant: bool, asked: bool = False) -> bool:
    """Whether a start may be held now; exactly N before is enough."""
    return start >= earliest_start(now, notice_hours, instant, asked)


def refuse_too_many_holds(person: int, company: int) -> None:
    """At most 2 in `held` a person, 5 a company, before the new one. Raises TooManyHolds."""
    if person >= HOLDS_PER_PERSON:
        raise TooManyHolds(limit=HOLDS_PER_PERSON, whose="person")
    if company >= HOLDS_PER_COMPANY:
        raise TooManyHolds(limit=HOLDS_PER_COMPANY, whose="company")


def hold_until(held_at: datetime) -> datetime:
    """A lead's own hold: 35 min."""
    return held_at + HOLD


def queue_hold_until(since: datetime, start: datetime, notice: int) -> datetime:
    """A hold given by the queue, or after "no slot suits me": min(4 h from the notice or the expert's yes,
    start − ⅔ N), no extension."""
    return min(since + QUEUE_HOLD, _two_thirds_before(start, notice))


def repicked_until(
    deadline: datetime, new_start: datetime, notice: int, now: datetime, approval_dropped: bool = False
) -> datetime:
    """After another slot is picked: "the deadline stands but is never later than the new start − ⅔ N"; where
    the approval is dropped, "at most 35 min from now"."""
    until = min(deadline, _two_thirds_before(new_start, notice))
    return min(until, now + HOLD) if approval_dropped else until


def extended_until(deadline: datetime, last_instant: datetime) -> datetime:
    """15 min more, never past the last instant to pay."""
    return max(deadline, min(deadline + EXTENSION, last_instant))


# Paying and approving.


def last_instant_to_pay(held_at: datetime, start: datetime, notice: int) -> datetime:
    """The last instant: "the earlier of start − ⅔ N and 2 h after the hold began".

    A hold of the queue or of the expert's yes has its own end instead, an approved one
    `pay_after_approval_until`.
    """
    return min(_two_thirds_before(start, notice), held_at + HOLD_AT_MOST)


def payment_window(deadline: datetime, now: datetime, last_instant: datetime) -> datetime:
    """The deadline once payment is opened now: "the later of the deadline as it stands and 35 min from then".

    "Payment opens only while 35 min remain to the last instant", else PaymentWindowClosed.
    """
    if now + HOLD > last_instant:
        raise PaymentWindowClosed(last=last_instant)
    return max(deadline, now + HOLD)


def approval_open(now: datetime, start: datetime, notice: int, instant: bool) -> bool:
    """Whether an approver would have 4 h (instant offers: 1 h); other slots are not shown to members of a
    company whose rule asks an approver."""
    return approve_until(now, start, notice) - now >= least_time(instant)


def approve_until(asked_at: datetime, start: datetime, notice: int) -> datetime:
    """min(72 h, start − N), whatever remains; `ask_approval_until` refuses what is too short."""
    return min(asked_at + 72 * _HOUR, start - notice * _HOUR)


def ask_approval_until(asked_at: datetime, start: datetime, notice: int, instant: bool) -> datetime:
    """The approver's deadline, "refused by name where under 4 h remain (1 h for instant offers)":
    NoTimeToApprove."""
    until = approve_until(asked_at, start, notice)
    if not approval_open(asked_at, start, notice, instant):
        raise NoTimeToApprove(until=until, least=least_time(instant))
    return until


def pay_after_approval_until(approved_at: datetime, start: datetime, notice: int) -> datetime:
    """min(approved + 24 h, start − ⅔ N). Carried over by a rescue: the hold's own instant as `approved_at`,
    start and N of the new offer."""
    return min(approved_at + 24 * _HOUR, _two_thirds_before(start, notice))


def answer_until(
    committed_at: datetime, start: datetime, authorised_until: datetime | None = None
) -> datetime:
    """min(committed + 48 h, start − 12 h, what the provider says the authorisation lasts − 2 h).

    Instant offers answer at once and never wait for this.
    """
    until = min(committed_at + 48 * _HOUR, start - 12 * _HOUR)
    return until if authorised_until is None else min(until, authorised_until - 2 * _HOUR)


def pay_again_until(accepted_at: datetime, start: datetime, notice: int) -> datetime:
    """min(accepted + 24 h, start − min(8 h, N/3))."""
    return min(accepted_at + 24 * _HOUR, start - min(8 * _HOUR, timedelta(minutes=20 * notice)))


def least_time(instant: bool) -> timedelta:
    """What everybody is given at least: 4 h (instant: 1 h)."""
    return _HOUR if instant else 4 * _HOUR


# After the session.


def objection_until(
    end: datetime, promises_plan: bool = False, plan_sent_at: datetime | None = None
) -> datetime:
    """end + 72 h; with a promised written plan end + 7 days, brought forward to
    min(end + 7 days, max(end + 72 h, sent + 48 h)) when it is sent."""
    if not promises_plan:
        return end + OBJECTION
    if plan_sent_at is None:
        return end + 7 * _DAY
    return min(end + 7 * _DAY, max(end + OBJECTION, plan_sent_at + 48 * _HOUR))


def report_opens_at(start: datetime, no_show: bool) -> datetime:
    """Reports open "from the start (no-show: start + 15 min)"."""
    return start + timedelta(minutes=15) if no_show else start


def report_closes_at(
    window_until: datetime, captured_at: datetime | None, withdrawn: bool = False
) -> datetime:
    """The window's end; after a withdrawal "no report later than 48 h before day 80"."""
    if not withdrawn or captured_at is None:
        return window_until
    return min(window_until, day_80(captured_at) - 48 * _HOUR)


def window_after_withdrawal(until: datetime, withdrawn_at: datetime) -> datetime:
    """After a withdrawal: "the window as it stood, at least 24 h"; of a cancelled booking: "its share
    falls due at the later of its day and 24 h from now"."""
    return max(until, withdrawn_at + 24 * _HOUR)


def share_due_at(cancelled_at: datetime) -> datetime:
    """The kept share of a cancelled booking: 72 h after."""
    return cancelled_at + KEPT_SHARE


def reviews_until(delivered_at: datetime) -> datetime:
    """Reviews are "open for 14 days from `delivered`"."""
    return delivered_at + REVIEWS


def reviews_resumed_until(until: datetime, reported_at: datetime, resumed_at: datetime) -> datetime:
    """A report stops that clock; "it runs on, at least 7 days, from `settled` or the withdrawal"."""
    return resumed_at + max(until - reported_at, 7 * _DAY)


def settle_between_until(reported_at: datetime) -> datetime:
    """Between the two sides: 48 h from the report, then the operators' queue."""
    return reported_at + 48 * _HOUR


def operators_target(reported_at: datetime) -> datetime:
    """The operators' target: 7 days in their queue."""
    return settle_between_until(reported_at) + 7 * _DAY


def appeal_until(decided_at: datetime, appealed: bool) -> datetime:
    """There are "five days for one appeal"; after an appeal's decision: at once."""
    return decided_at if appealed else decided_at + 5 * _DAY


def day_80(captured_at: datetime) -> datetime:
    """By then the money is transferred or refunded: "funds may wait 90 days from the charge at most"."""
    return captured_at + 80 * _DAY


def alarmed_from(captured_at: datetime) -> datetime:
    """Day 60: the operators see what still waits."""
    return captured_at + 60 * _DAY


def dispute_ends_at(captured_at: datetime | None, end: datetime, reported_at: datetime) -> datetime:
    """Day 80 after capture; "on terms while unpaid" (no capture yet): "30 days after the later of the
    session's end and the report"."""
    return max(end, reported_at) + 30 * _DAY if captured_at is None else day_80(captured_at)


# Reschedule.


def reschedule_until(
    now: datetime,
    old_start: datetime,
    new_start: datetime,
    notice: int,
    *,
    by_expert: bool,
    second_session: bool = False,
) -> datetime:
    """An open proposal lasts min(48 h, old start − 2 h (not for a second session), new start − N; for the
    expert's proposal new start − 2 h)."""
    until = min(now + 48 * _HOUR, new_start - (2 if by_expert else notice) * _HOUR)
    return until if second_session else min(until, old_start - 2 * _HOUR)


def reschedule_fits(new_end: datetime, captured_at: datetime | None) -> bool:
    """A new slot is "refused where the new end is later than 66 days after the capture".

    On terms nothing is captured until the company has paid, and no bound runs.
    """
    return captured_at is None or new_end <= captured_at + 66 * _DAY


def second_session_fits(new_end: datetime, now: datetime, captured_at: datetime | None) -> bool:
    """It "ends within 30 days and within 66 days of the capture"."""
    return new_end <= now + 30 * _DAY and reschedule_fits(new_end, captured_at)


def free_after_reschedule(accepted_at: datetime) -> datetime:
    """After a reschedule: "if the expert asked, cancelling is free until 24 h after"."""
    return accepted_at + 24 * _HOUR


def _two_thirds_before(start: datetime, notice: int) -> datetime:
    return start - timedelta(minutes=40 * notice)

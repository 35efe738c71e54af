"""Demo bookings, played: by the same services guests use, against the running sandbox.

The clock is wound from 40 days back to today, so every row has the time it would have had. On an
empty database only. The buyer's click on the provider's page is the one thing done from outside:
`pay` is handed in by the command, which posts the sandbox's own form.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from ..domain.policy import Actor
from ..domain.pricing import PlatformTax
from ..storage.bookings import Booking
from ..storage.db import Database
from ..storage.experts import Expert
from ..storage.offers import Offer
from ..storage.people import Person
from . import bookings, payments, reviews
from .bookings.holding import free_for_offer
from .briefs import save_brief
from .clock import MovableClock, move_clock
from .people import actor_for

# (when, order, step); a step may put later ones on the programme.
Programme = list[tuple[datetime, int, Callable[[], str]]]
# (days ago, deed): what else happens meanwhile.
Step = tuple[float, Callable[[], str]]


@dataclass(frozen=True)
class Stage:
    """What the play is given. `pay(url, how)` clicks on the provider's page; `settle` runs what is queued."""

    db: Database
    gateway: payments.PaymentsDoor
    clock: MovableClock
    platform: PlatformTax
    pay: Callable[[str, str], None]
    settle: Callable[[], None]
    site_url: str


@dataclass(frozen=True)
class Act:
    """One booking of the play: held `days_ago`, for the first free slot at least `ahead` days later.

    `then`: what happens at once after the hold (pay, accept, decline, cancel). `rate`: who rates two
    hours after the session's end (lead, expert).
    """

    offer: str
    lead: str
    days_ago: float
    ahead: float
    then: Sequence[str]
    brief: str
    rate: Sequence[str] = ()


def play(
    stage: Stage, acts: Sequence[Act], briefs: Mapping[str, Mapping[str, str]], others: Sequence[Step] = ()
) -> Iterator[str]:
    """Play the acts and `others`, each step at its time; yields a line for each. Nothing where bookings were made already."""
    with stage.db.reading() as session:
        if session.scalar(sa.select(Booking.id).where(Booking.origin == "made").limit(1)):
            return
    today = stage.clock()
    stage.clock.move(-timedelta(days=max(act.days_ago for act in acts)))
    programme: Programme = []
    for number, act in enumerate(acts):
        at = today - timedelta(days=act.days_ago)
        begin: Callable[[], str] = partial(_begin, stage, act, briefs[act.brief], programme)
        heapq.heappush(programme, (at, number, begin))
    for number, (days_ago, deed) in enumerate(others):
        heapq.heappush(programme, (today - timedelta(days=days_ago), 500 + number, deed))
    while programme and programme[0][0] <= today:
        at, _number, step = heapq.heappop(programme)
        _move_to(stage, at)
        yield step()
    _move_to(stage, today)


def _move_to(stage: Stage, at: datetime) -> None:
    move_clock(stage.db, stage.gateway, stage.clock, by=max(at - stage.clock(), timedelta(0)))
    stage.settle()


def _begin(stage: Stage, act: Act, words: Mapping[str, str], programme: Programme) -> str:
    booking = _hold(stage, act, words)
    for step in act.then:
        _STEPS[step](stage, act, booking)
        stage.settle()
    for side in act.rate:
        at = booking.ends_at + timedelta(hours=2)
        rate: Callable[[], str] = partial(_rate, stage, act, booking, side)
        heapq.heappush(programme, (at, len(programme) + 1000, rate))
    return f"{booking.number}: {', '.join(('held', *act.then))}"


def _hold(stage: Stage, act: Act, words: Mapping[str, str]) -> Booking:
    lead = _actor(stage, act.lead)
    with stage.db.reading() as session:
        offer_id = session.scalars(sa.select(Offer.id).where(Offer.source_id == act.offer)).one()
        now = stage.clock()
        free = free_for_offer(session, offer_id, window=(now, now + timedelta(days=60)), now=now)
    from_day = now + timedelta(days=act.ahead)
    start = next(slot[0] for slot in free.slots if slot[0] >= from_day)
    booking = bookings.hold(
        stage.db,
        lead,
        offer=offer_id,
        start=start,
        format="remote",
        token=f"play/{act.offer}/{act.days_ago}",
    )
    save_brief(
        stage.db, lead, brief_id=_brief_of(booking),
        fields={
            "subject": words["title"], "context": words["text"], "decision": words["decision"],
            "attendees": [{"name": lead_name(stage, act.lead), "role": words["role"], "email": act.lead}],
            "confidential_done": True,
        },
    )  # fmt: skip
    return booking


def _brief_of(booking: Booking) -> uuid.UUID:
    assert booking.brief_id is not None  # Only imported bookings have none.
    return booking.brief_id


def lead_name(stage: Stage, email: str) -> str:
    """A demo person's name."""
    with stage.db.reading() as session:
        return session.scalars(sa.select(Person.name).where(Person.email == email)).one()


def _actor(stage: Stage, email: str) -> Actor:
    with stage.db.reading() as session:
        person_id = session.scalars(sa.select(Person.id).where(Person.email == email)).one()
        return actor_for(session, person_id)


def _expert(stage: Stage, booking: Booking) -> Actor:
    with stage.db.reading() as session:
        person_id = session.scalars(sa.select(Expert.person_id).where(Expert.id == booking.expert_id)).one()
        return actor_for(session, person_id)


def _pay(stage: Stage, act: Act, booking: Booking, how: str = "succeed") -> None:
    page = f"{stage.site_url}/fr/bookings/{booking.reference}"
    payment_id = bookings.open_payment(
        stage.db, _actor(stage, act.lead), booking_id=booking.id, accepted=("charter", "confidentiality", "terms"),
        texts=payments.CheckoutTexts(
            description=act.offer, locale="fr", success_url=f"{page}/returned", cancel_url=f"{page}/check",
            labels={"booking": booking.number},
        ),
        platform=stage.platform, ready=payments.platform_ready(stage.gateway),
    )  # fmt: skip
    stage.pay(payments.checkout_url(stage.db, stage.gateway, payment_id), how)
    payments.refresh(stage.db, stage.gateway, payment_id)


def _accept(stage: Stage, act: Act, booking: Booking) -> None:
    with stage.db.reading() as session:
        fresh = session.get_one(Booking, booking.id)
        slug = session.scalars(sa.select(Expert.slug).where(Expert.id == booking.expert_id)).one()
    if fresh.state != "requested":
        return  # Instant offers have said yes already.
    bookings.accept(
        stage.db, _expert(stage, booking), booking_id=booking.id,
        accepted=("charter", "confidentiality", "conflict"), place=f"https://meet.example.com/{slug}",
        token=f"play/accept/{booking.id}",
    )  # fmt: skip


def _decline(stage: Stage, act: Act, booking: Booking) -> None:
    bookings.decline(
        stage.db,
        _expert(stage, booking),
        booking_id=booking.id,
        reason="no_time",
        token=f"play/decline/{booking.id}",
    )


def _cancel(stage: Stage, act: Act, booking: Booking) -> None:
    bookings.cancel(
        stage.db, _actor(stage, act.lead), booking_id=booking.id, side="lead", reason="", expected_minor=None,
        token=f"play/cancel/{booking.id}",
    )  # fmt: skip


_STEPS: Mapping[str, Callable[[Stage, Act, Booking], None]] = {
    "pay": _pay,
    "pay_failing": partial(_pay, how="fail_later"),
    "accept": _accept,
    "decline": _decline,
    "cancel": _cancel,
}

_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "lead": {
        "prepared": 5, "expertise": 5, "usefulness": 4, "clarity": 5, "unlocked": "yes", "days_saved": 15,
        "text": "Les questions posées étaient les bonnes : le plan tient sur une page et il est déjà lancé.",
    },
    "expert": {"brief_mark": 5, "punctuality": 5, "openness": 4, "text": ""},
}  # fmt: skip


def _rate(stage: Stage, act: Act, booking: Booking, side: str) -> str:
    actor = _actor(stage, act.lead) if side == "lead" else _expert(stage, booking)
    reviews.send_review(stage.db, actor, booking_id=booking.id, side=side, answers=_ANSWERS[side])
    stage.settle()
    return f"{booking.number}: rated by the {side}"

"""How offers do: what was read, held, asked and booked, and why the rest was lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketplace.services import bookings
from marketplace.services.offers import count_view, figures
from marketplace.services.offers.figures import OfferFigures
from marketplace.storage.db import Database
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_bookings import GATEWAY


def of(db: Database, seller: make.Seller) -> OfferFigures:
    with db.reading() as session:
        (one,) = figures(session, seller.expert.id, db.clock())
    return one


def test_pages_read_count_by_the_day_and_fall_out_after_ninety(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    for _twice in range(2):
        count_view(db, offer.id)
    clock.move(timedelta(days=1))
    count_view(db, offer.id)
    assert of(db, seller).seen == 3
    clock.move(timedelta(days=88))
    assert of(db, seller).seen == 3
    clock.move(timedelta(days=1))
    assert of(db, seller).seen == 1
    clock.move(timedelta(days=1))
    assert of(db, seller).seen == 0


def test_each_loss_has_its_reason(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    kept = make.booking(db, of=seller, offer_of=offer, state="confirmed", days_ahead=10)
    declined = make.booking(db, of=seller, offer_of=offer, state="requested", days_ahead=12)
    bookings.decline(db, seller.actor, booking_id=declined.id, reason="no_time", words="trop tard", token="d")
    withdrawn = make.booking(db, of=seller, offer_of=offer, state="requested", days_ahead=14)
    bookings.withdraw(db, withdrawn.lead.actor, booking_id=withdrawn.id, token="w")
    gone = make.booking(db, of=seller, offer_of=offer, days_ahead=16)
    bookings.let_go(db, gone.lead.actor, booking_id=gone.id, token="l")
    cancelled = make.booking(db, of=seller, offer_of=offer, state="confirmed", days_ahead=18)
    bookings.cancel(
        db,
        seller.actor,
        booking_id=cancelled.id,
        side="expert",
        reason="malade",
        expected_minor=None,
        token="c",
    )
    found = of(db, seller)
    assert (found.held, found.asked, found.booked) == (5, 4, 2)
    assert found.lost == {"no_time": 1, "withdrawn": 1, "not_asked": 1, "cancelled_by_expert": 1}
    assert kept.id
    clock.move(timedelta(days=91))
    assert of(db, seller).held == 0


def test_what_nobody_answered(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    make.booking(db, of=seller, offer_of=offer, state="requested")
    clock.move(timedelta(hours=49))
    bookings.run_clock(db, GATEWAY)
    assert of(db, seller).lost == {"unanswered": 1}


def test_the_same_statements_for_one_and_for_many(db: Database, count_queries: Any) -> None:
    seller = make.seller(db)
    for _number in range(6):
        make.booking(db, of=seller, days_ahead=20)
    with db.reading() as session, count_queries() as counted:
        assert len(figures(session, seller.expert.id, db.clock())) == 6
    assert counted.number == 3

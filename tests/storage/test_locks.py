"""Row locks are taken in the house's order, though one statement takes them all."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from marketplace.services.reactions import REACTIONS
from marketplace.storage import locks
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database, connect
from tests import factories as make
from tests.clock import FakeClock

TAKERS = {
    "calendar": "select 1 from calendars where expert_id = :id for update nowait",
    "company": "select 1 from mail_domains where domain = (select domain from companies where id = :id) for update nowait",
    "booking": "select 1 from bookings where id = :id for update nowait",
}


@pytest.fixture
def own(own_url: str) -> Iterator[Database]:
    engine = connect(own_url)
    yield Database(engine, clock=FakeClock(), reactions=REACTIONS)
    engine.dispose()


def test_whoever_waits_for_one_lock_holds_those_before_it_and_none_after(own: Database) -> None:
    with own.reading() as session:
        booking = session.get_one(Booking, make.booking(own).id)
    keys = {"calendar": booking.expert_id, "company": booking.company_id, "booking": booking.id}
    names = list(TAKERS)
    for place, name in enumerate(names):
        taken = threading.Event()

        def take_all(taken: threading.Event = taken) -> None:
            with own.transaction() as tx:
                locks.take(tx, **keys)
                taken.set()

        with own.engine.connect() as here:
            here.execute(sa.text(TAKERS[name]), {"id": keys[name]})
            waiter = threading.Thread(target=take_all)
            waiter.start()
            _until_somebody_waits(own)
            free = {other: _is_free(own, other, keys[other]) for other in names if other != name}
            assert free == {other: names.index(other) > place for other in free}
            here.rollback()
        waiter.join(10)
        assert taken.is_set()


def test_what_is_missing_is_passed_over(own: Database) -> None:
    with own.reading() as session:
        booking = session.get_one(Booking, make.booking(own).id)
    with own.transaction() as tx:
        locks.take(tx, calendar=booking.id, booking=booking.id, payment=booking.id)
        assert not _is_free(own, "booking", booking.id)
        assert _is_free(own, "calendar", booking.expert_id)


def _is_free(own: Database, name: str, key: object) -> bool:
    with own.engine.connect() as other:
        try:
            other.execute(sa.text(TAKERS[name]), {"id": key})
        except sa.exc.OperationalError:
            return False
        return True


def _until_somebody_waits(own: Database) -> None:
    waiting = sa.text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    with own.engine.connect() as other:
        for _ in range(200):
            if other.execute(waiting).scalar():
                return
            other.rollback()
            other.execute(sa.text("select pg_sleep(0.02)"))
    raise AssertionError("nobody waits")

"""Busy calendars: what they say blocks slots everywhere, and what happens while they cannot be read."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import BusyCalendarRefused, HolidaysUnknown, NotFound, SlotTaken
from marketplace.domain.events import BusyCalendarFailing, BusyCalendarReadAgain, CalendarChanged
from marketplace.domain.policy import Actor
from marketplace.gateways.calendars import Busy, CalendarUnread
from marketplace.gateways.calendars_holidays import HolidaysPackage
from marketplace.services import availability, bookings, free_days, letters
from marketplace.services.availability import Source, add_busy_calendar, busy_of, read_due, stale_experts
from marketplace.services.bookings.holding import free_for_offer
from marketplace.storage.availability import BusyCalendar, Calendar
from marketplace.storage.db import Database
from marketplace.storage.free_days import FreeDay
from marketplace.storage.letters import Letter
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_letters import STATIONERY, html_of, opened

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADDRESS = "https://calendar.example.net/private/abcdef0123456789/basic.ics"


class Elsewhere:
    """A calendar kept elsewhere: says `times`, or fails with `fails`; `asked` are the conditions it was asked with."""

    def __init__(self, *times: tuple[datetime, datetime]) -> None:
        self.times = times
        self.fails: CalendarUnread | None = None
        self.asked: list[str] = []
        self.version = 1

    def __call__(
        self, address: str, *, zone: str, now: datetime, etag: str = "", last_modified: str = ""
    ) -> Busy | None:
        assert address == ADDRESS
        self.asked.append(etag)
        if self.fails:
            raise self.fails
        return None if etag == str(self.version) else Busy(tuple(self.times), 0, str(self.version), "")


def source(said: Elsewhere) -> Source:
    return Source(said, "a secret key of more than thirty-two characters")


def window(db: Database) -> tuple[datetime, datetime]:
    return db.clock(), db.clock() + 62 * DAY


def add(db: Database, seller: make.Seller, said: Elsewhere, name: str = "Perso") -> uuid.UUID:
    return add_busy_calendar(db, source(said), seller.actor, name=name, address=ADDRESS).id


def one(db: Database, calendar_id: uuid.UUID) -> BusyCalendar:
    with db.reading() as session:
        return session.get_one(BusyCalendar, calendar_id, populate_existing=True)


def heard(db: Database) -> list[Any]:
    found: list[Any] = []
    tables: Any = type("Tables", (), {})()
    tables.within = dict.fromkeys(
        (BusyCalendarFailing, BusyCalendarReadAgain, CalendarChanged),
        (lambda _tx, event: found.append(event),),
    )
    tables.after = {}
    db.reactions = tables
    return found


def test_its_times_block_slots_on_every_way_to_them(db: Database) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    start = make.first_slot(db, offer.id)
    said = Elsewhere((start + HOUR, start + 2 * HOUR))
    free_days.renew(db, seller.expert.id)
    with db.reading() as session:
        rows = session.scalar(sa.select(sa.func.count()).select_from(FreeDay))
    add(db, seller, said)
    with db.reading() as session:
        assert start not in [
            s for s, _ in free_for_offer(session, offer.id, window=window(db), now=db.clock()).slots
        ]
        sought = availability.Sought(offer.id, seller.expert.id, 180, 72, False)
        assert availability.next_slots(session, [sought], db.clock(), 3)[offer.id][0][0] > start
        assert busy_of(session, [seller.expert.id], window(db)) == {seller.expert.id: list(said.times)}
    lead = make.lead(db)
    with pytest.raises(SlotTaken) as refused:
        bookings.hold(db, lead.actor, offer=offer.id, start=start, format="remote", token="t")
    assert len(refused.value.facts["nearest"]) == 3
    said.times, said.version = ((db.clock(), db.clock() + 60 * DAY),), 2
    availability.read_own(db, source(said), seller.expert.id)
    free_days.renew(db, seller.expert.id)
    with db.reading() as session:
        assert rows
        assert not session.scalar(sa.select(sa.func.count()).select_from(FreeDay))


def test_the_number_of_statements_does_not_grow(db: Database, count_queries: Any) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    sought = [availability.Sought(offer.id, seller.expert.id, 180, 72, False)]

    def counted() -> int:
        with count_queries() as found, db.reading() as session:
            availability.next_slots(session, sought, db.clock(), 3)
        return found.number

    before = counted()
    for n in range(3):
        add(db, seller, Elsewhere((db.clock(), db.clock() + HOUR)), name=f"n{n}")
    assert counted() == before


def test_the_address_is_sealed_and_only_its_ends_are_shown(db: Database) -> None:
    calendar = one(db, add(db, make.seller(db), Elsewhere()))
    assert calendar.shown == "calendar.example.net … .ics"
    assert b"abcdef" not in calendar.sealed
    assert ADDRESS.encode() not in calendar.sealed


def test_one_that_cannot_be_read_is_not_taken_up_and_says_why(db: Database) -> None:
    seller, said = make.seller(db), Elsewhere()
    said.fails = CalendarUnread("forbidden", kind="loopback")
    for name, why in (("Perso", "forbidden"), ("  ", "name_missing")):
        with pytest.raises(BusyCalendarRefused) as refused:
            add(db, seller, said, name=name)
        assert refused.value.facts["why"] == why
    said.fails = None
    for n in range(5):
        add(db, seller, said, name=f"n{n}")
    with pytest.raises(BusyCalendarRefused) as refused:
        add(db, seller, said)
    assert refused.value.facts["why"] == "too_many"
    with pytest.raises(NotFound):
        add_busy_calendar(db, source(said), Actor(make.person(db).id), name="x", address=ADDRESS)


def test_a_webcal_address_is_an_https_one(db: Database) -> None:
    address = ADDRESS.replace("https", "webcal")
    add_busy_calendar(db, source(Elsewhere()), make.seller(db).actor, name="x", address=address)


def test_it_is_read_by_turns_with_conditions_and_anew_once_a_day(db: Database, clock: FakeClock) -> None:
    said = Elsewhere((db.clock() + DAY, db.clock() + DAY + HOUR))
    calendar_id = add(db, make.seller(db), said)
    assert read_due(db, source(said)) == 0
    clock.move(timedelta(minutes=15))
    assert read_due(db, source(said)) == 1
    assert said.asked == ["", "1"]
    assert one(db, calendar_id).good_at == db.clock()
    clock.move(timedelta(hours=25))
    read_due(db, source(said))
    assert said.asked[-1] == ""
    assert one(db, calendar_id).worked_out_at == db.clock()


def test_only_what_changed_is_announced(db: Database, clock: FakeClock) -> None:
    said = Elsewhere((db.clock() + DAY, db.clock() + DAY + HOUR))
    add(db, make.seller(db), said)
    events = heard(db)
    for version, times in ((2, said.times), (3, ((db.clock() + 2 * DAY, db.clock() + 3 * DAY),))):
        said.version, said.times = version, times
        clock.move(timedelta(minutes=15))
        read_due(db, source(said))
        assert [type(event) for event in events] == [CalendarChanged] * (version - 2)


def test_two_never_read_one_at_once(db: Database, clock: FakeClock) -> None:
    said = Elsewhere()
    calendar_id = add(db, make.seller(db), said)
    with db.transaction() as tx:
        tx.session.get_one(BusyCalendar, calendar_id).reading_until = tx.now + timedelta(minutes=2)
    availability.busy.read_one(db, source(said), calendar_id)
    assert len(said.asked) == 1
    clock.move(timedelta(minutes=3))
    availability.busy.read_one(db, source(said), calendar_id)
    assert len(said.asked) == 2


@pytest.mark.parametrize("language", ["fr", "en"])
def test_failing_is_told_at_once_and_once_and_so_is_its_end(
    db: Database, clock: FakeClock, language: str
) -> None:
    seller, said = make.seller(db), Elsewhere((db.clock() + DAY, db.clock() + DAY + HOUR))
    with db.transaction() as tx:
        tx.session.merge(seller.person).language = language
    calendar_id = add(db, seller, said)
    events = heard(db)
    said.fails = CalendarUnread("time")
    for _pass in range(3):
        clock.move(timedelta(minutes=15))
        read_due(db, source(said))
    assert events == [BusyCalendarFailing(calendar_id)]
    failing = one(db, calendar_id)
    assert (failing.why, failing.failed_since) == ("time", db.clock() - timedelta(minutes=30))
    for _twice in range(2):
        letters.calendar_failing(db, STATIONERY, calendar_id=calendar_id)
    said.fails = None
    clock.move(timedelta(minutes=15))
    read_due(db, source(said))
    assert events[1:] == [BusyCalendarReadAgain(calendar_id)]
    assert one(db, calendar_id).failed_since is None
    for _twice in range(2):
        letters.calendar_read_again(db, STATIONERY, calendar_id=calendar_id)
        letters.calendar_failing(db, STATIONERY, calendar_id=calendar_id)
    with db.reading() as session:
        rows = session.scalars(sa.select(Letter).order_by(Letter.id)).all()
    assert [row.event for row in rows] == ["calendar_failing", "calendar_read_again"]
    for row in rows:
        assert "Perso" in row.subject
        assert "busy_calendars" in html_of(opened(row.message))
        assert "abcdef" not in html_of(opened(row.message))


def test_one_lost_packet_writes_no_mail(db: Database, clock: FakeClock) -> None:
    said = Elsewhere()
    calendar_id = add(db, make.seller(db), said)

    class Hiccup(Elsewhere):
        def __call__(self, address: str, **more: Any) -> Busy | None:
            self.fails = CalendarUnread("connection") if not self.asked else None
            return super().__call__(address, **more)

    clock.move(timedelta(minutes=15))
    read_due(db, source(Hiccup()))
    assert one(db, calendar_id).failed_since is None


def test_after_72_hours_instant_offers_are_asked_and_known_times_still_block(
    db: Database, clock: FakeClock
) -> None:
    seller = make.seller(db, standing_since=db.clock(), meeting_link="https://meet.example.net/x")
    offer = make.offer(db, seller.expert, instant=True, notice_hours=4)
    far = db.clock() + 10 * DAY
    said = Elsewhere((far, far + DAY))
    add(db, seller, said)
    said.fails = CalendarUnread("answer", status=404)
    sought = availability.Sought(offer.id, seller.expert.id, 180, 4, True)
    for later, stale in ((72 * HOUR - timedelta(seconds=1), False), (timedelta(seconds=1), True)):
        clock.move(later)
        read_due(db, source(said))
        with db.reading() as session:
            assert (seller.expert.id in stale_experts(session, [seller.expert.id], db.clock())) is stale
            free = free_for_offer(session, offer.id, window=window(db), now=db.clock())
            first = availability.next_slots(session, [sought], db.clock(), 1)[offer.id][0]
        assert free.instant is not stale
        assert first == free.slots[0]
        assert (free.slots[0][0] - db.clock() >= 24 * HOUR) or not stale
        assert not any(start < far + DAY and far < end for start, end in free.slots)
    booking = bookings.hold(
        db, make.lead(db).actor, offer=offer.id, start=free.slots[0][0], format="remote", token="t"
    )
    assert (booking.instant, booking.notice_hours) == (False, 24)


def test_what_is_in_the_way_of_a_session_is_named_without_details(db: Database) -> None:
    seller, said = make.seller(db), Elsewhere((db.clock() + DAY, db.clock() + DAY + HOUR))
    add(db, seller, said)
    with db.reading() as session:
        start = db.clock() + DAY
        assert availability.in_the_way(session, seller.expert.id, (start, start + HOUR)) == ["Perso"]
        assert availability.in_the_way(session, seller.expert.id, (start + HOUR, start + 2 * HOUR)) == []


def test_rename_and_remove_are_ones_own(db: Database) -> None:
    seller, other = make.seller(db), make.seller(db)
    calendar_id = add(db, seller, Elsewhere((db.clock() + DAY, db.clock() + DAY + HOUR)))
    for act in (
        lambda actor: availability.rename_busy_calendar(db, actor, calendar_id=calendar_id, name="Famille"),
        lambda actor: availability.remove_busy_calendar(db, actor, calendar_id=calendar_id),
    ):
        with pytest.raises(NotFound):
            act(other.actor)
        act(seller.actor)
    with db.reading() as session:
        assert session.get(BusyCalendar, calendar_id) is None
        assert busy_of(session, [seller.expert.id], window(db)) == {seller.expert.id: []}


def test_public_holidays_are_days_away_that_a_dated_rule_overrides(db: Database, clock: FakeClock) -> None:
    clock.move_to(datetime(2026, 12, 1, 8, tzinfo=UTC))
    seller, known = make.seller(db), HolidaysPackage()
    offer = make.offer(db, seller.expert)

    def on(day: str) -> bool:
        with db.reading() as session:
            slots = free_for_offer(session, offer.id, window=window(db), now=db.clock()).slots
        return any(start.date().isoformat() == day for start, _ in slots)

    assert on("2026-12-25")
    availability.keep_holidays(db, known, seller.actor, country="FR", region="")
    assert not on("2026-12-25")
    assert not on("2027-01-01")
    with db.transaction() as tx:
        calendar = tx.session.get_one(Calendar, seller.expert.id)
        calendar.dated = [{"day": "2026-12-25", "ranges": [["08:00", "18:00"]]}]
    assert on("2026-12-25")
    with pytest.raises(HolidaysUnknown):
        availability.keep_holidays(db, known, seller.actor, country="FR", region="nowhere")
    clock.move_to(datetime(2027, 1, 2, 8, tzinfo=UTC))
    assert availability.renew_holidays(db, known) == 1
    assert availability.renew_holidays(db, known) == 0
    with db.reading() as session:
        assert "2029-07-14" in session.get_one(Calendar, seller.expert.id).holidays
    availability.keep_holidays(db, known, seller.actor, country="", region="")
    assert on("2027-01-29")

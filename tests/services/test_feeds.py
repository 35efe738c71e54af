"""Private calendar addresses and reminders: what is in the file, who may read it, what is sent once."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import icalendar
import pytest
import sqlalchemy as sa

from marketplace.domain.errors import NotFound
from marketplace.services import bookings, feeds, letters
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.feeds import CalendarFeed, Reminder
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.queries import counting
from tests.services.test_letters import STATIONERY, opened

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def read(db: Database, token: str) -> icalendar.Calendar:
    with db.reading() as session:
        return icalendar.Calendar.from_ical(letters.feed_file(session, STATIONERY, token, now=db.clock()))


def events(db: Database, token: str) -> list[icalendar.Event]:
    return list(read(db, token).walk("VEVENT"))


def cancel(db: Database, made: make.Made) -> None:
    bookings.cancel(
        db, made.lead.actor, booking_id=made.id, side="lead", reason="", expected_minor=None, token="off"
    )


def hear(db: Database, made: make.Made) -> None:
    """Run the letters of every move, as the jobs do."""
    with db.reading() as session:
        moves = session.scalars(
            sa.text("select id from booking_moves where booking_id = :id").bindparams(id=made.id)
        ).all()
    for move in moves:
        letters.booking_moved(db, STATIONERY, booking_id=made.id, move_id=move)


# --- The address -------------------------------------------------------------------------------


def test_the_feed_holds_the_sessions_of_both_sides_under_the_uid_of_the_mail(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    hear(db, made)
    with db.reading() as session:
        mailed = session.scalars(
            sa.select(Letter).where(Letter.event.in_(("confirmed_lead", "confirmed_expert")))
        ).all()
    assert len(mailed) == 2
    for letter, actor in zip(
        sorted(mailed, key=lambda one: one.event), (made.seller.actor, made.lead.actor), strict=True
    ):
        part = next(one for one in opened(letter.message).walk() if one.get_content_type() == "text/calendar")
        assert part.get_param("method") == "REQUEST"
        assert part.get_param("charset") == "utf-8"
        (invited,) = icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")
        (read_back,) = events(db, feeds.make_feed(db, actor, detailed=True))
        assert invited["uid"] == read_back["uid"] == f"{made.id}@declic.example"
        assert invited["sequence"] == read_back["sequence"] == 0
        assert invited.decoded("dtstart") == read_back.decoded("dtstart")


def test_without_details_a_calendar_tells_nothing_confidential(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    token = feeds.make_feed(db, made.seller.actor, detailed=False)
    told = read(db, token).to_ical().decode().replace("\r\n ", "")
    with db.reading() as session:
        booking = session.get_one(Booking, made.id)
    for secret in (
        "Poser 38 000 compteurs", "locataires", made.lead.company.name, made.lead.person.name,
        made.lead.person.email, booking.meeting_place,
    ):  # fmt: skip
        assert secret not in told
    assert booking.number in told
    feeds.detail_feed(db, made.seller.actor, detailed=True)
    told = read(db, token).to_ical().decode().replace("\r\n ", "")
    for said in ("Poser 38 000 compteurs", "locataires", made.lead.company.name, booking.meeting_place):
        assert said in told
    # Whom the lead brings along, and how to reach them, is on no calendar.
    assert made.lead.person.email not in told


def test_what_was_called_off_is_in_no_feed_and_its_mail_takes_the_invitation_back(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    token = feeds.make_feed(db, made.lead.actor, detailed=False)
    assert len(events(db, token)) == 1
    cancel(db, made)
    assert events(db, token) == []
    hear(db, made)
    with db.reading() as session:
        message = opened(
            session.scalars(sa.select(Letter.message).where(Letter.event == "cancelled_own_lead")).one()
        )
    part = next(one for one in message.walk() if one.get_content_type() == "text/calendar")
    assert part.get_param("method") == "CANCEL"
    (event,) = icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")
    assert (event["sequence"], str(event["status"])) == (1, "CANCELLED")


def test_it_keeps_ninety_days_of_the_past(db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed")
    token = feeds.make_feed(db, made.lead.actor, detailed=False)
    ends = make.read(db, made).ends_at
    clock.now = ends + 90 * DAY - MINUTE
    assert len(events(db, token)) == 1
    clock.now = ends + 90 * DAY
    assert events(db, token) == []


def test_the_address_is_hashed_made_anew_and_taken_back(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    first = feeds.make_feed(db, made.lead.actor, detailed=False)
    with db.reading() as session:
        kept = session.get_one(CalendarFeed, made.lead.person.id)
    assert kept.token_hash == hashlib.sha256(first.encode()).digest()
    second = feeds.make_feed(db, made.lead.actor, detailed=True)
    with pytest.raises(NotFound):
        read(db, first)
    assert len(events(db, second)) == 1
    feeds.revoke_feed(db, made.lead.actor)
    feeds.revoke_feed(db, made.lead.actor)
    with pytest.raises(NotFound):
        read(db, second)
    with pytest.raises(NotFound):
        feeds.detail_feed(db, made.lead.actor, detailed=True)


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "\udc80", "x" * 64])
def test_what_is_no_address_is_none(db: Database, token: str) -> None:
    with pytest.raises(NotFound):
        read(db, token)


def test_the_suspended_read_nothing(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    token = feeds.make_feed(db, made.lead.actor, detailed=False)
    with db.transaction() as tx:
        tx.session.get_one(Person, made.lead.person.id).suspended_at = tx.now
    with pytest.raises(NotFound):
        read(db, token)


def test_a_feed_costs_the_same_however_much_is_in_it(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    token = feeds.make_feed(db, made.seller.actor, detailed=True)
    costs = []
    for _ in range(2):
        with counting(db.engine) as counted:
            read(db, token)
        costs.append(counted.number)
        for n in range(3):
            make.booking(db, state="confirmed", of=made.seller, offer_of=made.offer, days_ahead=12 + n)
    assert costs == [3, 3]
    assert len(events(db, token)) == 7


def test_an_empty_feed_is_a_calendar_too(db: Database) -> None:
    lead = make.lead(db)
    file = read(db, feeds.make_feed(db, lead.actor, detailed=False))
    assert file.walk("VTIMEZONE")
    assert file.get("method") is None


# --- Reminders ---------------------------------------------------------------------------------


def reminded(db: Database) -> list[tuple[str, str]]:
    """(to whom, subject's token) of every reminder there is, after a pass."""
    letters.remind(db, STATIONERY)
    with db.reading() as session:
        rows = session.execute(
            sa.select(Letter.recipient, Letter.token).where(Letter.event == "reminder").order_by(Letter.id)
        ).all()
    return [(row[0], row[1].split("/")[2]) for row in rows]


def test_each_comes_once_to_both_at_its_instant(db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed", days_ahead=10)
    starts, both = make.read(db, made).starts_at, 2
    for number, (kind, ahead) in enumerate((("week", 7 * DAY), ("day", DAY), ("hour", HOUR))):
        clock.now = starts - ahead - MINUTE
        assert len(reminded(db)) == number * both
        clock.now = starts - ahead
        assert reminded(db)[-both:] == [
            (made.lead.person.email, kind),
            (made.seller.person.email, kind),
        ]
        assert len(reminded(db)) == (number + 1) * both
    clock.now = starts
    assert len(reminded(db)) == 6


def test_a_jump_of_the_clock_sends_one_not_three(db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed", days_ahead=10)
    clock.now = make.read(db, made).starts_at - HOUR / 2
    assert [kind for _to, kind in reminded(db)] == ["hour", "hour"]


def test_who_books_late_is_not_told_what_they_know(db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed", days_ahead=5)
    starts = make.read(db, made).starts_at
    assert reminded(db) == []
    with db.reading() as session:
        # Dealt with all the same: it is not asked about again each minute.
        assert session.scalars(sa.select(Reminder.kind)).all() == ["week"]
        assert feeds.due_reminders(session, db.clock()) == []
    clock.now = starts - DAY
    assert [kind for _to, kind in reminded(db)] == ["day", "day"]


def test_a_new_start_is_reminded_of_anew(db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed", days_ahead=10)
    starts = make.read(db, made).starts_at
    clock.now = starts - DAY
    assert len(reminded(db)) == 2
    with db.transaction() as tx:
        booking = tx.session.get_one(Booking, made.id)
        booking.starts_at, booking.ends_at = booking.starts_at + 4 * DAY, booking.ends_at + 4 * DAY
    clock.now = starts + 3 * DAY
    assert len(reminded(db)) == 4


def test_what_is_called_off_is_not_reminded_of(db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed", days_ahead=10)
    clock.now = make.read(db, made).starts_at - DAY
    cancel(db, made)
    assert reminded(db) == []


def test_each_is_muted_alone_and_by_its_own_letter(db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed", days_ahead=10)
    starts = make.read(db, made).starts_at
    feeds.choose_reminders(db, made.seller.actor, kinds=("hour", "nonsense"))
    clock.now = starts - DAY
    assert [to for to, _kind in reminded(db)] == [made.lead.person.email]
    with db.reading() as session:
        message = opened(session.scalars(sa.select(Letter.message).where(Letter.event == "reminder")).one())
    address = str(message["List-Unsubscribe"])
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token, kind = address.strip("<>").split("/")[-3:-1]
    assert kind == "day"
    feeds.mute_reminders(db, token, (kind,))
    feeds.mute_reminders(db, token, (kind,))
    with db.reading() as session:
        assert feeds.wanted_reminders(session, made.lead.person.id) == ("week", "hour")
        assert feeds.muted_reminders(session, token) == ("day",)
        assert feeds.wanted_reminders(session, made.seller.person.id) == ("hour",)
    with pytest.raises(NotFound):
        feeds.mute_reminders(db, "nobody's", ("day",))
    clock.now = starts - HOUR
    assert [kind for _to, kind in reminded(db)[1:]] == ["hour", "hour"]

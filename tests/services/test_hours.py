"""Hours saved under the calendar's lock, and the week a buyer then sees: the slots page's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import HoursRefused, NotFound
from marketplace.domain.hours import Hours, Typed, as_typed, read_hours
from marketplace.domain.policy import Actor
from marketplace.services.availability import (
    Sought,
    has_hours,
    hours_of,
    next_slots,
    rules_of,
    save_hours,
    usual_length,
    week_ahead,
)
from marketplace.services.bookings.holding import free_for_offer
from marketplace.services.people import actor_for
from marketplace.storage.availability import Calendar
from marketplace.storage.db import Database
from marketplace.storage.people import AuditRow
from tests import factories as make

WEEKLY = ((1, "09:00", "12:30"), (1, "14:00", "18:00"), (3, "22:00", "02:00"))


def form(db: Database, seller: make.Seller, **more: Any) -> Typed:
    """What the page would send with these changes."""
    with db.reading() as session:
        kept = hours_of(session, seller.expert.id)
    typed = as_typed(kept, db.clock().date())
    return replace(typed, **{**more, "numbers": {**typed.numbers, **more.get("numbers", {})}})


def kept(db: Database, seller: make.Seller) -> Hours:
    with db.reading() as session:
        return hours_of(session, seller.expert.id)


def audits(db: Database) -> list[str]:
    with db.reading() as session:
        return list(session.scalars(sa.select(AuditRow.reason).where(AuditRow.act == "hours.changed")))


class TestSaving:
    def test_what_was_typed_comes_back(self, db: Database) -> None:
        seller = make.seller(db)
        other = (db.clock() + timedelta(days=40)).date().isoformat()
        away = (db.clock() + timedelta(days=30)).date().isoformat()
        typed = form(
            db, seller, weekly=WEEKLY, away=((away, ""),), other=((other, "10:00", "13:00"),),
            numbers={"before_minutes": "30", "after_minutes": "15", "per_day": "2", "grid_minutes": "60"},
        )  # fmt: skip
        saved = save_hours(db, seller.actor, typed=typed)
        assert kept(db, seller) == saved == read_hours(typed, db.clock())
        assert (saved.before_minutes, saved.per_day, saved.per_week) == (30, 2, None)

    def test_leaves_a_line_that_names_what_changed_and_none_when_nothing_did(self, db: Database) -> None:
        seller = make.seller(db)
        typed = form(db, seller, numbers={"after_minutes": "45"})
        save_hours(db, seller.actor, typed=typed)
        save_hours(db, seller.actor, typed=typed)
        assert audits(db) == ["after_minutes"]

    def test_what_is_refused_changes_nothing(self, db: Database) -> None:
        seller = make.seller(db)
        before = kept(db, seller)
        with pytest.raises(HoursRefused):
            save_hours(
                db,
                seller.actor,
                typed=form(db, seller, weekly=((1, "09:00", "12:00"), (1, "11:00", "13:00"))),
            )
        assert (kept(db, seller), audits(db)) == (before, [])

    def test_nobody_elses_calendar(self, db: Database) -> None:
        seller = make.seller(db)
        stranger = make.person(db)
        with db.reading() as session:
            actor = actor_for(session, stranger.id)
        for who in (actor, Actor(None)):
            with pytest.raises(NotFound):
                save_hours(db, who, typed=form(db, seller))

    def test_it_waits_for_whoever_holds_the_calendar(self, db: Database, count_queries: Any) -> None:
        seller = make.seller(db)
        with count_queries() as counted:
            save_hours(db, seller.actor, typed=form(db, seller, numbers={"before_minutes": "5"}))
        locked = next(
            n for n, text in enumerate(counted.statements) if "calendars" in text and "for update" in text
        )
        changed = next(n for n, text in enumerate(counted.statements) if text.startswith("UPDATE calendars"))
        assert locked < changed

    def test_an_applicant_saves_them_too(self, db: Database) -> None:
        seller = make.seller(db, status="applying")
        with db.reading() as session:
            actor = actor_for(session, seller.person.id)
        assert actor.applying
        save_hours(db, actor, typed=form(db, seller, weekly=()))
        with db.reading() as session:
            assert not has_hours(session, seller.expert.id)

    def test_made_bookings_stay(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        start = make.read(db, made).starts_at
        save_hours(db, made.seller.actor, typed=form(db, made.seller, weekly=(), zone="America/New_York"))
        assert make.read(db, made).starts_at == start


def test_one_away_week_is_still_hours(db: Database) -> None:
    seller = make.seller(db)
    with db.reading() as session:
        assert has_hours(session, seller.expert.id)
        assert not has_hours(session, seller.person.id)


class TestTheWeekABuyerSees:
    def test_is_the_slots_pages_own(self, db: Database) -> None:
        made = make.booking(db, state="confirmed", days_ahead=8, notice_hours=24)
        start = make.read(db, made).starts_at
        monday = start.date() - timedelta(days=start.weekday())
        now = db.clock()
        with db.reading() as session:
            free = free_for_offer(session, made.offer.id, window=(now, now + timedelta(days=60)), now=now)
            week = week_ahead(
                session, made.seller.expert.id, hours_of(session, made.seller.expert.id), minutes=180,
                monday=monday, zone="Europe/Paris", now=now,
            )  # fmt: skip
        days = {day.date for day in week}
        assert [slot for day in week for slot in day.slots] == [
            slot for slot in free.slots if slot[0].date() in days
        ]
        taken = next(day for day in week if day.date == start.date())
        assert len(taken.slots) < max(len(day.slots) for day in week)

    def test_says_why_a_day_has_none(self, db: Database) -> None:
        seller = make.seller(db)
        now = db.clock()
        today = now.date()
        monday = today - timedelta(days=today.weekday())
        gone = today + timedelta(days=2 if today.weekday() < 3 else 0)
        hours = read_hours(
            form(db, seller, weekly=tuple((day, "08:00", "18:00") for day in range(1, 6)), away=((gone.isoformat(), ""),),
                 numbers={"horizon_days": "3"}),
            now,
        )  # fmt: skip

        def why(first: date, minutes: int = 180) -> dict[date, str]:
            with db.reading() as session:
                week = week_ahead(
                    session,
                    seller.expert.id,
                    hours,
                    minutes=minutes,
                    monday=first,
                    zone="Europe/Paris",
                    now=now,
                )
            return {day.date: day.why for day in week}

        assert why(monday)[gone] == "away"
        assert why(monday)[monday + timedelta(days=5)] == "closed"
        assert why(monday)[today] in ("soon", "away", "closed")
        assert set(why(monday + timedelta(days=14)).values()) == {"far", "closed"}
        assert "full" in why(monday, 11 * 60).values()


def test_the_calendars_notice_is_a_floor_for_offers_on_request_alone(db: Database) -> None:
    seller = make.seller(db)
    with db.transaction() as tx:
        calendar = tx.session.get_one(Calendar, seller.expert.id)
        calendar.notice_hours = 96
    assert rules_of(calendar, notice_hours=72, instant=False).notice == timedelta(hours=96)
    assert rules_of(calendar, notice_hours=120, instant=False).notice == timedelta(hours=120)
    assert rules_of(calendar, notice_hours=4, instant=True).notice == timedelta(hours=4)
    offer = make.offer(db, seller.expert, notice_hours=24)
    with db.reading() as session:
        found = next_slots(session, [Sought(offer.id, seller.expert.id, 180, 24, False)], db.clock(), 1)
    assert found[offer.id][0][0] >= db.clock() + timedelta(hours=96)


def test_the_usual_length_is_the_shortest_live_offers(db: Database) -> None:
    seller = make.seller(db)
    with db.reading() as session:
        assert usual_length(session, seller.expert.id) == 180
    make.offer(db, seller.expert, minutes=240)
    with db.reading() as session:
        assert usual_length(session, seller.expert.id) == 240

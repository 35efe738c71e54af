"""Free days and filters by them: the same as looking at every slot of every offer."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from marketplace.domain.filters import LENGTHS, Filters
from marketplace.domain.offers import is_instant
from marketplace.services import free_days
from marketplace.services.availability import rules_of, slots_among, taken_of
from marketplace.storage.availability import Calendar
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.free_days import FreeDay, FreeDaysMade
from marketplace.storage.narrowing import conditions, count, everything
from marketplace.storage.offers import Offer, OfferVersion
from tests import factories as make

PARIS, SINGAPORE = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Singapore")


def found(db: Database, filters: Filters, zone: ZoneInfo = PARIS) -> set[Any]:
    with db.reading() as session:
        wanted = everything().where(*conditions(filters, db.clock(), zone).values())
        return set(session.scalars(wanted))


def truly(db: Database, offer: Offer, first: datetime, last: datetime) -> bool:
    """Whether the slots themselves have one that starts between."""
    now = db.clock()
    with db.reading() as session:
        version, expert, calendar = session.execute(
            sa.select(OfferVersion, Expert, Calendar)
            .join(Offer, Offer.id == OfferVersion.offer_id)
            .join(Expert, Expert.id == Offer.expert_id)
            .join(Calendar, Calendar.expert_id == Expert.id)
            .where(Offer.id == offer.id, OfferVersion.live)
        ).one()
        instant = is_instant(version.instant, expert.standing_since, expert.meeting_link)
        rules = rules_of(calendar, notice_hours=version.notice_hours, instant=instant)
        taken = taken_of(session, expert.id, now)
        slots = slots_among(
            rules, taken, minutes=version.minutes, window=(now, now + timedelta(days=62)), now=now
        )
    return any(first <= start < last for start, _end in slots)


@pytest.fixture
def catalogue(db: Database) -> list[Offer]:
    """Experts in far zones with odd hours, and offers of every length and notice."""
    drawn = random.Random(7)
    offers = []
    for zone in ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"):
        seller = make.seller(db, zone=zone, standing_since=db.clock(), meeting_link="https://meet.example")
        with db.transaction() as tx:
            calendar = tx.session.get_one(Calendar, seller.expert.id)
            calendar.weekly = [
                {"days": sorted(drawn.sample(range(1, 8), 2)), "start": "09:00", "end": "13:00"},
                {"days": [drawn.randint(1, 7)], "start": "21:00", "end": "02:00"},
            ]
            calendar.per_week = drawn.choice([None, 1])
            calendar.horizon_days = drawn.choice([20, 60])
        offers += [
            make.offer(
                db,
                seller.expert,
                minutes=minutes,
                notice_hours=drawn.choice([4, 24, 100]),
                instant=drawn.random() < 0.5,
            )
            for minutes in LENGTHS
        ]
        free_days.renew(db, seller.expert.id)
    with db.transaction() as tx:
        from marketplace.services.search import index_offer

        for offer in offers:
            index_offer(tx, offer.id)
    return offers


@pytest.mark.parametrize("zone", [PARIS, SINGAPORE], ids=str)
@pytest.mark.parametrize(("ahead", "length"), [(0, 6), (1, 0), (3, 2), (15, 10), (40, 30), (58, 1)])
def test_between_two_days_is_what_the_slots_say(
    db: Database, catalogue: list[Offer], zone: ZoneInfo, ahead: int, length: int
) -> None:
    today = db.clock().astimezone(zone).date()
    filters = Filters(from_day=today + timedelta(days=ahead), to_day=today + timedelta(days=ahead + length))
    first, last = midnight(filters.from_day, zone), midnight(filters.to_day + timedelta(days=1), zone)  # type: ignore[operator]
    assert found(db, filters, zone) == {one.id for one in catalogue if truly(db, one, first, last)}


def midnight(day: date | None, zone: ZoneInfo) -> datetime:
    assert day
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def test_a_claim_takes_its_day_away_once_made_anew(db: Database) -> None:
    made = make.booking(db, state="confirmed")
    free_days.renew_of_booking(db, made.id)
    with db.reading() as session:
        before = session.scalar(sa.select(sa.func.count()).select_from(FreeDay))
    free_days.renew(db, made.seller.expert.id)
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(FreeDay)) == before


def test_an_expert_who_cannot_be_paid_has_no_free_day_for_a_search(
    db: Database, catalogue: list[Offer]
) -> None:
    wide = Filters(from_day=db.clock().date())
    assert found(db, wide)
    with db.transaction() as tx:
        tx.session.execute(sa.update(Expert).values(account_status="restricted"))
    assert not found(db, wide)


def test_time_alone_makes_them_anew_once_a_day(db: Database, clock: Any, catalogue: list[Offer]) -> None:
    assert free_days.renew_due(db) == 0
    clock.move(timedelta(days=1))
    assert free_days.renew_due(db, most=2) == 2
    assert free_days.renew_due(db) == 3
    assert free_days.renew_due(db) == 0
    with db.transaction() as tx:
        tx.session.execute(sa.delete(FreeDaysMade))
    assert free_days.renew_due(db) == 5


def test_counts_are_what_counting_says(db: Database) -> None:
    """Against the plain rules in Python, for filters drawn at random."""
    from marketplace.services.search import index_offer

    drawn = random.Random(3)
    seller = make.seller(db)
    made: list[tuple[Any, dict[str, Any]]] = []
    for _ in range(40):
        values = {
            "topics": drawn.sample(["a", "b", "c"], drawn.randint(0, 2)),
            "industries": drawn.sample(["i", "j"], 1),
            "languages": drawn.sample(["fr", "en"], drawn.randint(1, 2)),
            "format": drawn.choice(["remote", "on_site", "both"]),
            "minutes": drawn.choice(LENGTHS),
            "price_minor": drawn.choice([50_000, 100_000, 150_000]),
        }
        offer = make.offer(db, seller.expert, **values)
        made.append((offer.id, values))
        with db.transaction() as tx:
            index_offer(tx, offer.id)
    for _ in range(25):
        filters = Filters(
            topic=tuple(drawn.sample(["a", "b", "c"], drawn.randint(0, 2))),
            language=tuple(drawn.sample(["fr", "en"], drawn.randint(0, 1))),
            format=tuple(drawn.sample(["remote", "on_site"], drawn.randint(0, 1))),
            minutes=tuple(drawn.sample(LENGTHS, drawn.randint(0, 2))),
            price_max=drawn.choice([None, 500, 1000]),
        )
        assert found(db, filters) == {offer for offer, values in made if passes(values, filters)}
        with db.reading() as session:
            counts = count(session, conditions(filters, db.clock(), PARIS))
        assert counts.total == sum(passes(values, filters) for _offer, values in made)
        for name in filters.set_names():
            assert counts.without[name] == sum(passes(v, filters.without(name)) for _o, v in made)
        for value in ("a", "b", "c"):
            other = filters.without("topic")
            expected = sum(value in v["topics"] and passes(v, other) for _o, v in made)
            assert counts.values["topic"].get(value, 0) == expected
        for value in ("remote", "on_site"):
            other = filters.without("format")
            expected = sum(v["format"] in (value, "both") and passes(v, other) for _o, v in made)
            assert counts.values["format"].get(value, 0) == expected


def passes(values: dict[str, Any], filters: Filters) -> bool:
    return (
        (not filters.topic or bool(set(filters.topic) & set(values["topics"])))
        and (not filters.language or bool(set(filters.language) & set(values["languages"])))
        and (not filters.format or values["format"] in (*filters.format, "both"))
        and (not filters.minutes or values["minutes"] in filters.minutes)
        and (filters.price_max is None or values["price_minor"] <= filters.price_max * 100)
    )

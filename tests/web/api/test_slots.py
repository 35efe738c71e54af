"""Free slots for programs: those of the slots page, told in two clocks; what is wrong is named."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.storage.availability import Calendar
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.offers import Offer
from marketplace.storage.people import Attempt
from tests.queries import counting

PROBLEM = "application/problem+json"


@pytest.fixture
def program(demo_house: Flask) -> FlaskClient:
    db: Database = demo_house.extensions["declic"].db
    with db.transaction() as tx:
        tx.session.execute(sa.delete(Attempt))
    return demo_house.test_client()


@pytest.fixture
def db(demo_house: Flask) -> Database:
    found: Database = demo_house.extensions["declic"].db
    return found


@pytest.fixture
def offer(db: Database) -> Offer:
    with db.reading() as session:
        return session.scalars(
            sa.select(Offer)
            .join(Calendar, Calendar.expert_id == Offer.expert_id)
            .where(Offer.status == "live", Calendar.zone == "Europe/Paris")
            .order_by(Offer.slug)
        ).first()  # type: ignore[return-value]


def ask(program: FlaskClient, offer: Offer, **asked: Any) -> dict[str, Any]:
    answer = program.get(f"/api/v1/offers/{offer.id}/slots", query_string=asked)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    return dict(answer.json)


def days(db: Database, first: int, last: int) -> dict[str, str]:
    today = db.clock().date()
    return {"from": str(today + timedelta(days=first)), "to": str(today + timedelta(days=last))}


def test_they_are_the_slots_of_the_page(program: FlaskClient, db: Database, offer: Offer) -> None:
    told = ask(program, offer, **days(db, 0, 14))
    assert told["items"], told
    page = program.get(f"/en/offers/{offer.slug}/slots").text
    shown = re.findall(r'name="slot"[^>]*value="([^"]+)"', page) or re.findall(
        r'value="([^"]+)"[^>]*name="slot"', page
    )
    instants = {datetime.fromisoformat(one["start"]) for one in told["items"]}
    assert shown
    assert {datetime.fromisoformat(one) for one in shown} <= instants
    assert [one["start"] for one in told["items"]] == sorted(one["start"] for one in told["items"])


def test_each_is_told_in_both_clocks_and_lasts_its_length(
    program: FlaskClient, db: Database, offer: Offer
) -> None:
    told = ask(program, offer, **days(db, 0, 20), tz="Pacific/Apia")
    zone = ZoneInfo("Pacific/Apia")
    assert told["tz"] == "Pacific/Apia"
    assert told["offer_id"] == str(offer.id)
    for one in told["items"]:
        start, end = (datetime.fromisoformat(one[name]) for name in ("start", "end"))
        assert one["start"].endswith("Z")
        assert end - start == timedelta(minutes=told["minutes"])
        local = datetime.fromisoformat(one["local_start"])
        assert (local, local.utcoffset()) == (start, start.astimezone(zone).utcoffset())
        assert datetime.fromisoformat(one["local_end"]) == end


def test_days_are_those_of_the_zone_and_both_ends_are_in(
    program: FlaskClient, db: Database, offer: Offer
) -> None:
    everything = ask(program, offer, **days(db, 0, 40))["items"]
    some = date.fromisoformat(everything[len(everything) // 2]["local_start"][:10])
    asked = {"from": str(some), "to": str(some)}
    of_day = [one for one in everything if one["local_start"].startswith(str(some))]
    assert ask(program, offer, **asked)["items"] == of_day
    first = of_day[0]["start"]
    by_instant = ask(program, offer, **{"from": first, "to": of_day[-1]["start"]})["items"]
    # An instant is the end before which they start.
    assert [one["start"] for one in by_instant] == [one["start"] for one in of_day[:-1]]
    far = ask(program, offer, **asked, tz="Pacific/Kiritimati")["items"]
    assert {one["local_start"][:10] for one in far} <= {str(some)}
    assert [one["start"] for one in far] != [one["start"] for one in of_day]


def test_without_days_the_next_fortnight(program: FlaskClient, db: Database, offer: Offer) -> None:
    now = db.clock()
    starts = [datetime.fromisoformat(one["start"]) for one in ask(program, offer)["items"]]
    assert starts
    assert all(now <= start < now + timedelta(days=14) for start in starts)
    assert ask(program, offer, **{"from": "2000-01-01", "to": "2000-02-01"})["items"] == []
    assert ask(program, offer, **days(db, 300, 310))["items"] == []


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"from": "tomorrow"}, ["from"]),
        ({"from": "2026-02-30"}, ["from"]),
        ({"from": "2026-12-01T10:00:00"}, ["from"]),
        ({"from": "2026-12-01T25:00:00Z"}, ["from"]),
        ({"from": ""}, ["from"]),
        ({"from": "0001-01-01"}, ["from"]),
        ({"to": "٢026-12-01"}, ["to"]),
        ({"from": "2026-12-10", "to": "2026-12-09"}, ["to"]),
        ({"from": "2026-12-01", "to": "2027-02-01"}, ["to"]),
        ({"from": "2026-12-01T00:00:00Z", "to": "2027-01-31T02:00:00Z"}, ["to"]),
        ({"tz": "Paris"}, ["tz"]),
        ({"tz": "../etc/passwd"}, ["tz"]),
        ({"tz": ""}, ["tz"]),
        ({"lang": "de", "tz": "x", "from": "y", "to": "z"}, ["lang", "tz", "from", "to"]),
    ],
)
def test_what_is_wrong_is_named(
    program: FlaskClient, offer: Offer, asked: dict[str, str], names: list[str]
) -> None:
    answer = program.get(f"/api/v1/offers/{offer.id}/slots", query_string=asked)
    assert (answer.status_code, answer.mimetype) == (422, PROBLEM)
    assert [one["parameter"] for one in answer.json["errors"]] == names


@pytest.mark.parametrize("day", ["2999-12-31", "2000-01-01"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_days_far_away_have_none(program: FlaskClient, offer: Offer, day: str, zone: str) -> None:
    assert ask(program, offer, **{"from": day, "to": day}, tz=zone)["items"] == []


def test_sixty_one_days_may_be_asked_also_over_the_end_of_summer_time(
    program: FlaskClient, offer: Offer
) -> None:
    assert program.get(f"/api/v1/offers/{offer.id}/slots?from=2027-09-15&to=2027-11-14").status_code == 200
    assert program.get(f"/api/v1/offers/{offer.id}/slots?from=2027-09-15&to=2027-11-15").status_code == 422


def test_no_offer_no_slots_and_one_that_cannot_be_booked_has_none(
    program: FlaskClient, db: Database, offer: Offer
) -> None:
    assert program.get(f"/api/v1/offers/{uuid.uuid4()}/slots").status_code == 404
    assert program.get("/api/v1/offers/x/slots").status_code == 404

    def account(status: str) -> None:
        with db.transaction() as tx:
            tx.session.get_one(Expert, offer.expert_id).account_status = status

    account("restricted")
    try:
        assert ask(program, offer)["items"] == []
    finally:
        account("active")


def test_it_costs_the_same_for_a_day_and_for_two_months(
    program: FlaskClient, db: Database, offer: Offer
) -> None:
    costs = []
    for asked in (days(db, 5, 5), days(db, 0, 60)):
        with counting(db.engine) as counted:
            ask(program, offer, **asked)
        costs.append(counted.number)
    assert costs[0] == costs[1]
    assert ask(program, offer)["items"][0]["start"] >= db.clock().astimezone(UTC).isoformat()[:10]

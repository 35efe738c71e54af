"""Busy calendars, holidays and the day a buyer sees, in a browser without a script."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.gateways.calendars import CalendarUnread
from marketplace.storage.availability import BusyCalendar
from marketplace.storage.db import Database
from tests import factories as make
from tests.services.test_busy_calendars import ADDRESS, Elsewhere
from tests.web.conftest import send

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAGE = "/en/expert/calendars"


@pytest.fixture
def said(app: Flask, db: Database) -> Iterator[Elsewhere]:
    """The calendar every address leads to."""
    made = Elsewhere()
    whole = app.extensions["declic"]
    app.extensions["declic"] = dataclasses.replace(whole, calendars=made)
    yield made
    app.extensions["declic"] = whole


@pytest.fixture
def seller(db: Database) -> make.Seller:
    return make.seller(db)


@pytest.fixture
def page(browser: Any, said: Elsewhere, seller: make.Seller) -> FlaskClient:
    made: FlaskClient = browser(seller.person)
    return made


def add(page: FlaskClient, **typed: str) -> Any:
    return send(page, PAGE, {"name": "Perso", "address": ADDRESS, **typed})


def test_added_shown_without_its_address_renamed_and_removed(
    page: FlaskClient, said: Elsewhere, db: Database
) -> None:
    said.times = ((db.clock() + DAY, db.clock() + DAY + 5 * HOUR),)
    assert add(page).status_code == 303
    text = page.get(PAGE).text
    assert "calendar.example.net … .ics" in text
    assert "abcdef" not in text
    assert "Busy for 5 hours" in text
    with db.reading() as session:
        one = session.query(BusyCalendar).one().id
    nameless = send(page, f"{PAGE}/{one}/rename", {"name": " "})
    assert nameless.status_code == 422
    assert f'id="name-{one}-error"' in nameless.text
    assert send(page, f"{PAGE}/{one}/rename", {"name": "Famille"}).status_code == 303
    assert "<h3>Famille</h3>" in page.get(PAGE).text
    assert send(page, f"{PAGE}/read").status_code == 303
    assert send(page, f"{PAGE}/{one}/remove").status_code == 303
    assert "Famille" not in page.get(PAGE).text


@pytest.mark.parametrize(
    ("why", "words"), [("forbidden", "public internet"), ("scheme", "https://"), ("kind", "iCalendar format"),
                       ("size", "5 MB"), ("time", "ten seconds"), ("events", "more entries"), ("heavy", "limits")],
)  # fmt: skip
def test_what_cannot_be_read_is_said_beside_the_field_and_what_was_typed_stays(
    page: FlaskClient, said: Elsewhere, why: str, words: str
) -> None:
    said.fails = CalendarUnread(why)
    refused = add(page)
    assert refused.status_code == 422
    error = refused.text.split('id="address-error"')[1][:300]
    assert words in error
    assert ADDRESS in refused.text
    assert 'value="Perso"' in refused.text


def test_a_failing_calendar_says_since_when_and_what_happens_then(
    page: FlaskClient, said: Elsewhere, clock: Any
) -> None:
    add(page)
    said.fails = CalendarUnread("time")
    for later, words in ((HOUR, "goes on counting"), (72 * HOUR, "more than 72 hours old")):
        clock.move(later)
        send(page, f"{PAGE}/read")
        text = page.get(PAGE).text
        assert "cannot be read since" in text
        assert words in text


def test_somebody_elses_calendar_is_not_there(page: FlaskClient, browser: Any, db: Database) -> None:
    add(page)
    with db.reading() as session:
        one = session.query(BusyCalendar).one().id
    stranger = browser(make.seller(db).person)
    for act in ("rename", "remove"):
        assert send(stranger, f"{PAGE}/{one}/{act}", {"name": "x"}).status_code == 404


def test_holidays_of_a_region_are_chosen_in_two_steps(page: FlaskClient) -> None:
    shown = send(page, f"{PAGE}/holidays", {"country": "DE", "show": "1"}, follow_redirects=True)
    assert "Bayern" in shown.text
    kept = send(page, f"{PAGE}/holidays", {"country": "DE", "region": "BY"}, follow_redirects=True)
    assert "Epiphany" in kept.text
    for forged in ({"country": "XX"}, {"country": "DE", "region": "nowhere", "shown": "DE"}):
        unknown = send(page, f"{PAGE}/holidays", forged)
        assert unknown.status_code == 422
        assert "from the list" in unknown.text
        assert "Epiphany" in unknown.text
    # The regions shown were Germany's: a country chosen beside them is taken whole.
    other = send(
        page, f"{PAGE}/holidays", {"country": "FR", "region": "BY", "shown": "DE"}, follow_redirects=True
    )
    assert "Bastille" in other.text or "National Day" in other.text


def rows(text: str) -> dict[str, str]:
    """Each line of the table: its starts, and the answer."""
    found = re.findall(r"<tr><td>(.*?)</td>.*?<td>(?:<[^>]+>)?([^<]*)<[^<]*</td></tr>", text)
    return dict(found)


def test_a_day_says_for_every_hour_why_it_is_not_offered(
    page: FlaskClient, said: Elsewhere, db: Database, seller: make.Seller
) -> None:
    day = (db.clock() + 7 * DAY).replace(hour=0)  # A Tuesday.
    said.times = ((day + 12 * HOUR, day + 13 * HOUR),)
    add(page)
    text = page.get(f"/en/expert/seen?day={day:%Y-%m-%d}&zone=Europe/Paris").text
    assert rows(text) == {
        "00:00–07:30": "Outside your hours, or too little of them is left",
        "08:00–10:00": "Offered",
        "10:30–13:30": "Busy, says Perso",
        "14:00–15:00": "Offered",
        "15:30–23:30": "Outside your hours, or too little of them is left",
    }
    far = page.get(f"/en/expert/seen?day={day:%Y-%m-%d}&zone=Asia/Singapore").text
    assert rows(far)["15:00–17:00"] == "Offered"
    assert "08:00–10:00" in far
    soon = page.get(f"/en/expert/seen?day={db.clock():%Y-%m-%d}&zone=Europe/Paris").text
    assert "Too soon" in soon
    for junk in ("?day=x", "?zone=Nowhere", "?offer=x", "?day=9999-12-31", "?day=0001-01-01"):
        assert page.get(f"/en/expert/seen{junk}").status_code == 200


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("en", "30 Nov, 17:00 – 1 Dec, 07:30", "08:00–15:00"),
        ("fr", "30 nov., 17 h 00 – 1er déc., 7 h 30", "8 h 00–15 h 00"),
    ],
)
def test_a_day_far_away_says_the_experts_own_date_where_it_is_another(
    page: FlaskClient, language: str, first: str, second: str
) -> None:
    """Tuesday 1 December in Singapore begins on Monday at 17:00 in Paris; from 7:00 on it is Tuesday here too."""
    text = page.get(f"/{language}/expert/seen?day=2026-12-01&zone=Asia/Singapore").text
    own = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<tr><td>.*?</td><td>(.*?)</td>", text)]
    assert [re.sub(r"\s+", " ", cell) for cell in own[:2]] == [first, second]
    at_home = page.get(f"/{language}/expert/seen?day=2026-12-01&zone=Europe/Paris").text
    assert "30 nov" not in re.findall(r"<tbody>(.*?)</tbody>", at_home, re.DOTALL)[0]


def test_the_yes_warns_when_the_calendar_is_busy_then_and_may_still_be_given(
    browser: Any, said: Elsewhere, db: Database
) -> None:
    made = make.booking(db, state="requested")
    page = browser(made.seller.person)
    add(page)
    booking = make.read(db, made)
    said.times, said.version = ((booking.starts_at + HOUR, booking.ends_at),), 2
    typed = {"charter": "1", "confidentiality": "1", "conflict": "1", "place": "https://meet.example.net/x"}
    path = f"/en/expert/bookings/{booking.reference}/accept"
    warned = send(page, path, typed)
    assert warned.status_code == 409
    assert "You are busy then, says Perso" in warned.text
    assert make.read(db, made).state == "requested"
    assert send(page, path, {**typed, "knows_busy": "1"}).status_code == 303
    assert make.read(db, made).state == "accepted"


def test_a_failing_calendar_waits_on_the_home_page(page: FlaskClient, said: Elsewhere) -> None:
    add(page)
    assert "cannot be read" not in page.get("/en/expert/").text
    said.fails = CalendarUnread("time")
    send(page, f"{PAGE}/read")
    assert "Your calendar “Perso” cannot be read" in page.get("/en/expert/").text

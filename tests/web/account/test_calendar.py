"""The private calendar address and the reminders, by their pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import icalendar
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.services import letters
from marketplace.storage.db import Database
from marketplace.storage.feeds import ReminderMail
from marketplace.storage.letters import Letter
from tests import factories as make
from tests.clock import FakeClock
from tests.queries import counting
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]
ADDRESS = re.compile(r"http://localhost:8000(/calendar/[\w-]{43}\.ics)")


def made_address(here: FlaskClient, **more: str) -> str:
    page = send(here, "/en/calendar/address", more)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    return str(ADDRESS.findall(page.text)[0])


def test_an_address_is_shown_once_read_by_anybody_who_has_it_and_taken_back(
    app: Flask, db: Database, browser: Browser
) -> None:
    made = make.booking(db, state="confirmed")
    here, program = browser(made.lead.person), app.test_client()
    path = made_address(here)
    assert not ADDRESS.search(here.get("/en/calendar").text)
    answer = program.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "Set-Cookie" not in answer.headers
    (event,) = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    assert event.decoded("dtstart") == make.read(db, made).starts_at
    second = made_address(here)
    assert program.get(path).status_code == 404
    assert program.get(second).status_code == 200
    assert send(here, "/en/calendar/revoke").status_code == 303
    assert program.get(second).status_code == 404


def test_what_has_not_changed_is_not_sent_again(
    app: Flask, db: Database, browser: Browser, clock: FakeClock
) -> None:
    made = make.booking(db, state="confirmed")
    path, program = made_address(browser(made.seller.person)), app.test_client()
    tag = program.get(path).headers["ETag"]
    clock.now += timedelta(hours=5)
    again = program.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "private, no-cache"
    make.booking(db, state="confirmed", of=made.seller, offer_of=made.offer, days_ahead=14)
    assert program.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_details_are_a_choice_that_keeps_the_address(app: Flask, db: Database, browser: Browser) -> None:
    made = make.booking(db, state="confirmed")
    here, program = browser(made.lead.person), app.test_client()
    path = made_address(here)
    assert "compteurs" not in program.get(path).text
    assert send(here, "/en/calendar/details", {"detailed": "1"}).status_code == 303
    assert "compteurs" in program.get(path).text
    assert " checked" in re.findall(r'id="detailed"[^>]*>', here.get("/en/calendar").text)[0]
    assert send(here, "/en/calendar/details").status_code == 303
    assert "compteurs" not in program.get(path).text


def test_reminders_are_chosen_on_the_page(db: Database, browser: Browser) -> None:
    lead = make.lead(db)
    here = browser(lead.person)
    assert here.get("/en/preferences").text.count("A week before, A day before, An hour before") == 1
    assert send(here, "/en/calendar/reminders", {"kinds": ["day", "x"]}).status_code == 303
    assert here.get("/fr/calendar").text.count('name="kinds" value="day" checked') == 1
    assert "Une semaine avant" not in here.get("/fr/preferences").text
    assert send(here, "/en/calendar/reminders").status_code == 303
    assert " checked" not in here.get("/fr/calendar").text


def test_a_link_in_a_mail_never_acts_and_one_click_does(app: Flask, db: Database, clock: FakeClock) -> None:
    made = make.booking(db, state="confirmed")
    clock.now = make.read(db, made).starts_at - timedelta(days=1)
    letters.remind(db, app.extensions["declic"].stationery)
    with db.reading() as session:
        token = session.scalars(
            sa.select(ReminderMail.token).where(ReminderMail.person_id == made.lead.person.id)
        ).one()
        raw = session.scalars(
            sa.select(Letter.message).where(
                Letter.person_id == made.lead.person.id, Letter.event == "reminder"
            )
        ).one()
    program, path = app.test_client(), f"/fr/reminders/{token}/day"
    assert f"<http://localhost:8000{path}>" in raw.decode()

    def off() -> list[str]:
        with db.reading() as session:
            return session.scalars(sa.select(ReminderMail.off).where(ReminderMail.token == token)).one()

    for _ in range(2):
        assert program.get(path).status_code == 200
        assert off() == []
    click = {"List-Unsubscribe": "One-Click"}
    assert program.post(path, data=click, headers={"Origin": "https://mail.example"}).status_code == 200
    assert off() == ["day"]
    assert program.post(f"/en/reminders/{token}/all", data=click).status_code == 200
    assert off() == ["week", "day", "hour"]
    assert program.get(f"/en/reminders/{token}/all").status_code == 200
    for wrong in (f"/en/reminders/{token}/month", "/en/reminders/nobody/day", f"/en/reminders/{token}x/day"):
        assert program.post(wrong).status_code == 404
        assert program.get(wrong).status_code == 404


def test_pages_cost_the_same_with_more_in_them(app: Flask, db: Database, browser: Browser) -> None:
    made = make.booking(db, state="confirmed")
    here = browser(made.seller.person)
    path = made_address(here)
    program, costs = app.test_client(), []
    for _ in range(2):
        with counting(db.engine) as counted:
            assert program.get(path).status_code == 200
            assert here.get("/en/calendar").status_code == 200
        costs.append(counted.number)
        make.booking(db, state="confirmed", of=made.seller, offer_of=made.offer, days_ahead=14)
    assert costs[0] == costs[1]

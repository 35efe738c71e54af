"""The hours page in a browser without a script: rows by buttons, nothing typed lost, each refusal beside its row."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.services.availability import hours_of
from marketplace.storage.db import Database
from tests import factories as make
from tests.web.conftest import send

NUMBERS = {"before_minutes": "15", "after_minutes": "15", "notice_hours": "48", "horizon_days": "60",
           "grid_minutes": "30", "per_day": "2", "per_week": ""}  # fmt: skip


@pytest.fixture
def seller(db: Database) -> make.Seller:
    return make.seller(db)


@pytest.fixture
def page(browser: Any, seller: make.Seller) -> FlaskClient:
    made: FlaskClient = browser(seller.person)
    return made


def post(page: FlaskClient, **more: Any) -> TestResponse:
    return send(page, "/en/expert/hours", {"zone": "Europe/Paris", **NUMBERS, **more})


def rows(*each: tuple[int, str, str]) -> dict[str, list[str]]:
    return {
        "weekly_day": [str(day) for day, _a, _b in each],
        "weekly_start": [a for _day, a, _b in each],
        "weekly_end": [b for _day, _a, b in each],
    }


def near(text: str, row: str) -> str:
    """What stands in a row."""
    return text.split(f'id="{row}"')[1][:400]


class TestRows:
    def test_add_remove_and_copy_keep_everything_typed(self, page: FlaskClient) -> None:
        typed = rows((1, "09:00", "12:34"), (1, "14:00", "x"), (6, "10:00", "13:00"))
        typed |= {
            "away_first": ["2027-01-04"],
            "away_last": [""],
            "other_day": [""],
            "other_start": ["7h"],
            "other_end": [""],
        }
        more = post(page, **typed, add="3")
        assert more.status_code == 200
        assert more.text.count('name="weekly_day"') == 4
        for value in ("12:34", 'value="x"', "2027-01-04", "7h", 'value="48"'):
            assert value in more.text
        less = post(page, **typed, remove="weekly-1")
        assert less.text.count('name="weekly_day"') == 2
        assert 'value="x"' not in less.text
        copied = post(
            page, **rows((1, "09:00", "12:00"), (2, "01:00", "02:00"), (6, "10:00", "13:00")), copy="1"
        )
        assert re.findall(r'name="weekly_day" value="(\d)"', copied.text) == ["1", "2", "3", "4", "5", "6"]
        assert "01:00" not in copied.text
        for name in ("away", "other"):
            assert f'id="{name}-1"' in post(page, **typed, add=name).text
            assert f'id="{name}-0"' not in post(page, **typed, remove=f"{name}-0").text

    @pytest.mark.parametrize(
        "press",
        [{"add": "9"}, {"add": "x"}, {"remove": "weekly-99"}, {"remove": "zone-0"}, {"remove": "weekly-" + "9" * 500},
         {"copy": "²"}, {"add": "²"}, {"remove": "weekly-²"}, {"show": "10000"}],
    )  # fmt: skip
    def test_buttons_nobody_made(self, page: FlaskClient, press: dict[str, str]) -> None:
        assert post(page, **rows((1, "09:00", "12:00")), **press).status_code in (200, 303)

    def test_one_save_keeps_it_all(self, page: FlaskClient, db: Database, seller: make.Seller) -> None:
        day = (db.clock() + timedelta(days=20)).date()
        answer = post(
            page, **rows((1, "9h", "12h30"), (5, "22:00", "02:00")), away_first=[day.isoformat()],
            away_last=[(day + timedelta(days=6)).isoformat()],
        )  # fmt: skip
        assert answer.status_code == 303
        with db.reading() as session:
            kept = hours_of(session, seller.expert.id)
        assert (len(kept.weekly), len(kept.dated), kept.notice_hours, kept.per_day) == (2, 7, 48, 2)
        shown = page.get("/en/expert/hours").text
        assert shown.count('name="away_first"') == 1
        assert "the next day" in shown


class TestRefused:
    @pytest.mark.parametrize(
        ("row", "words", "typed"),
        [
            ("weekly-1", "overlap", rows((1, "09:00", "12:00"), (1, "11:00", "13:00"))),
            ("weekly-1", "overlap", rows((7, "22:00", "03:00"), (1, "02:00", "05:00"))),
            ("weekly-0", "A range ends after it begins", rows((2, "17:00", "09:00"))),
            ("weekly-0", "such as 09:30", rows((2, "25:99", "09:00"))),
            ("away-0", "has passed", {"away_first": ["2001-01-01"], "away_last": [""]}),
            ("away-0", "day, a month and a year", {"away_first": ["<script>"], "away_last": [""]}),
            ("away-1", "listed twice", {"away_first": ["2026-12-24"] * 2, "away_last": [""] * 2}),
            ("per_day", "from 1 to 8", {"per_day": "0"}),
            ("horizon_days", "from 1 to 60", {"horizon_days": "999999"}),
            ("before_minutes", "from 0 to 240", {"before_minutes": "a lot"}),
            ("zone", "Choose a time zone", {"zone": "Mars/Olympus"}),
        ],
    )  # fmt: skip
    def test_beside_the_row_with_what_was_typed(
        self,
        page: FlaskClient,
        db: Database,
        seller: make.Seller,
        row: str,
        words: str,
        typed: dict[str, Any],
    ) -> None:
        if "2026" in str(typed):
            day = (db.clock() + timedelta(days=9)).date().isoformat()
            typed = {"away_first": [day] * 2, "away_last": [""] * 2}
        answer = post(page, **{**rows((4, "06:06", "09:09")), **typed})
        assert answer.status_code == 422
        assert words in answer.text.split(f'id="{row}-error"')[1][:200]
        assert "<title>Error: " in answer.text
        assert "<script>" not in answer.text.replace('<script type="module"', "")
        for value in typed.values():
            for one in [value] if isinstance(value, str) else value:
                assert one.replace("<", "&lt;").replace(">", "&gt;") in answer.text or one == "Mars/Olympus"
        with db.reading() as session:
            assert len(hours_of(session, seller.expert.id).weekly) == 5

    def test_two_hundred_weekly_ranges(self, page: FlaskClient) -> None:
        many = [
            (
                1 + n % 7,
                f"{n // 14:02d}:{30 * (n // 7 % 2):02d}",
                f"{n // 14:02d}:{30 * (n // 7 % 2) + 15:02d}",
            )
            for n in range(200)
        ]
        answer = post(page, **rows(*many))
        assert answer.status_code == 422
        assert "At most 50 ranges" in answer.text.split('id="weekly-50-error"')[1][:200]
        assert answer.text.count('name="weekly_day"') == 200


class TestZone:
    def test_a_new_zone_says_what_happens_before_it_is_kept(
        self, page: FlaskClient, db: Database, seller: make.Seller
    ) -> None:
        typed = rows((1, "09:00", "17:00")) | {"zone": "America/New_York"}
        asked = post(page, **typed)
        assert asked.status_code == 200
        assert "opens at 09:00 in New York" in asked.text
        with db.reading() as session:
            assert hours_of(session, seller.expert.id).zone == "Europe/Paris"
        assert post(page, **typed, zone_seen="America/New_York").status_code == 303
        with db.reading() as session:
            assert hours_of(session, seller.expert.id).zone == "America/New_York"


def test_another_window_is_not_overwritten_unseen(
    page: FlaskClient, db: Database, seller: make.Seller
) -> None:
    seen = re.search(r'name="seen" value="(\w+)"', page.get("/en/expert/hours").text)
    assert seen
    assert post(page, **rows((1, "09:00", "17:00")), seen=seen[1]).status_code == 303
    late = post(page, **rows((2, "07:07", "17:00")), seen=seen[1])
    assert late.status_code == 409
    assert "Another window saved this meanwhile" in late.text
    assert "07:07" in late.text
    again = re.search(r'name="seen" value="(\w+)"', late.text)
    assert again
    assert post(page, **rows((2, "07:07", "17:00")), seen=again[1]).status_code == 303


class TestWhatABuyerSees:
    def test_follows_what_stands_in_the_form(self, page: FlaskClient) -> None:
        shown = post(page, **rows((2, "09:00", "13:00")), show="240")
        seen = shown.text.split('class="seen"')[1]
        assert "1 slot" in seen
        assert "not kept yet" in shown.text
        assert (
            "1 slot"
            not in post(page, **rows((2, "09:00", "12:45")), show="240").text.split('class="seen"')[1]
        )

    def test_a_form_that_cannot_be_read_shows_what_is_kept(self, page: FlaskClient) -> None:
        shown = post(page, **rows((2, "x", "y")), show="180")
        assert shown.status_code == 200
        assert "As kept" in shown.text

    def test_costs_the_same_with_more(
        self, page: FlaskClient, db: Database, seller: make.Seller, count_queries: Any
    ) -> None:
        def cost() -> int:
            with count_queries() as counted:
                assert page.get("/en/expert/hours").status_code == 200
            return int(counted.number)

        before = cost()
        for days in (9, 12, 16):
            make.booking(db, state="confirmed", of=seller, days_ahead=days)
        assert cost() == before


def test_applicants_have_it_too(browser: Any, db: Database) -> None:
    page = browser(make.seller(db, status="applying").person)
    assert page.get("/fr/expert/hours").status_code == 200
    assert post(page, **rows((1, "09:00", "17:00"))).status_code == 303
    text = page.get("/en/expert/hours").text
    assert "/en/expert/application" in text.partition("<h1")[0].partition("<main")[2]
    assert "Nobody sees a slot yet" not in text


def test_who_cannot_be_paid_yet_reads_that_nobody_sees_a_slot(browser: Any, db: Database) -> None:
    seller = make.seller(db, account_status="pending")
    make.offer(db, seller.expert)
    page = browser(seller.person)
    assert "Nobody sees a slot yet" in page.get("/en/expert/hours").text
    assert "none, until your payout account is ready" in page.get("/en/expert/").text

"""What the pages write, to the exact space."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from markupsafe import Markup

from marketplace.web.formats import amounts, places, times, words

N = "\u202f"
B = "\u00a0"
PARIS, REUNION = "Europe/Paris", "Indian/Reunion"
TUESDAY = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)


@contextmanager
def spoken(language: str) -> Iterator[None]:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context(), force_locale(language):
        yield


@pytest.mark.parametrize(
    ("language", "minor", "whole", "rounded"),
    [
        ("fr", 120_000, f"1{N}200,00{N}€", f"1{N}200{N}€"),
        ("en", 120_000, "€1,200.00", "€1,200"),
        ("fr", 1_234_567_89, f"1{N}234{N}567,89{N}€", f"1{N}234{N}567,89{N}€"),
        ("fr", 5, f"0,05{N}€", f"0,05{N}€"),
        ("fr", -2_315, f"−23,15{N}€", f"−23,15{N}€"),
        ("en", -2_315, "−€23.15", "−€23.15"),
        ("en", 0, "€0.00", "€0"),
    ],
)
def test_amounts(language: str, minor: int, whole: str, rounded: str) -> None:
    with spoken(language):
        assert amounts.money(minor) == whole
        assert amounts.money_round(minor) == rounded


def test_rates_and_figures() -> None:
    with spoken("fr"):
        assert amounts.rate(1_000) == f"10{N}%"
        assert amounts.rate(550) == f"5,5{N}%"
        assert amounts.decimal(4.5) == "4,5"
        assert amounts.decimal(4.0) == "4"
    with spoken("en"):
        assert amounts.rate(550) == "5.5%"


def test_days_in_french_raise_the_first() -> None:
    first = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    with spoken("fr"):
        assert times.day(first, PARIS) == Markup(f"mar. 1<sup>er</sup>{B}déc. 2026")
        assert times.day_long(TUESDAY, PARIS) == f"mardi 8{B}décembre 2026"
        assert times.moment(TUESDAY, PARIS) == f"mardi 8{B}décembre 2026, 14{N}h{N}00"
    with spoken("en"):
        assert times.day(first, PARIS) == f"Tue 1{B}Dec 2026"
        assert times.moment(TUESDAY, PARIS) == f"Tuesday 8{B}December 2026, 14:00"


def test_the_day_is_the_readers() -> None:
    late = datetime(2026, 12, 7, 22, 30, tzinfo=UTC)
    with spoken("fr"):
        assert times.day_short(late, PARIS).startswith("lun. 7")
        assert times.day_short(late, REUNION).startswith("mar. 8")


def test_a_span_names_the_day_after() -> None:
    start = datetime(2026, 12, 7, 21, 0, tzinfo=UTC)
    with spoken("fr"):
        assert times.span(start, start + timedelta(hours=3), "Europe/London").endswith(
            f"0{N}h{N}00{N}(+1{N}j)"
        )
        assert times.span(TUESDAY, TUESDAY + timedelta(hours=3), PARIS) == f"14{N}h{N}00{N}–{N}17{N}h{N}00"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (PARIS, "heure de Paris"),
        ("Europe/Athens", "heure d’Athènes"),
        ("Africa/Cairo", "heure du Caire"),
        (REUNION, "heure de La Réunion"),
    ],
)
def test_zones_by_their_city(zone: str, words: str) -> None:
    with spoken("fr"):
        assert places.zone_hour(zone) == words


def test_offsets_follow_the_season() -> None:
    with spoken("fr"):
        assert places.zone_offset(PARIS, TUESDAY) == "UTC+1"
        assert places.zone_offset(PARIS, datetime(2026, 7, 1, tzinfo=UTC)) == "UTC+2"
        assert places.zone_offset("America/St_Johns", TUESDAY) == "UTC−3:30"
        assert places.same_hours(PARIS, "Europe/Berlin", TUESDAY)
        assert not places.same_hours(PARIS, REUNION, TUESDAY)


def test_lengths() -> None:
    with spoken("fr"):
        assert times.duration(210) == f"3{N}h{N}30"
        assert times.duration(45) == f"45{N}min"
        assert times.elapsed(0) == f"0{N}h"
        assert times.session_length(210) == f"3{N}h{N}30"
    with spoken("en"):
        assert times.session_length(210) == "3½-hour"
        assert times.session_length(180) == "3-hour"


def test_weeks() -> None:
    with spoken("fr"):
        assert times.week_span(date(2026, 12, 7), date(2026, 12, 13)) == f"Du 7 au 13{B}décembre 2026"
        assert (
            times.week_span(date(2026, 11, 30), date(2026, 12, 6)) == f"Du 30{B}novembre au 6{B}décembre 2026"
        )


def test_languages_are_joined() -> None:
    with spoken("fr"):
        assert places.in_languages(["en", "fr"]) == "En anglais ou en français"
    with spoken("en"):
        assert places.in_languages(["en", "fr"]) == "In English or French"


def test_a_time_without_a_zone_is_refused() -> None:
    with spoken("fr"), pytest.raises(ValueError, match="without a zone"):
        times.clock_time(datetime(2026, 12, 8, 14, 0), PARIS)


def test_marks_escape_what_people_wrote() -> None:
    assert words.marked([("<b>", False), ("a & b", True)]) == Markup("&lt;b&gt;<mark>a &amp; b</mark>")


def test_initials() -> None:
    assert words.initials("Sophie-Anh Trémolier") == "ST"
    assert words.initials("Inès Belhadj-Maurin") == "IB"
    assert words.initials("Zoé") == "Z"


def test_minutes_left_round_up_and_never_below_zero() -> None:
    assert times.minutes_left(TUESDAY + timedelta(seconds=61), TUESDAY) == 2
    assert times.minutes_left(TUESDAY, TUESDAY + timedelta(hours=1)) == 0

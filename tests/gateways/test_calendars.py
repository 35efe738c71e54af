"""What calendars of others say: each kind of entry, and files made to break us."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.gateways.calendars import AHEAD, CalendarUnread
from marketplace.gateways.calendars_holidays import HolidaysPackage
from marketplace.gateways.calendars_icalendar import IcalendarReader, set_aside, worked_out
from marketplace.gateways.fetch import Fetched

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n"


def file(*entries: str, head: str = "") -> bytes:
    parts = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}@elsewhere\r\n{entry}\r\nEND:VEVENT\r\n" for n, entry in enumerate(entries)
    )
    return f"{HEAD}{head}{parts}END:VCALENDAR\r\n".encode()


def said(body: bytes, zone: str = "Europe/Paris") -> tuple[list[str], int]:
    """Busy times as UTC texts, and how many entries were not understood."""
    found = worked_out(set_aside(body, NOW), zone=zone, now=NOW, own="declic.example")
    assert "why" not in found, found
    times = [
        f"{datetime.fromtimestamp(a, UTC):%m-%d %H:%M}>{datetime.fromtimestamp(b, UTC):%m-%d %H:%M}"
        for a, b in found["times"]
    ]
    return times, found["unreadable"]


@pytest.mark.parametrize(
    ("entry", "times"),
    [
        ("DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z", ["11-25 09:00>11-25 10:00"]),
        ("DTSTART;TZID=America/New_York:20261125T090000\r\nDURATION:PT1H", ["11-25 14:00>11-25 15:00"]),
        ("DTSTART:20261125T090000\r\nDTEND:20261125T100000", ["11-25 08:00>11-25 09:00"]),
        ("DTSTART;VALUE=DATE:20261125\r\nDTEND;VALUE=DATE:20261126", ["11-24 23:00>11-25 23:00"]),
        ("DTSTART;VALUE=DATE:20261125", ["11-24 23:00>11-25 23:00"]),
        ("DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nTRANSP:TRANSPARENT", []),
        ("DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nSTATUS:CANCELLED", []),
        ("DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nSTATUS:TENTATIVE", ["11-25 09:00>11-25 10:00"]),
        ("DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nUID:x@declic.example", []),
        ("DTSTART:20261125T090000Z", []),
        ("DTSTART:20251125T090000Z\r\nDTEND:20251125T100000Z", []),
        ("DTSTART:20251125T090000Z\r\nDTEND:20271125T100000Z", ["11-23 08:00>01-26 08:00"]),
    ],
)  # fmt: skip
def test_each_kind_of_entry(entry: str, times: list[str]) -> None:
    assert said(file(entry).replace(b"UID:0@elsewhere\r\n", b"" if "UID" in entry else b"UID:0@e\r\n")) == (
        times,
        0,
    )


def test_published_busy_times_are_read_and_free_ones_are_not() -> None:
    """VFREEBUSY (RFC 5545 3.6.4): periods by end or by length, several on a line, each line with its kind."""
    part = (
        "BEGIN:VFREEBUSY\r\nUID:fb@elsewhere\r\nDTSTAMP:20261120T000000Z\r\n"
        "FREEBUSY:20261125T090000Z/20261125T100000Z,20261125T130000Z/PT2H\r\n"
        "FREEBUSY;FBTYPE=FREE:20261126T090000Z/20261126T100000Z\r\n"
        "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261127T090000Z/PT1H\r\n"
        "FREEBUSY:20251125T090000Z/PT1H\r\nEND:VFREEBUSY\r\n"
    )
    assert said(file(head=part)) == (
        ["11-25 09:00>11-25 10:00", "11-25 13:00>11-25 15:00", "11-27 09:00>11-27 10:00"], 0,
    )  # fmt: skip


def test_what_recurs_is_expanded_over_the_days_wanted_with_its_exceptions() -> None:
    weekly = (
        "DTSTART;TZID=Europe/Paris:20240102T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY\r\n"
        "EXDATE;TZID=Europe/Paris:20261201T090000"
    )
    moved = b"BEGIN:VEVENT\r\nUID:0@elsewhere\r\nRECURRENCE-ID;TZID=Europe/Paris:20261208T090000\r\nDTSTART;TZID=Europe/Paris:20261209T100000\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
    body = file(weekly).replace(b"END:VCALENDAR", moved + b"END:VCALENDAR")
    times, _ = said(body)
    assert times[:3] == ["11-24 08:00>11-24 09:00", "12-09 09:00>12-09 10:00", "12-15 08:00>12-15 09:00"]
    assert len(times) == 8


def test_a_recurring_time_keeps_its_wall_clock_across_a_change() -> None:
    body = file("DTSTART;TZID=America/New_York:20200101T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY")
    march = datetime(2026, 3, 1, tzinfo=UTC)
    found = worked_out(body, zone="UTC", now=march, own="x")["times"]
    hours = {datetime.fromtimestamp(a, UTC).hour for a, _ in found}
    assert hours == {14, 13}


def test_whole_days_are_the_calendars_own_where_it_names_a_zone() -> None:
    body = file("DTSTART;VALUE=DATE:20261125", head="X-WR-TIMEZONE:Asia/Tokyo\r\n")
    assert said(body)[0] == ["11-24 15:00>11-25 15:00"]
    wrong = file("DTSTART;VALUE=DATE:20261125", head="X-WR-TIMEZONE:Nowhere/../../etc\r\n")
    assert said(wrong)[0] == ["11-24 23:00>11-25 23:00"]


def test_times_are_merged_and_folded_lines_and_broken_letters_are_read() -> None:
    body = file(
        "DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nSUMMARY:a\r\n b",
        "DTSTART:20261125T0930\r\n 00Z\r\nDTEND:20261125T110000Z",
    ).replace(b"SUMMARY:a", b"SUMMARY:\xff\xfe\xe9")
    assert said(b"\xef\xbb\xbf" + body) == (["11-25 09:00>11-25 11:00"], 0)
    assert said(body.replace(b"\r\n", b"\n")) == (["11-25 09:00>11-25 11:00"], 0)


def test_an_entry_nobody_understands_is_counted_and_the_others_stand() -> None:
    good = "DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z"
    for bad in ("DTSTART:yesterday", "SUMMARY:no start", "DTSTART:20261126T090000Z\r\nRRULE:FREQ=NEVER"):
        times, unreadable = said(file(good, bad))
        assert "11-25 09:00>11-25 10:00" in times
        assert unreadable == 1 or bad.endswith("NEVER")


class Says:
    """An address that always gives the same."""

    def __init__(self, body: bytes | None) -> None:
        self.body = body

    def __call__(self, address: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        return Fetched(self.body, '"a"', "")


def read(body: bytes | None):
    return IcalendarReader(Says(body), own_host="declic.example")("x", zone="Europe/Paris", now=NOW)


def test_the_child_answers_as_the_function_does() -> None:
    found = read(file("DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z"))
    assert found is not None
    assert found.times == ((datetime(2026, 11, 25, 9, tzinfo=UTC), datetime(2026, 11, 25, 10, tzinfo=UTC)),)
    assert found.etag == '"a"'
    assert read(None) is None


def test_files_made_to_break_us_end_soon_with_a_name() -> None:
    many = ["DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z"] * 100_000
    daily = "DTSTART:19000101T090000Z\r\nDURATION:PT1M\r\nRRULE:FREQ=HOURLY;BYMINUTE=" + ",".join(
        map(str, range(60))
    )
    for body, why in (
        (b"<html>log in</html>", "kind"),
        (b"", "kind"),
        (b"\x00" * 1000, "kind"),
        (file(*many), "events"),
        (file("DTSTART:20200101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY"), "events"),
        (file(*[daily] * 50), "heavy"),
    ):
        begun = time.monotonic()
        with pytest.raises(CalendarUnread) as caught:
            read(body)
        assert caught.value.why == why or {caught.value.why, why} <= {"events", "heavy"}
        assert time.monotonic() - begun < 40


def test_years_of_past_meetings_are_set_aside_before_they_cost() -> None:
    past = ["DTSTART:20201125T090000Z\r\nDTEND:20201125T100000Z"] * 60_000
    begun = time.monotonic()
    found = read(file(*past, "DTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z"))
    assert found is not None
    assert len(found.times) == 1
    assert time.monotonic() - begun < 10


def test_endless_recurrence_stops_where_the_days_wanted_end() -> None:
    found = read(file("DTSTART:20000101T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY"))
    assert found is not None
    assert found.times[-1][1] <= NOW + AHEAD
    assert len(found.times) == 64


def test_public_holidays_of_a_country_and_a_region() -> None:
    known = HolidaysPackage()
    assert {"FR", "DE", "SG"} <= set(known.countries())
    assert date(2027, 7, 14) in known.days("FR", "", 2026, 2027, "fr")
    assert known.days("DE", "BY", 2026, 2026, "fr")[date(2026, 1, 6)]
    assert date(2026, 1, 6) not in known.days("DE", "BE", 2026, 2026, "fr")
    assert dict(known.regions("DE"))["BY"] == "Bayern"
    for unknown in (("XX", ""), ("FR", "nowhere"), ("", "")):
        assert known.days(*unknown, 2026, 2026, "en") == {}
    assert timedelta(0) < AHEAD

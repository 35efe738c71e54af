"""Calendar files, read back by the package calendars use, and by eye where a standard counts octets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest

from marketplace.gateways.invitations import Guest, Meeting
from marketplace.gateways.invitations_icalendar import IcalendarInvitations

START = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WRITE = IcalendarInvitations(organiser_name="Déclic", organiser_email="noreply@declic.example")
CAMILLE = Guest("Camille Roy", "camille.roy@eaux.example", "Europe/Paris")
MEETING = Meeting(
    uid="0199c5e0-0000-7000-8000-000000000001@declic.example",
    start=START,
    end=START + timedelta(hours=3),
    summary="Séance avec Solène Castagnères",
    description="Poser 38\u202f000 compteurs, malgré pancartes; refus de porte\n\nhttps://declic.example/fr/s/x",
    location="https://meet.example.com/solene",
    url="https://declic.example/fr/s/x",
)


def written(
    meeting: Meeting = MEETING, guest: Guest = CAMILLE, method: Any = "REQUEST", sequence: int = 0
) -> bytes:
    return WRITE(meeting, guest, method, sequence, stamped=NOW)


def event_of(file: bytes) -> icalendar.Event:
    calendar = icalendar.Calendar.from_ical(file)
    (event,) = calendar.walk("VEVENT")
    return event


def test_a_reader_finds_the_session_in_the_guests_own_zone() -> None:
    event = event_of(written())
    assert event.decoded("dtstart") == START
    assert event.decoded("dtend") == START + timedelta(hours=3)
    assert event["dtstart"].params["TZID"] == "Europe/Paris"
    assert event.decoded("dtstart").hour == 14
    assert str(event["summary"]) == MEETING.summary
    assert str(event["description"]) == MEETING.description
    assert str(event["location"]) == MEETING.location
    assert str(event["status"]) == "CONFIRMED"


def test_only_oneself_attends_and_the_platform_organises() -> None:
    event = event_of(written())
    assert not isinstance(event["attendee"], list)
    assert event["attendee"] == f"mailto:{CAMILLE.email}"
    assert event["attendee"].params["CN"] == CAMILLE.name
    assert event["organizer"] == "mailto:noreply@declic.example"


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "Indian/Reunion", "America/New_York", "Australia/Lord_Howe"]
)
def test_the_zone_is_in_the_file(zone: str) -> None:
    calendar = icalendar.Calendar.from_ical(written(guest=replace(CAMILLE, zone=zone)))
    (rules,) = calendar.walk("VTIMEZONE")
    assert rules["tzid"] == zone
    # The rules alone, without the reader's own tables, give the session's offset.
    offset = START.astimezone(rules.to_tz(lookup_tzid=False)).utcoffset()
    assert offset == event_of(written(guest=replace(CAMILLE, zone=zone))).decoded("dtstart").utcoffset()


def test_taking_it_back_names_the_same_meeting_with_a_higher_sequence() -> None:
    first, last = written(), written(method="CANCEL", sequence=1)
    assert icalendar.Calendar.from_ical(first)["method"] == "REQUEST"
    assert icalendar.Calendar.from_ical(last)["method"] == "CANCEL"
    assert event_of(first)["uid"] == event_of(last)["uid"] == MEETING.uid
    assert int(event_of(first)["sequence"]) < int(event_of(last)["sequence"])
    assert str(event_of(last)["status"]) == "CANCELLED"


def test_lines_end_and_fold_as_the_standard_says() -> None:
    file = written(replace(MEETING, summary="é" * 200, description="x" * 300))
    assert b"\n" not in file.replace(b"\r\n", b"")
    assert file.endswith(b"\r\n")
    assert max(len(line) for line in file.split(b"\r\n")) <= 75
    for line in file.split(b"\r\n"):
        line.decode("utf-8")  # No fold cuts a character in two.
    assert str(event_of(file)["summary"]) == "é" * 200


@pytest.mark.parametrize(
    "evil", ["x\r\nATTENDEE:mailto:eve@evil.example", 'x";CN="y', "x\nEND:VEVENT", "a;b,c\\d:e", "x\x07y"]
)
def test_nothing_a_person_wrote_becomes_a_property(evil: str) -> None:
    meeting = replace(MEETING, summary=evil, location=evil, description=evil)
    file = written(meeting, replace(CAMILLE, name=evil))
    plain = event_of(written())
    event = event_of(file)
    assert set(event.keys()) == set(plain.keys())
    assert event["attendee"] == f"mailto:{CAMILLE.email}"
    assert len(icalendar.Calendar.from_ical(file).walk("VEVENT")) == 1
    assert set(event["attendee"].params) == set(plain["attendee"].params)

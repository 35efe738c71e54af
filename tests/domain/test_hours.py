"""Hours: what is accepted never overlaps and comes back as it went in; what is not is refused by its row."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.availability import Availability, DatedHours, WeeklyHours, open_windows
from marketplace.domain.errors import HoursRefused
from marketplace.domain.hours import (
    LONGEST_OVERNIGHT,
    MOST_DATED,
    MOST_WEEKLY,
    NUMBERS,
    Hours,
    Typed,
    as_typed,
    past_midnight,
    read_clock,
    read_hours,
)

# A Tuesday.
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
PLAIN = {"before_minutes": "0", "after_minutes": "0", "notice_hours": "24", "horizon_days": "60",
         "grid_minutes": "30", "per_day": "", "per_week": ""}  # fmt: skip


def typed(**more: Any) -> Typed:
    numbers = PLAIN | more.pop("numbers", {})
    return Typed(**({"zone": "Europe/Paris", "numbers": numbers} | more))


def problems(given_: Typed) -> dict[str, str]:
    with pytest.raises(HoursRefused) as refused:
        read_hours(given_, NOW)
    return {one.row: one.why for one in refused.value.facts["problems"]}


clocks = st.sampled_from(["00:00", "01:30", "08:00", "09:30", "12:00", "14:15", "18:00", "22:00", "23:45"])
days_ahead = st.integers(0, 20).map(lambda n: (TODAY + timedelta(days=n)).isoformat())
forms = st.builds(
    typed,
    weekly=st.lists(st.tuples(st.integers(1, 7), clocks, clocks), max_size=7).map(tuple),
    away=st.lists(st.tuples(days_ahead, st.one_of(st.just(""), days_ahead)), max_size=2).map(tuple),
    other=st.lists(st.tuples(days_ahead, clocks, clocks), max_size=4).map(tuple),
    numbers=st.fixed_dictionaries(
        {"before_minutes": st.sampled_from(["0", "45"]), "per_day": st.sampled_from(["", "2"])}
    ),
)


def spans(hours: Hours, first: date, count: int) -> list[tuple[datetime, datetime]]:
    """Every range of these days as wall-clock times, in order."""
    dated = {one.day: one.ranges for one in hours.dated}
    found = []
    for n in range(count):
        day = first + timedelta(days=n)
        weekly = [(a, b) for on, a, b in hours.weekly if on == day.isoweekday()]
        for start, end in dated.get(day, weekly):
            begin = datetime.combine(day, start)
            over = day + timedelta(days=1) if end <= start else day
            found.append((begin, datetime.combine(over, end)))
    return sorted(found)


class TestWhatIsAccepted:
    @given(forms)
    def test_never_overlaps_and_round_trips(self, form: Typed) -> None:
        try:
            hours = read_hours(form, NOW)
        except HoursRefused as refused:
            assert refused.facts["problems"]
            return
        around = spans(hours, TODAY - timedelta(days=8), 45)
        dated = {one.day for one in hours.dated if one.ranges}
        for one, later in pairwise(around):
            assert one[1] <= later[0], (one, later, dated)
            assert timedelta(0) < one[1] - one[0] <= timedelta(days=1)
        assert read_hours(as_typed(hours, TODAY), NOW) == hours

    @given(forms)
    def test_opens_what_it_says(self, form: Typed) -> None:
        """The sum of the hours open in a week without clock change is the sum of what was typed."""
        try:
            hours = read_hours(form, NOW)
        except HoursRefused:
            return
        zone = ZoneInfo("Europe/Paris")
        window = tuple(
            datetime.combine(TODAY + timedelta(days=30 + n), time(12), zone).astimezone(UTC) for n in (0, 7)
        )
        rules = Availability(
            zone=hours.zone,
            weekly=tuple(WeeklyHours(frozenset({day}), a, b) for day, a, b in hours.weekly),
            dated=hours.dated,
        )
        opened = sum((end - start for start, end in open_windows(rules, window)), timedelta())  # type: ignore[arg-type]
        said = sum((end - start for start, end in spans(hours, date(2027, 1, 4), 7)), timedelta())
        assert opened == said


@pytest.mark.parametrize(
    ("text", "clock"),
    [("09:30", time(9, 30)), ("9h30", time(9, 30)), ("9 h", time(9)), ("9", time(9)), ("0930", time(9, 30)), ("930", time(9, 30)), ("12345", None), ("24:00", time(0)),
     ("25:00", None), ("9:75", None), ("-1:00", None), ("", None), ("<b>9</b>", None), ("９:00", time(9)), ("09:30:00", None)],
)  # fmt: skip
def test_clocks(text: str, clock: time | None) -> None:
    assert read_clock(text) == clock


class TestWeekly:
    def test_too_many(self) -> None:
        rows = (
            tuple((1 + n % 7, f"{n // 7:02d}:00", f"{n // 7:02d}:30") for n in range(150))
            + ((1, "23:00", "23:15"),) * 50
        )
        assert problems(typed(weekly=rows))[f"weekly-{MOST_WEEKLY}"] == "too_many"

    def test_as_many_as_may_be(self) -> None:
        rows = tuple((1 + n % 7, f"{n // 7:02d}:00", f"{n // 7:02d}:30") for n in range(MOST_WEEKLY))
        assert len(read_hours(typed(weekly=rows), NOW).weekly) == MOST_WEEKLY

    @pytest.mark.parametrize(
        ("rows", "wrong"),
        [
            (((1, "09:00", "12:00"), (1, "11:00", "13:00")), {"weekly-1": "overlap"}),
            (((1, "09:00", "12:00"), (1, "09:00", "12:00")), {"weekly-1": "overlap"}),
            (((1, "22:00", "02:00"), (2, "01:00", "05:00")), {"weekly-1": "overlap"}),
            (((7, "22:00", "02:00"), (1, "01:00", "05:00")), {"weekly-1": "overlap"}),
            (((1, "14:00", "09:00"),), {"weekly-0": "empty"}),
            (((1, "17:00", "09:00"),), {"weekly-0": "empty"}),
            (((1, "09:00", "09:00"),), {"weekly-0": "empty"}),
            (((1, "25:00", "26:00"),), {"weekly-0": "grid"}),
            (((1, "09:00", ""),), {"weekly-0": "grid"}),
            (((9, "09:00", "12:00"),), {"weekly-0": "date"}),
        ],
    )
    def test_refused_by_row(self, rows: Any, wrong: dict[str, str]) -> None:
        assert problems(typed(weekly=rows)) == wrong

    @pytest.mark.parametrize(
        "rows",
        [
            ((1, "09:00", "12:00"), (1, "12:00", "13:00")),
            ((7, "22:00", "00:00"), (1, "00:00", "05:00")),
            ((7, "22:00", "06:00"), (1, "06:00", "12:00")),
            ((1, "00:00", "00:00"),),
            ((1, "", ""), (2, "08:00", "24:00")),
        ],
    )
    def test_taken(self, rows: Any) -> None:
        assert read_hours(typed(weekly=rows), NOW)

    def test_past_midnight_is_said_and_bounded(self) -> None:
        assert past_midnight(time(22), time(2))
        assert not past_midnight(time(22), time(0))
        assert LONGEST_OVERNIGHT == 720


class TestDated:
    @pytest.mark.parametrize(
        ("more", "wrong"),
        [
            ({"away": (("2026-11-23", ""),)}, {"away-0": "past"}),
            ({"away": (("2029-11-23", ""),)}, {"away-0": "far"}),
            ({"away": (("2026-13-40", ""),)}, {"away-0": "date"}),
            ({"away": (("", "2026-12-24"),)}, {"away-0": "date"}),
            ({"away": (("2026-12-24", "2026-12-20"),)}, {"away-0": "order"}),
            ({"away": (("2026-12-20", "2026-12-24"), ("2026-12-24", ""))}, {"away-1": "twice"}),
            ({"away": (("2026-12-24", ""),), "other": (("2026-12-24", "09:00", "12:00"),)}, {"other-0": "twice"}),
            ({"other": (("2026-12-24", "09:00", "12:00"), ("2026-12-24", "11:00", "13:00"))}, {"other-1": "overlap"}),
            ({"other": (("2026-12-24", "22:00", "02:00"), ("2026-12-25", "01:00", "03:00"))}, {"other-1": "overlap"}),
            # Thursday's own hours run into Friday's weekly ones; Wednesday's weekly ones into Thursday's own.
            ({"weekly": ((5, "01:00", "05:00"),), "other": (("2026-12-24", "22:00", "02:00"),)}, {"other-0": "overlap"}),
            ({"weekly": ((3, "22:00", "06:00"),), "other": (("2026-12-24", "05:00", "09:00"),)}, {"other-0": "overlap"}),
            ({"away": (("2026-12-01", "2027-12-01"),)}, {"away-0": "too_many"}),
        ],
    )  # fmt: skip
    def test_refused_by_row(self, more: dict[str, Any], wrong: dict[str, str]) -> None:
        assert problems(typed(**more)) == wrong

    def test_a_day_away_lets_what_ran_past_midnight_stand(self) -> None:
        more = {"weekly": ((5, "01:00", "05:00"),), "other": (("2026-12-24", "22:00", "02:00"),)}
        assert read_hours(typed(**more, away=(("2026-12-25", ""),)), NOW)  # type: ignore[arg-type]

    def test_whole_weeks_come_back_as_one_row(self) -> None:
        hours = read_hours(typed(away=(("2026-12-21", "2027-01-03"), ("2027-02-01", ""))), NOW)
        assert len(hours.dated) == 15
        assert as_typed(hours, TODAY).away == (("2026-12-21", "2027-01-03"), ("2027-02-01", ""))

    def test_what_has_passed_is_left_out_of_the_form(self) -> None:
        hours = Hours(
            "Europe/Paris", dated=(DatedHours(TODAY - timedelta(days=1), ()), DatedHours(TODAY, ()))
        )
        assert as_typed(hours, TODAY).away == ((TODAY.isoformat(), ""),)

    def test_today_is_the_experts_own(self) -> None:
        form = typed(zone="Pacific/Auckland", away=(("2026-11-24", ""),))
        late = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # Wednesday there already.
        with pytest.raises(HoursRefused) as refused:
            read_hours(form, late)
        assert refused.value.facts["why"] == "past"

    def test_the_limit_counts_days(self) -> None:
        assert MOST_DATED == 200


@pytest.mark.parametrize("name", list(NUMBERS))
@pytest.mark.parametrize("text", ["-1", "1000000000000", "ten", "4.5", "１２３４５６７", "0x10", "9999"])
def test_nonsense_numbers(name: str, text: str) -> None:
    assert problems(typed(numbers={name: text})) == {name: "number"}


@pytest.mark.parametrize("text", ["20", "45", ""])
def test_only_three_grids(text: str) -> None:
    assert problems(typed(numbers={"grid_minutes": text})) == {"grid_minutes": "number"}


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "UTC", "x" * 500])
def test_zones_come_from_the_list(zone: str) -> None:
    assert problems(typed(zone=zone)) == {"zone": "zone"}


def test_all_that_is_wrong_is_said_at_once() -> None:
    form = typed(zone="?", weekly=((1, "x", "y"),), away=(("?", ""),), numbers={"per_day": "0"})
    assert problems(form) == {"zone": "zone", "weekly-0": "grid", "away-0": "date", "per_day": "number"}

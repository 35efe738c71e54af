"""Free slots: examples by hand, a slow oracle around clock changes, and what always holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.domain.availability import (
    Availability,
    DatedHours,
    Interval,
    WeeklyHours,
    free_slots,
    nearest,
    open_windows,
    padded,
    parse_calendar,
    why_not_offered,
)

MIN, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERY_DAY = frozenset(range(1, 8))
THREE = 3 * HOUR


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def hours(start: str, end: str, days: frozenset[int] = EVERY_DAY) -> WeeklyHours:
    return WeeklyHours(days, time.fromisoformat(start), time.fromisoformat(end))


def open_all_along(zone: str = "Europe/Paris", *weekly: WeeklyHours, **terms) -> Availability:
    given_terms = {"notice": timedelta(0), "grid": HOUR} | terms
    return Availability(zone, weekly or (hours("09:00", "17:00"),), **given_terms)


def slots(availability, day: Interval, *, claims=(), busy=(), length=THREE, now=None, starts=None):
    return free_slots(
        availability,
        claims=claims,
        busy=busy,
        length=length,
        window=day,
        now=now or day[0],
        starts=starts,
    )


def begins(found: list[Interval], zone: str = "UTC") -> list[str]:
    return [start.astimezone(ZoneInfo(zone)).strftime("%H:%M") for start, _end in found]


TUESDAY = (utc(2026, 11, 24), utc(2026, 11, 25))


# Examples by hand.


def test_a_day_of_eight_hours_holds_six_starts_for_a_session_of_three():
    found = slots(open_all_along(), TUESDAY)
    assert begins(found, "Europe/Paris") == ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00"]
    assert found[0] == (utc(2026, 11, 24, 8), utc(2026, 11, 24, 11))


def test_hours_that_meet_are_one_stretch_and_hours_that_overlap_are_not_counted_twice():
    both = open_all_along("UTC", hours("09:00", "12:00"), hours("12:00", "14:00"), hours("13:00", "15:00"))
    assert open_windows(both, TUESDAY) == [(utc(2026, 11, 24, 9), utc(2026, 11, 24, 15))]
    assert begins(slots(both, TUESDAY)) == ["09:00", "10:00", "11:00", "12:00"]


def test_midnight_as_an_end_means_the_midnight_after():
    late = open_all_along("UTC", hours("20:00", "00:00"))
    assert open_windows(late, TUESDAY) == [(utc(2026, 11, 24, 20), utc(2026, 11, 25))]


def test_hours_past_midnight_belong_to_the_day_they_begin_on():
    monday_night = open_all_along("UTC", hours("22:00", "03:00", frozenset({1})))
    assert open_windows(monday_night, TUESDAY) == [(utc(2026, 11, 24), utc(2026, 11, 24, 3))]
    assert open_windows(monday_night, (utc(2026, 11, 23), utc(2026, 11, 25))) == [
        (utc(2026, 11, 23, 22), utc(2026, 11, 24, 3))
    ]


def test_a_dated_rule_replaces_that_days_weekly_hours():
    away = DatedHours(date(2026, 11, 24), ())
    assert open_windows(open_all_along("UTC", dated=(away,)), TUESDAY) == []
    other = DatedHours(date(2026, 11, 24), ((time(18), time(21)),))
    assert open_windows(open_all_along("UTC", dated=(other,)), TUESDAY) == [
        (utc(2026, 11, 24, 18), utc(2026, 11, 24, 21))
    ]
    assert len(open_windows(open_all_along("UTC", dated=(other, away)), TUESDAY)) == 1


def test_a_claim_is_taken_as_it_is_and_the_new_range_is_padded():
    padding = open_all_along("UTC", before=HOUR, after=HOUR)
    claim = padded(utc(2026, 11, 24, 11), utc(2026, 11, 24, 12), HOUR, HOUR)
    assert claim == (utc(2026, 11, 24, 10), utc(2026, 11, 24, 13))
    # 14:00 − 1 h touches the claim's end; nothing before 10:00 fits three hours and its buffer.
    assert begins(slots(padding, TUESDAY, claims=[claim])) == ["14:00"]


def test_buffers_may_reach_outside_the_hours():
    padding = open_all_along("UTC", before=HOUR, after=HOUR)
    assert begins(slots(padding, TUESDAY))[0] == "09:00"


def test_imported_busy_time_is_not_padded_but_the_new_session_is():
    padding = open_all_along("UTC", after=HOUR)
    busy = (utc(2026, 11, 24, 13), utc(2026, 11, 24, 14))
    assert begins(slots(padding, TUESDAY, busy=[busy])) == ["09:00", "14:00"]


def test_ranges_are_half_open():
    busy = [(utc(2026, 11, 24, 12), utc(2026, 11, 24, 14))]
    assert begins(slots(open_all_along("UTC"), TUESDAY, busy=busy)) == ["09:00", "14:00"]


def test_an_empty_busy_range_takes_nothing():
    empty = [(utc(2026, 11, 24, 10), utc(2026, 11, 24, 10))]
    assert len(slots(open_all_along("UTC"), TUESDAY, busy=empty)) == 6


def test_notice_and_horizon_bound_the_start_and_both_include_their_own_instant():
    terms = open_all_along("UTC", notice=2 * HOUR, horizon=4 * HOUR)
    assert begins(slots(terms, TUESDAY, now=utc(2026, 11, 24, 8))) == ["10:00", "11:00", "12:00"]
    later = utc(2026, 11, 24, 8, 0, 0, 1)
    assert begins(slots(terms, TUESDAY, now=later)) == ["11:00", "12:00"]


def test_starts_lie_on_the_grid_of_local_minutes():
    nepal = open_all_along("Asia/Kathmandu", hours("10:10", "14:00"), grid=15 * MIN)
    found = slots(nepal, TUESDAY)
    assert begins(found, "Asia/Kathmandu") == ["10:15", "10:30", "10:45", "11:00"]
    assert begins(found) == ["04:30", "04:45", "05:00", "05:15"]
    hourly = slots(open_all_along("Asia/Kathmandu"), TUESDAY)
    assert begins(hourly)[0] == "03:15"  # 09:00 at +05:45


def test_a_limit_a_day_counts_the_sessions_own_local_starts():
    one = open_all_along("Pacific/Auckland", per_day=1)
    day = (utc(2026, 11, 23, 12), utc(2026, 11, 25, 12))
    session = utc(2026, 11, 24, 20)  # 25 November there
    claim = (session - HOUR, session + 4 * HOUR)
    assert {s.astimezone(ZoneInfo("Pacific/Auckland")).day for s, _ in slots(one, day)} == {24, 25}
    taken = slots(one, day, claims=[claim], starts=[session])
    assert {s.astimezone(ZoneInfo("Pacific/Auckland")).day for s, _ in taken} == {24}


def test_without_starts_the_claims_own_count():
    one = open_all_along("UTC", per_day=1)
    claim = (utc(2026, 11, 24, 6), utc(2026, 11, 24, 7))
    assert slots(one, TUESDAY, claims=[claim]) == []
    assert slots(one, TUESDAY, claims=[claim], starts=[]) != []


def test_a_limit_a_week_runs_from_monday_to_sunday():
    one = open_all_along("UTC", per_week=1)
    sunday, monday = utc(2026, 11, 29, 10), utc(2026, 11, 30, 10)
    week = (utc(2026, 11, 23), utc(2026, 12, 7))
    got = {s.date() for s, _ in slots(one, week, claims=[(sunday, sunday + THREE)])}
    assert min(got) == monday.date()
    got = {s.date() for s, _ in slots(one, week, claims=[(monday, monday + THREE)])}
    assert max(got) == sunday.date()


def test_the_nearest_three_in_order_of_time():
    found = slots(open_all_along("UTC"), TUESDAY)
    assert begins(nearest(found, utc(2026, 11, 24, 11))) == ["10:00", "11:00", "12:00"]
    assert begins(nearest(found, utc(2026, 11, 24, 23), 2)) == ["13:00", "14:00"]
    assert nearest([], utc(2026, 11, 24)) == []


def test_a_session_without_a_length_is_refused():
    with pytest.raises(ValueError, match="length"):
        slots(open_all_along(), TUESDAY, length=timedelta(0))


# Clock changes by hand.


def test_in_paris_the_night_the_clock_goes_back_has_an_hour_more():
    night = open_all_along("Europe/Paris", hours("00:00", "06:00"))
    day = (utc(2026, 10, 24, 20), utc(2026, 10, 25, 20))
    assert open_windows(night, day) == [(utc(2026, 10, 24, 22), utc(2026, 10, 25, 5))]
    assert begins(slots(night, day), "Europe/Paris") == ["00:00", "01:00", "02:00", "02:00", "03:00"]


def test_in_paris_an_ambiguous_time_is_the_first_and_one_in_the_gap_takes_the_offset_before():
    early = open_all_along("Europe/Paris", hours("02:30", "06:00"))
    back = (utc(2026, 10, 24, 20), utc(2026, 10, 25, 20))
    assert open_windows(early, back) == [(utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 5))]
    ahead = (utc(2026, 3, 28, 20), utc(2026, 3, 29, 20))
    assert open_windows(early, ahead) == [(utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 4))]


def test_hours_that_the_gap_turns_round_are_empty():
    swallowed = open_all_along("Europe/Paris", hours("02:30", "03:10"))
    assert open_windows(swallowed, (utc(2026, 3, 28, 20), utc(2026, 3, 29, 20))) == []


def test_a_session_across_the_change_lasts_its_real_hours():
    night = open_all_along("America/New_York", hours("00:00", "08:00"))
    for day in ((utc(2026, 11, 1), utc(2026, 11, 1, 20)), (utc(2026, 3, 8), utc(2026, 3, 8, 20))):
        found = slots(night, day)
        assert found
        assert {end - start for start, end in found} == {THREE}


def test_lord_howe_moves_by_half_an_hour_and_the_grid_follows_its_wall_clock():
    night = open_all_along("Australia/Lord_Howe", hours("00:00", "06:00"))
    ahead = slots(night, (utc(2026, 10, 3, 12), utc(2026, 10, 4, 12)), length=HOUR)
    assert begins(ahead, "Australia/Lord_Howe") == ["00:00", "01:00", "03:00", "04:00", "05:00"]
    back = slots(night, (utc(2026, 4, 4, 12), utc(2026, 4, 5, 12)), length=HOUR)
    assert begins(back, "Australia/Lord_Howe") == ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00"]


def test_one_stretch_of_open_days_sees_the_change_there_and_back():
    """Casablanca leaves and takes up its offset again within two months, in one unbroken window."""
    always = Availability(
        "Africa/Casablanca", (hours("00:00", "00:00"),), notice=timedelta(0), grid=HOUR, per_day=1
    )
    now = utc(2026, 2, 10)
    found = free_slots(
        always, claims=(), busy=(), length=HOUR, window=(now, now + 59 * DAY), now=now, starts=()
    )
    assert open_windows(always, (now, now + 59 * DAY)) == [(now, now + 59 * DAY)]
    offsets = {s.astimezone(ZoneInfo("Africa/Casablanca")).utcoffset() for s, _ in found}
    assert offsets == {timedelta(0), HOUR}
    assert len(found) == 59 * 24
    full = utc(2026, 2, 20, 23, 30)  # Still the 20th there while the offset is 0.
    left = free_slots(
        always, claims=(), busy=(), length=HOUR, window=(now, now + 59 * DAY), now=now, starts=[full]
    )
    assert len(left) == 58 * 24


# A slow oracle: every five minutes, is this start free?

CHANGES = {
    "Europe/Paris": (utc(2026, 3, 29), utc(2026, 10, 25)),
    "America/New_York": (utc(2026, 3, 8, 7), utc(2026, 11, 1, 6)),
    "Australia/Lord_Howe": (utc(2026, 4, 4, 15), utc(2026, 10, 3, 15)),
    "Africa/Casablanca": (utc(2026, 2, 15, 2), utc(2026, 3, 22, 2)),
    "Asia/Kathmandu": (utc(2026, 7, 1),),
    "Pacific/Apia": (utc(2011, 12, 30, 10),),
}
STEP = 5 * MIN


def slow_windows(av: Availability, window: Interval) -> list[Interval]:
    zone, found = ZoneInfo(av.zone), []
    dated = {rule.day: rule.ranges for rule in av.dated}
    for n in range(-3, (window[1] - window[0]).days + 4):
        day = window[0].date() + n * DAY
        ranges = dated.get(day)
        if ranges is None:
            ranges = tuple((h.start, h.end) for h in av.weekly if day.isoweekday() in h.days)
        for start, end in ranges:
            last = day + DAY if end <= start else day
            found.append(
                (
                    datetime.combine(day, start, zone).astimezone(UTC),
                    datetime.combine(last, end, zone).astimezone(UTC),
                )
            )
    return found


def slow_slots(av: Availability, claims, busy, length, window, now, starts) -> list[Interval]:
    zone, open_at = ZoneInfo(av.zone), set()
    for start, end in slow_windows(av, window):
        at = start
        while at < end:
            open_at.add(at)
            at += STEP
    found, at = [], window[0]
    while at + length <= window[1]:
        local = at.astimezone(zone)
        day = local.date()
        theirs = [s.astimezone(zone).date() for s in starts]
        minute = timedelta(hours=local.hour, minutes=local.minute)
        begin, finish = at - av.before, at + length + av.after
        if (
            now + av.notice <= at <= now + av.horizon
            and minute % av.grid == timedelta(0)
            and all(at + n * STEP in open_at for n in range(length // STEP))
            and not any(begin < e and s < finish for s, e in (*claims, *busy) if s < e)
            and (av.per_day is None or theirs.count(day) < av.per_day)
            and (
                av.per_week is None
                or sum(t.isocalendar()[:2] == day.isocalendar()[:2] for t in theirs) < av.per_week
            )
        ):
            found.append((at, at + length))
        at += STEP
    return found


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
weekly_hours = st.builds(WeeklyHours, st.frozensets(st.integers(1, 7), min_size=1), times, times)
minutes = st.sampled_from([0, 10, 15, 30]).map(lambda n: n * MIN)


@st.composite
def situations(draw, zones=tuple(CHANGES)):
    zone = draw(st.sampled_from(zones))
    now = draw(st.sampled_from(CHANGES[zone])) - draw(st.integers(0, 48)) * HOUR
    days = [now.date() + n * DAY for n in range(4)]
    terms = Availability(
        zone=zone,
        weekly=tuple(draw(st.lists(weekly_hours, max_size=3))),
        dated=tuple(
            DatedHours(day, tuple(draw(st.lists(st.tuples(times, times), max_size=2))))
            for day in draw(st.sets(st.sampled_from(days), max_size=2))
        ),
        before=draw(minutes),
        after=draw(minutes),
        notice=draw(st.sampled_from([0, 4, 24])) * HOUR,
        horizon=draw(st.sampled_from([1, 2, 60])) * DAY,
        grid=draw(st.sampled_from([15, 30, 60])) * MIN,
        per_day=draw(st.none() | st.integers(0, 2)),
        per_week=draw(st.none() | st.integers(0, 3)),
    )
    window = (now, now + 3 * DAY)

    def ranges(most: int) -> list[Interval]:
        found = draw(st.lists(st.tuples(st.integers(-60, 864), st.integers(0, 60)), max_size=most))
        return [(now + a * STEP, now + (a + n) * STEP) for a, n in found]

    return terms, window, now, ranges(3), ranges(6), draw(st.sampled_from([1, 3, 4])) * HOUR


@settings(max_examples=60, deadline=None)
@given(situations())
def test_the_slow_oracle_agrees(situation):
    terms, window, now, claims, busy, length = situation
    got = free_slots(terms, claims=claims, busy=busy, length=length, window=window, now=now)
    assert got == slow_slots(terms, claims, busy, length, window, now, [s for s, _ in claims])


@settings(max_examples=100, deadline=None)
@given(situations())
def test_what_always_holds(situation):
    terms, window, now, claims, busy, length = situation
    got = free_slots(terms, claims=claims, busy=busy, length=length, window=window, now=now)
    inside = open_windows(terms, window)
    assert got == sorted(set(got))
    assert all(a[1] < b[0] for a, b in pairwise(inside))
    for start, end in got:
        assert start.tzinfo is UTC
        assert end - start == length
        assert any(a <= start and end <= b for a, b in inside)
        begin, finish = padded(start, end, terms.before, terms.after)
        assert not any(begin < e and s < finish for s, e in (*claims, *busy) if s < e)


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(-24, 72), st.integers(1, 12))
def test_more_busy_time_never_means_more_slots(situation, at, lasts):
    terms, window, now, claims, busy, length = situation
    extra = (now + at * HOUR, now + (at + lasts) * HOUR)
    ask = {"claims": claims, "length": length, "window": window, "now": now}
    before = free_slots(terms, busy=busy, **ask)
    after = free_slots(terms, busy=[*busy, extra], **ask)
    assert set(after) <= set(before)
    begin = {s for s, e in before if s - terms.before < extra[1] and extra[0] < e + terms.after}
    assert {s for s, _ in before} - {s for s, _ in after} == begin


@settings(max_examples=60, deadline=None)
@given(situations(zones=("Asia/Kathmandu",)), st.integers(1, 6))
def test_where_the_clock_never_changes_shifting_everything_by_weeks_shifts_the_slots(situation, weeks):
    terms, window, now, claims, busy, length = situation
    by = weeks * 7 * DAY

    def moved(ranges):
        return [(a + by, b + by) for a, b in ranges]

    later = Availability(
        **{**vars(terms), "dated": tuple(DatedHours(d.day + by, d.ranges) for d in terms.dated)}
    )
    got = free_slots(terms, claims=claims, busy=busy, length=length, window=window, now=now)
    assert moved(got) == free_slots(
        later,
        claims=moved(claims),
        busy=moved(busy),
        length=length,
        window=(window[0] + by, window[1] + by),
        now=now + by,
    )


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(0, 36 * 4))
def test_a_start_is_free_or_has_its_reason(situation, quarter):
    terms, window, now, claims, busy, length = situation
    start = now + quarter * 15 * MIN
    around = (window[0] - 2 * DAY, window[1] + 2 * DAY)
    free = free_slots(terms, claims=claims, busy=busy, length=length, window=around, now=now)
    why = why_not_offered(terms, claims=claims, busy=busy, length=length, start=start, now=now)
    assert (why is None) == ((start, start + length) in free)


@pytest.mark.parametrize(
    ("start", "terms", "why"),
    [
        (utc(2026, 11, 24, 9), {}, None),
        (utc(2026, 11, 24, 9), {"notice": DAY}, "notice"),
        (utc(2026, 11, 24, 9), {"horizon": HOUR}, "horizon"),
        (utc(2026, 11, 24, 15), {}, "hours"),
        (utc(2026, 11, 24, 9, 30), {}, "grid"),
        (utc(2026, 11, 24, 12), {}, "taken"),
        (utc(2026, 11, 24, 9), {"after": MIN}, "taken"),
        (utc(2026, 11, 24, 9), {"per_day": 1}, "day_full"),
        (utc(2026, 11, 24, 9), {"per_week": 1}, "week_full"),
    ],
)
def test_the_reasons_by_name(start, terms, why):
    claim = (utc(2026, 11, 24, 12), utc(2026, 11, 24, 13))
    got = why_not_offered(
        open_all_along("UTC", **terms), claims=[claim], busy=(), length=THREE, start=start, now=TUESDAY[0]
    )
    assert got == why


def test_a_stored_calendar_becomes_a_value():
    got = parse_calendar(
        zone="Europe/Paris",
        weekly=[{"days": [1, 2], "start": "09:00", "end": "12:30"}],
        dated=[{"day": "2026-12-24", "ranges": [["09:00", "12:00"]]}, {"day": "2026-12-25", "ranges": []}],
        before_minutes=15,
        after_minutes=10,
        notice=DAY,
        horizon_days=30,
        grid_minutes=15,
        per_day=2,
        per_week=None,
    )
    assert got == Availability(
        zone="Europe/Paris",
        weekly=(WeeklyHours(frozenset({1, 2}), time(9), time(12, 30)),),
        dated=(DatedHours(date(2026, 12, 24), ((time(9), time(12)),)), DatedHours(date(2026, 12, 25), ())),
        before=15 * MIN,
        after=10 * MIN,
        notice=DAY,
        horizon=30 * DAY,
        grid=15 * MIN,
        per_day=2,
    )


def test_holidays_are_days_away_unless_a_dated_rule_says_otherwise():
    got = parse_calendar(
        zone="Europe/Paris", weekly=[{"days": list(range(1, 8)), "start": "09:00", "end": "12:30"}],
        dated=[{"day": "2026-12-25", "ranges": [["09:00", "12:00"]]}], before_minutes=0, after_minutes=0,
        notice=DAY, horizon_days=60, grid_minutes=30, per_day=None, per_week=None,
        holidays=["2026-12-25", "2027-01-01"],
    )  # fmt: skip
    assert got.dated == (
        DatedHours(date(2026, 12, 25), ((time(9), time(12)),)),
        DatedHours(date(2027, 1, 1), ()),
    )
    assert open_windows(got, (utc(2027, 1, 1), utc(2027, 1, 2))) == []
    assert open_windows(got, (utc(2026, 12, 25), utc(2026, 12, 26))) == [
        (utc(2026, 12, 25, 8), utc(2026, 12, 25, 11))
    ]


def test_busy_times_given_in_any_order_and_any_zone_are_the_same():
    times = [(utc(2026, 11, 24, h), utc(2026, 11, 24, h, 30)) for h in (9, 14, 11)]
    elsewhere = [tuple(at.astimezone(ZoneInfo("Asia/Kathmandu")) for at in one) for one in reversed(times)]
    mixed = [times[0], *elsewhere]
    ask = {"day": TUESDAY, "length": HOUR}
    assert slots(open_all_along(), busy=mixed, **ask) == slots(open_all_along(), busy=times, **ask)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Europe/Atlantis"},
        {"weekly": [{"days": [0], "start": "09:00", "end": "12:00"}]},
        {"weekly": [{"days": [1], "start": "25:00", "end": "12:00"}]},
        {"weekly": [{"days": [1], "start": "09:00"}]},
        {"dated": [{"day": "2026-02-30", "ranges": []}]},
    ],
)
def test_a_stored_calendar_that_does_not_hold_is_refused(wrong):
    rows = {
        "zone": "UTC",
        "weekly": [],
        "dated": [],
        "before_minutes": 0,
        "after_minutes": 0,
        "notice": DAY,
        "horizon_days": 60,
        "grid_minutes": 30,
        "per_day": None,
        "per_week": None,
    }
    with pytest.raises((ValueError, KeyError)):
        parse_calendar(**(rows | wrong))


def test_hours_run_on_over_a_day_that_never_was():
    """Apia went from 29 to 31 December 2011: Thursday's overnight hours end where the 30th would have had it."""
    terms = Availability(
        zone="Pacific/Apia", weekly=(WeeklyHours(frozenset({4}), time(14), time(13)),), notice=timedelta(0)
    )
    window = (datetime(2011, 12, 30, 10, tzinfo=UTC), datetime(2011, 12, 31, 10, tzinfo=UTC))
    assert open_windows(terms, window) == [(window[0], datetime(2011, 12, 30, 23, tzinfo=UTC))]

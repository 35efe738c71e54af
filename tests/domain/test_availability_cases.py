"""Free slots held to what other systems' public test suites expect: each names its file and its case there.

Only facts are taken over: hours, busy times, lengths, and the starts that come out. Two rules of ours differ and
are allowed for where they show. Our grid begins at local midnight (cal.com's at the first free minute), so where
steps are wider than ours their starts are found among ours; and an hour ends at its end, not a second before it.
cal.com's files are at github.com/calcom/cal.com, sabre's at github.com/sabre-io/vobject.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations

import pytest

from marketplace.domain.availability import (
    Availability,
    DatedHours,
    Interval,
    WeeklyHours,
    free_slots,
    open_windows,
    padded,
)

MIN, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERY_DAY = frozenset(range(1, 8))
WORKING_DAYS = frozenset(range(1, 6))
KOLKATA = "Asia/Kolkata"
# cal.com's `IstWorkHours`: every day from 9:30 to 18:00 in India, 04:00 to 12:30 UTC.
IST_WORK_HOURS = (WeeklyHours(EVERY_DAY, time(9, 30), time(18)),)
IST_DAY = (datetime(2026, 6, 10, 18, 30, tzinfo=UTC), datetime(2026, 6, 11, 18, 30, tzinfo=UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(text: str) -> Interval:
    """ "2026-06-11 04:00/06:00" or with a second date."""
    first, last = text.split("/")
    return utc(first), utc(last if " " in last else f"{first.split()[0]} {last}")


def hours(*ranges: str, days: frozenset[int] = EVERY_DAY) -> tuple[WeeklyHours, ...]:
    """ "09:00-17:00"; what ends at 00:00 ends at the midnight after."""
    return tuple(WeeklyHours(days, *(time.fromisoformat(end) for end in one.split("-", 1))) for one in ranges)


def terms(weekly: tuple[WeeklyHours, ...], zone: str = "UTC", **more: object) -> Availability:
    return Availability(zone, weekly, **({"notice": timedelta(0), "grid": HOUR} | more))  # type: ignore[arg-type]


def slots(
    availability: Availability,
    window: Interval,
    length: timedelta,
    *,
    now: datetime | None = None,
    claims: tuple[Interval, ...] = (),
    busy: tuple[Interval, ...] = (),
    starts: tuple[datetime, ...] | None = None,
) -> list[datetime]:
    """The starts, in UTC."""
    found = free_slots(
        availability, claims=claims, busy=busy, length=length, window=window, now=now or window[0],
        starts=starts,
    )  # fmt: skip
    assert all(end - start == length for start, end in found)
    return [start for start, _end in found]


def clock(starts: list[datetime]) -> list[str]:
    return [start.strftime("%H:%M") for start in starts]


def every(first: str, last: str, step: int) -> list[str]:
    """Times of one day from the first to the last, both included, every `step` minutes."""
    start, end = (int(at[:2]) * 60 + int(at[3:]) for at in (first, last))
    return [f"{at // 60:02d}:{at % 60:02d}" for at in range(start, end + 1, step)]


class TestSlots:
    """packages/lib/slots.test.ts, "Tests the slot logic"; its clock stands at 2021-06-20 11:59:59 UTC."""

    NOW = utc("2021-06-20 11:59:59")
    TODAY = between("2021-06-20 00:00/2021-06-21 00:00")
    TOMORROW = between("2021-06-21 00:00/2021-06-22 00:00")
    WHOLE_DAY = hours("00:00-00:00")

    @pytest.mark.parametrize("length", [60, 30])
    def test_an_empty_day_has_24_hourly_starts(self, length: int) -> None:
        """ "can fit 24 hourly slots for an empty day", and "… with interval != eventLength"."""
        assert len(slots(terms(self.WHOLE_DAY), self.TOMORROW, length * MIN, now=self.NOW)) == 24

    def test_of_today_only_what_is_still_to_come(self) -> None:
        """ "only shows future booking slots on the same day": a second before noon, twelve are left."""
        found = slots(terms(self.WHOLE_DAY), self.TODAY, HOUR, now=self.NOW)
        assert clock(found) == every("12:00", "23:00", 60)

    def test_minimum_booking_notice(self) -> None:
        """ "adds minimum booking notice correctly": 1500 minutes from one second before noon leave eleven."""
        asked = terms(self.WHOLE_DAY, notice=1500 * MIN)
        assert clock(slots(asked, self.TOMORROW, HOUR, now=self.NOW)) == every("13:00", "23:00", 60)

    @pytest.mark.parametrize(("ends", "many"), [("00:00", 72), ("23:45", 71)])
    def test_hours_that_do_not_end_on_the_grid(self, ends: str, many: int) -> None:
        """ "20 minutes long events with working hours that do not end at a full hour", both cases."""
        asked = terms(hours(f"00:00-{ends}"), grid=20 * MIN)
        assert len(slots(asked, self.TOMORROW, 20 * MIN, now=self.NOW)) == many

    def test_several_ranges_of_one_day(self) -> None:
        """ "can create multiple time slot groups when multiple date ranges are given"."""
        asked = terms(hours("11:00-12:00", "14:00-15:00"), grid=20 * MIN)
        found = slots(asked, self.TOMORROW, 20 * MIN, now=self.NOW)
        assert clock(found) == ["11:00", "11:20", "11:40", "14:00", "14:20", "14:40"]

    def test_ranges_that_overlap_give_each_start_once(self) -> None:
        """ "can merge multiple time slot groups when multiple date ranges are given that overlap": five."""
        asked = terms(hours("11:00-12:00", "11:20-12:40"), grid=20 * MIN)
        assert clock(slots(asked, self.TOMORROW, 20 * MIN, now=self.NOW)) == every("11:00", "12:20", 20)

    def test_hours_from_a_quarter_past_begin_on_the_hour_after(self) -> None:
        """ "finds correct slots over the span of multiple days": 10:00, 12:00 and 13:00 on each of two days."""
        asked = terms(hours("11:30-14:00", "09:15-11:00"))
        found = slots(asked, (self.TOMORROW[0], self.TOMORROW[1] + DAY), HOUR, now=self.NOW)
        assert clock(found) == ["10:00", "12:00", "13:00"] * 2

    def test_the_last_slot_of_the_day_is_there(self) -> None:
        """ "tests the final slot of the day is included": 22:45 in Brussels, two hours' notice."""
        asked = terms(hours("09:00-17:00", "20:30-23:00"), "Europe/Brussels", grid=15 * MIN, notice=2 * HOUR)
        found = slots(asked, between("2023-07-12 22:00/2023-07-13 22:00"), 15 * MIN)
        assert found[-1] == utc("2023-07-13 20:45")

    def test_half_hour_zones(self) -> None:
        """ "tests slots for half hour timezones": 7:30 to 9:30 in India holds one start on the hour, 8:00 there."""
        found = slots(
            terms(hours("07:30-09:30"), KOLKATA), between("2023-07-12 18:30/2023-07-13 18:30"), HOUR
        )
        assert found == [utc("2023-07-13 02:30")]

    def test_a_range_of_just_one_slot(self) -> None:
        """ "tests slots for 5 minute events": one in the first range, four in the second, in London's summer."""
        asked = terms(hours("07:00-07:05", "07:10-07:30"), "Europe/London", grid=5 * MIN)
        found = slots(asked, between("2023-07-12 23:00/2023-07-13 23:00"), 5 * MIN)
        assert clock(found) == ["06:00", "06:10", "06:15", "06:20", "06:25"]


class TestCompact:
    """apps/web/test/lib/slots.test.ts, "Tests the compact slot logic": Tuesday, 9 to 17, from 10 on."""

    DAY = between("2022-02-01 00:00/2022-02-02 00:00")
    ASKED = terms(hours("09:00-17:00"), grid=30 * MIN)

    def free(self, *busy: str, since: str = "10:00", length: timedelta = 30 * MIN) -> list[str]:
        taken = tuple(between(f"2022-02-01 {one}") for one in busy)
        return clock(slots(self.ASKED, self.DAY, length, now=utc(f"2022-02-01 {since}"), busy=taken))

    def test_busy_times_are_left_out(self) -> None:
        """ "should return time slots that are not blocked by busy times", first example."""
        assert self.free("11:00/12:00", "14:00/15:00") == [
            "10:00", "10:30", "12:00", "12:30", "13:00", "13:30", "15:00", "15:30", "16:00", "16:30",
        ]  # fmt: skip

    def test_busy_times_within_a_longer_one_free_nothing(self) -> None:
        """The same, second example: the shorter ones end inside the one from 10 to 16."""
        assert self.free("10:00/16:00", "11:00/12:00", "14:00/15:00") == ["16:00", "16:30"]

    def test_a_day_busy_throughout(self) -> None:
        """ "should return an empty array if all the slots are blocked by busy times"."""
        assert self.free("10:00/17:00") == []

    def test_too_late_for_the_length(self) -> None:
        """ "… if the eventLength is not matched with minStartTime": from 17:35 on no hour fits before 17."""
        assert self.free("11:00/12:00", since="17:35", length=HOUR) == []

    def test_a_day_of_the_week_without_hours(self) -> None:
        """ "should return an empty array if the slotDay is not in the days array": weekends only, a Tuesday."""
        asked = terms(hours("09:00-17:00", days=frozenset({6, 7})), grid=30 * MIN)
        assert slots(asked, self.DAY, 30 * MIN) == []


class TestSchedule:
    """apps/web/test/lib/getSchedule.test.ts, "User Event"; hours are `IstWorkHours`."""

    def test_starts_every_half_hour(self) -> None:
        """ "slots are available as per `length`, `slotInterval` of the event", the first event."""
        found = slots(terms(IST_WORK_HOURS, KOLKATA, grid=30 * MIN), IST_DAY, 30 * MIN)
        assert clock(found) == every("04:00", "12:00", 30)

    @pytest.mark.parametrize(
        ("notice", "theirs"),
        [(13, ["07:30", "09:30"]), (10, ["04:30", "06:30", "08:30", "10:30"])],
    )
    def test_notice_from_midnight_in_india(self, notice: int, theirs: list[str]) -> None:
        """ "minimumBookingNotice is respected": sessions of two hours, 13 and 10 hours after 18:30 UTC."""
        found = clock(slots(terms(IST_WORK_HOURS, KOLKATA, notice=notice * HOUR), IST_DAY, 2 * HOUR))
        assert found == every(theirs[0], "10:30", 60)
        assert set(theirs) <= set(found)

    def test_a_buffer_before_keeps_off_a_busy_time(self) -> None:
        """ "afterBuffer and beforeBuffer tests - Non Cal Busy Time": busy until 05:59:59, so nothing before 08:30."""
        asked = terms(IST_WORK_HOURS, KOLKATA, before=2 * HOUR, after=2 * HOUR)
        found = clock(slots(asked, IST_DAY, 2 * HOUR, busy=(between("2026-06-11 04:00/05:59:59"),)))
        assert found == ["08:30", "09:30", "10:30"]

    def test_buffers_of_both_sessions_add_up(self) -> None:
        """ "afterBuffer and beforeBuffer tests - Cal Busy Time": after our own session, 10:30 alone is left."""
        asked = terms(IST_WORK_HOURS, KOLKATA, before=2 * HOUR, after=2 * HOUR)
        claim = padded(*between("2026-06-11 04:00/05:59:59"), asked.before, asked.after)
        assert clock(slots(asked, IST_DAY, 2 * HOUR, claims=(claim,))) == ["10:30"]

    def test_a_date_with_hours_of_its_own(self) -> None:
        """ "Check for Date overrides": 14:00 to 18:00 in India on that date, one hour each."""
        own = DatedHours(date(2026, 6, 11), ((time(14), time(18)),))
        found = clock(slots(terms(IST_WORK_HOURS, KOLKATA, dated=(own,)), IST_DAY, HOUR))
        assert found == ["08:30", "09:30", "10:30", "11:30"]

    def test_a_session_of_a_quarter_of_an_hour_moves_the_first_start_to_a_quarter_past(self) -> None:
        """ "correctly identifies unavailable slots from Cal Bookings in different status": taken 04:00 to 04:15."""
        theirs = every("04:15", "11:45", 45)
        asked = terms(IST_WORK_HOURS, KOLKATA, grid=15 * MIN)
        found = clock(slots(asked, IST_DAY, 45 * MIN, claims=(between("2026-06-11 04:00/04:15"),)))
        assert found == every("04:15", "11:45", 15)
        assert set(theirs) <= set(found)

    @pytest.mark.parametrize(("limit", "left"), [(1, 0), (2, 23)])
    def test_booking_limits_a_day(self, limit: int, left: int) -> None:
        """ "booking limit is working correctly if user is all day available": one at 14:00 in a zone of +6."""
        asked = terms(hours("00:00-00:00"), "Asia/Dhaka", per_day=limit)
        session = between("2026-06-11 08:00/09:00")
        found = slots(asked, between("2026-06-10 00:00/2026-06-13 00:00"), HOUR, claims=(session,))
        their_day = between("2026-06-10 18:00/2026-06-11 18:00")
        assert sum(their_day[0] <= start < their_day[1] for start in found) == left
        assert len(found) == 48 + left

    def test_a_busy_time_past_midnight(self) -> None:
        """getSchedule/calendarEvents.test.ts, "unavailable slots from selected calendars at user level": Google says
        busy from 04:45 to 23:00 UTC, half past four the next morning in India; 04:00 alone is left."""
        asked = terms(IST_WORK_HOURS, KOLKATA, grid=15 * MIN)
        assert clock(slots(asked, IST_DAY, 45 * MIN, busy=(between("2026-06-11 04:45/23:00"),))) == ["04:00"]


def test_buffers_close_a_gap_of_ninety_minutes() -> None:
    """cal.com, getSchedule/buffers.integration-test.ts, "cross-buffer doubles buffers for same event type": 15 before
    and 30 after; between sessions until 13:00 and from 14:30 nothing fits. The other starts reasoned by hand:
    the last morning one ends its buffer at 12:15, the first afternoon one begins its own at 15:30."""
    asked = terms(hours("09:00-17:00"), before=15 * MIN, after=30 * MIN, grid=15 * MIN)
    taken = tuple(
        padded(*between(f"2026-04-10 {one}"), asked.before, asked.after)
        for one in ("12:30/13:00", "14:30/15:00")
    )
    found = clock(slots(asked, between("2026-04-10 00:00/2026-04-11 00:00"), 30 * MIN, claims=taken))
    assert found == every("09:00", "11:15", 15) + every("15:45", "16:30", 15)


class TestDateRanges:
    """packages/lib/date-ranges.test.ts."""

    def test_new_york_after_the_clock_went_back(self) -> None:
        """processWorkingHours, "It has the correct working hours on date of DST change (- tz)": asked on Sunday 5
        November 2023, 9 to 17 is 14:00 to 22:00 UTC on each of the month's 19 working days left."""
        asked = terms(hours("09:00-17:00", days=WORKING_DAYS), "America/New_York")
        found = open_windows(asked, between("2023-11-05 13:26:14/2023-12-01 05:00"))
        days = [*range(6, 11), *range(13, 18), *range(20, 25), *range(27, 31)]
        assert found == [between(f"2023-11-{day:02d} 14:00/22:00") for day in days]

    def test_the_month_in_which_new_york_changes(self) -> None:
        """processWorkingHours, "the correct working hours in the month were DST ends" (skipped there): 8:00 is 12:00
        UTC before the first Sunday of November and 13:00 from it on."""
        asked = terms(hours("08:00-17:00"), "America/New_York")
        found = open_windows(asked, between("2023-11-01 04:00/2023-12-01 05:00"))
        assert [start.hour for start, _end in found] == [12] * 4 + [13] * 26

    def test_the_last_day_of_the_month_in_which_london_changes(self) -> None:
        """processWorkingHours, "should have availability on last day of month in the month were DST starts"."""
        asked = terms(hours("08:00-17:00"), "Europe/London")
        found = open_windows(asked, between("2023-10-24 00:00/2023-11-01 00:00"))
        assert (found[0], found[-1]) == (between("2023-10-24 07:00/16:00"), between("2023-10-31 08:00/17:00"))

    def test_a_dated_rule_in_new_york_beside_weekly_hours(self) -> None:
        """buildDateRanges, "should return the correct date ranges": 10 to 15 on the 13th, 8 to 17 on the 14th."""
        own = DatedHours(date(2023, 6, 13), ((time(10), time(15)),))
        asked = terms(hours("08:00-17:00", days=WORKING_DAYS), "America/New_York", dated=(own,))
        assert open_windows(asked, between("2023-06-13 00:00/2023-06-15 00:00")) == [
            between("2023-06-13 14:00/19:00"),
            between("2023-06-14 12:00/21:00"),
        ]

    def test_a_dated_rule_that_is_the_next_day_already_in_utc(self) -> None:
        """buildDateRanges, "if date override would already already be the next day in utc timezone": 22 to 23."""
        own = DatedHours(date(2023, 6, 13), ((time(22), time(23)),))
        asked = terms(hours("08:00-17:00", days=WORKING_DAYS), "America/New_York", dated=(own,))
        assert open_windows(asked, between("2023-06-13 00:00/2023-06-15 00:00")) == [
            between("2023-06-14 02:00/03:00"),
            between("2023-06-14 12:00/21:00"),
        ]

    def test_a_day_away(self) -> None:
        """buildDateRanges, "should return correct date ranges with full day unavailable date override"."""
        away = DatedHours(date(2023, 6, 13), ())
        asked = terms(hours("08:00-17:00", days=WORKING_DAYS), "Europe/London", dated=(away,))
        assert open_windows(asked, between("2023-06-13 00:00/2023-06-15 00:00")) == [
            between("2023-06-14 07:00/16:00")
        ]

    def test_two_ranges_of_one_date_in_honolulu_seen_from_brussels(self) -> None:
        """buildDateRanges, "should handle day shifts correctly": 9 to 17 and 19 to 21 on the 15th there; the window
        is the 15th in Brussels and ends at noon in Honolulu, which our windows are clipped to."""
        own = DatedHours(date(2023, 8, 15), ((time(9), time(17)), (time(19), time(21))))
        asked = terms((), "Pacific/Honolulu", dated=(own,))
        assert open_windows(asked, between("2023-08-14 22:00/2023-08-15 22:00")) == [
            between("2023-08-15 19:00/22:00")
        ]
        assert open_windows(asked, between("2023-08-14 22:00/2023-08-17 00:00")) == [
            between("2023-08-15 19:00/2023-08-16 03:00"),
            between("2023-08-16 05:00/07:00"),
        ]

    @pytest.mark.parametrize("order", list(permutations(["04:00/04:15", "04:45/05:00"])))
    def test_busy_times_in_any_order(self, order: tuple[str, ...]) -> None:
        """subtract, "when excluded ranges are given in order" and "… not given in order": what is left of 04:00 to
        12:00 is 04:15 to 04:45 and from 05:00 on."""
        busy = tuple(between(f"2023-07-05 {one}") for one in order)
        asked = terms(hours("04:00-12:00"), grid=15 * MIN)
        found = clock(slots(asked, between("2023-07-05 00:00/2023-07-06 00:00"), 30 * MIN, busy=busy))
        assert found == ["04:15", *every("05:00", "11:30", 15)]


class TestFreeBusyData:
    """sabre-io/vobject, tests/VObject/FreeBusyDataTest.php: 100 to 200, here as minutes of a day, tens each."""

    @pytest.mark.parametrize(
        ("busy", "free"),
        [
            ([], [*range(100, 200, 10)]),  # testGetData
            ([(100, 150)], [*range(150, 200, 10)]),  # testAddBeginning
            ([(150, 200)], [*range(100, 150, 10)]),  # testAddEnd
            ([(150, 160)], [*range(100, 150, 10), *range(160, 200, 10)]),  # testAddMiddle
            ([(110, 120), (130, 140)], [100, 120, *range(140, 200, 10)]),  # testAddMultiple
            (
                [(110, 120), (130, 140), (115, 135)],
                [100, *range(140, 200, 10)],
            ),  # testAddMultipleOverlapAndMerge
        ],
    )
    def test_what_is_left(self, busy: list[tuple[int, int]], free: list[int]) -> None:
        day = utc("2026-06-11 00:00")
        taken = tuple((day + first * MIN, day + last * MIN) for first, last in busy)
        asked = terms(hours("00:00-00:00"), grid=10 * MIN)
        found = slots(asked, (day + 100 * MIN, day + 200 * MIN), 10 * MIN, busy=taken)
        assert [(start - day) // MIN for start in found] == free


class TestFreeBusyGenerator:
    """sabre-io/vobject, tests/VObject/FreeBusyGeneratorTest.php: asked for 1 January 2011 11:00 to the 3rd, 11:00."""

    WINDOW = between("2011-01-01 11:00/2011-01-03 11:00")

    def test_back_to_back(self) -> None:
        """testVFreeBusy: 03 to 04, 04 to 05 and 05 to 06 are one busy stretch; 02 to 03 was said to be free."""
        busy = tuple(
            between(f"2011-01-03 {one}")
            for one in ("01:00/02:00", "03:00/04:00", "04:00/05:00", "05:00/06:00")
        )
        window = between("2011-01-03 00:00/11:00")
        found = slots(terms(hours("00:00-00:00")), window, HOUR, now=self.WINDOW[0], busy=busy)
        assert clock(found) == ["00:00", "02:00", *every("06:00", "10:00", 60)]

    def test_an_event_without_a_length(self) -> None:
        """testNoDuration: what has neither end nor duration does not show up, at a start or amid a session."""
        at = (utc("2011-01-01 20:00"),) * 2
        amid = (utc("2011-01-01 20:30"),) * 2
        asked = terms(hours("00:00-00:00"), before=15 * MIN)
        assert slots(asked, self.WINDOW, HOUR, busy=(at, amid)) == slots(asked, self.WINDOW, HOUR)

    @pytest.mark.parametrize("outside", ["2011-01-01 09:00/10:00", "2011-01-04 09:00/10:00"])
    def test_an_event_before_or_after_the_time_asked_for(self, outside: str) -> None:
        """testOutsideTimeRange, testOutsideTimeRange2."""
        asked = terms(hours("00:00-00:00"))
        assert len(slots(asked, self.WINDOW, HOUR, busy=(between(outside),))) == 48

    def test_a_whole_day_in_toronto_ends_at_five_in_utc(self) -> None:
        """testAllDayReferenceTimeZone: 1 January there is busy until 2 January 05:00 UTC."""
        busy = between("2011-01-01 05:00/2011-01-02 05:00")
        asked = terms(hours("00:00-00:00"), "America/Toronto")
        assert slots(asked, self.WINDOW, HOUR, busy=(busy,))[0] == utc("2011-01-02 05:00")

    def test_office_hours_over_a_weekend(self) -> None:
        """testVAvailabilityOfficeHours: 9 to 17 on working days; Saturday 11:00 to Monday 09:00 is unavailable."""
        asked = terms(hours("09:00-17:00", days=WORKING_DAYS))
        assert open_windows(asked, self.WINDOW) == [between("2011-01-03 09:00/11:00")]

    def test_office_hours_in_a_holiday(self) -> None:
        """testVAvailabilityOfficeHoursVacation: away from 14 December to 7 January, nothing is left."""
        asked = terms(hours("09:00-17:00", days=WORKING_DAYS))
        away = between("2010-12-14 00:00/2011-01-07 00:00")
        assert slots(asked, self.WINDOW, HOUR, busy=(away,)) == []

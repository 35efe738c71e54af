"""The geometry of what is drawn to scale: positions in percent, so that no style attribute is needed.

Every tick measures something. Drawing is the templates' (`templates/ui/rulers.html`); here is only where
each line, label and block stands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

WORKDAY_MINUTES = 7 * 60
# Minutes of the parts by session length: case, story, work on the case, break, plan.
PARTS = {180: (30, 30, 60, 15, 45), 210: (30, 45, 75, 15, 45), 240: (30, 45, 90, 15, 60)}
KINDS = ("case", "story", "work", "break", "plan")


class Part(NamedTuple):
    kind: str
    minutes: int
    name: str = ""


class Tick(NamedTuple):
    at: str
    tall: bool
    label: tuple[int, int] | None = None
    anchor: str = "middle"


class PartView(NamedTuple):
    kind: str
    minutes: int
    name: str
    offset: int
    start: datetime | None


class TimeBar(NamedTuple):
    minutes: int
    parts: list[PartView]
    ticks: list[Tick]
    other_ticks: list[Tick]
    down: list[tuple[str, bool]]


def pct(part: float, whole: float) -> str:
    """A share as SVG wants it: 33.333%."""
    return f"{100 * part / whole:.3f}".rstrip("0").rstrip(".") + "%"


def parts_of(minutes: int) -> list[Part]:
    """The proposed course of a session of that length; other lengths are shared out in the same proportion."""
    if minutes in PARTS:
        return [Part(kind, m) for kind, m in zip(KINDS, PARTS[minutes], strict=True)]
    shares = [5 * round(m * minutes / 240 / 5) for m in PARTS[240]]
    shares[2] += minutes - sum(shares)
    return [Part(kind, m) for kind, m in zip(KINDS, shares, strict=True)]


def timebar(
    minutes: int,
    parts: Sequence[Part] | None = None,
    start: datetime | None = None,
    zone: str | None = None,
    other_zone: str | None = None,
) -> TimeBar:
    """Ticks at true hours and half-hours of the clock, or of the session where no start is known."""
    views, offset = [], 0
    for part in parts or parts_of(minutes):
        at = start + timedelta(minutes=offset) if start else None
        views.append(PartView(part.kind, part.minutes, getattr(part, "name", ""), offset, at))
        offset += part.minutes
    ticks = _ticks(minutes, start, zone)
    other = _ticks(minutes, start, other_zone) if start and other_zone else []
    phase = _phase(start, zone)
    edges = {view.offset for view in views}
    down = [
        (f"{m * 1.8:.1f}", (m + phase) % 60 == 0)
        for m in range((30 - phase % 30) % 30 or 30, minutes, 30)
        if m not in edges
    ]
    return TimeBar(minutes, views, ticks, other, down)


def _phase(start: datetime | None, zone: str | None) -> int:
    """Minutes past the hour at which the bar begins."""
    if start is None:
        return 0
    return start.astimezone(ZoneInfo(zone or "UTC")).minute


def _ticks(minutes: int, start: datetime | None, zone: str | None) -> list[Tick]:
    local = start.astimezone(ZoneInfo(zone or "UTC")) if start else None
    first = local.hour * 60 + local.minute if local else 0
    phase = first % 30

    def label(m: int) -> tuple[int, int]:
        """The clock at that minute: elapsed time carried through the zone, since clocks may change meanwhile."""
        if start is None:
            return divmod(m, 60)
        then = (start + timedelta(minutes=m)).astimezone(ZoneInfo(zone or "UTC"))
        return then.hour, then.minute

    ticks = [Tick("0%", True, label(0), "start")]
    for m in range(30 - phase if phase else 30, minutes, 30):
        tall = (first + m) % 60 == 0
        labelled = tall and m >= 25 and minutes - m >= 25
        ticks.append(Tick(pct(m, minutes), tall, label(m) if labelled else None))
    ticks.append(Tick("100%", True, label(minutes), "end"))
    return ticks


class MiniBar(NamedTuple):
    width: int
    ticks: list[tuple[int, bool]]
    rest: list[tuple[int, bool]]


def minibar(minutes: int) -> MiniBar:
    """112 px are four hours; ticks each half-hour, those past the session's end in `rest`."""
    at = [(round(m * 112 / 240), m % 60 == 0) for m in range(0, 241, 30)]
    width = round(minutes * 112 / 240)
    return MiniBar(width, [t for t in at if t[0] <= width], [t for t in at if t[0] > width])


class DaysRuler(NamedTuple):
    top: int
    ticks: list[tuple[str, int]]
    labels: list[tuple[str, int, str]]
    session: str
    median: str | None
    dots: list[tuple[str, str, bool]]
    largest: tuple[str, int, str] | None


def days(
    minutes: int,
    answers: Sequence[tuple[int, str]] = (),
    median: float | None = None,
    top: int | None = None,
) -> DaysRuler:
    """One scale for the session and the working days it saved (seven hours each).

    `answers` are (days, unlocked); `median` is drawn only where the caller has one (from three answers on).
    """
    most = max([d for d, _ in answers] or [0] + ([math.ceil(median)] if median else []))
    top = top or max(10, 10 * math.ceil(max(most, median or 0) / 10))
    step = 1 if top <= 60 else 5 if top <= 300 else 10
    ticks = [
        (pct(d, top), 14 if d % (10 * step) == 0 else 9 if d % (5 * step) == 0 else 5)
        for d in range(0, top + 1, step)
    ]
    every = 10 if top <= 60 else 50 if top <= 300 else 100
    labels = [
        (pct(d, top), d, "start" if d == 0 else "end" if d == top else "middle")
        for d in range(0, top + 1, every)
    ]
    if labels[-1][1] != top:
        labels.append(("100%", top, "end"))
    reach = median or 0
    dots = [(pct(d, top), kind, d <= reach) for d, kind in answers]
    far = most > 0 and (median is None or most - median > top * 0.12)
    largest = (
        (pct(most, top), most, "end" if most > top * 0.9 else "middle") if far and most > top * 0.12 else None
    )
    return DaysRuler(
        top,
        ticks,
        labels,
        pct(minutes / WORKDAY_MINUTES, top),
        pct(median, top) if median else None,
        dots,
        largest,
    )


class RefundPart(NamedTuple):
    x: str
    width: str
    percent: int
    label_x: str
    anchor: str


class RefundRuler(NamedTuple):
    parts: list[RefundPart]
    days: list[str]
    dates: list[tuple[str, datetime, str, bool]]


def refund(steps: Sequence[tuple[datetime, int, int]], now: datetime, start: datetime) -> RefundRuler:
    """From now to the start of the session: `steps` are (until, percent, minor), in order, the last one to the start.

    A tick is a day before the start. A date too near its neighbour to be read on a phone is marked tight.
    """
    whole = max((start - now).total_seconds(), 1)
    place = lambda when: min(max((when - now).total_seconds(), 0), whole)  # noqa: E731
    left, edges = 0.0, [now]
    parts: list[RefundPart] = []
    open_steps = [s for s in steps if s[0] > now]
    for i, (until, share, _minor) in enumerate(open_steps):
        right = place(until)
        if right <= left:
            continue
        last = i == len(open_steps) - 1
        anchor = "start" if not parts else "end" if last else "middle"
        label = left if anchor == "start" else right if anchor == "end" else (left + right) / 2
        parts.append(RefundPart(pct(left, whole), pct(right - left, whole), share, pct(label, whole), anchor))
        edges.append(until)
        left = right
    count = int(whole // 86400)
    day_step = 1 if count <= 40 else 7
    day_ticks = [pct(whole - 86400 * d, whole) for d in range(0, count + 1, day_step)]
    dates = []
    for i, when in enumerate(edges):
        at = place(when)
        anchor = "start" if i == 0 else "end" if i == len(edges) - 1 else "middle"
        others = [place(e) for j, e in enumerate(edges) if j != i]
        near = min((abs(at - o) for o in others), default=whole) / whole
        inner = anchor == "middle"
        if inner and near < 0.05:
            continue
        dates.append((pct(at, whole), when, anchor, inner and near < 0.16))
    return RefundRuler(parts, day_ticks, dates)


class PriceChart(NamedTuple):
    low: int
    high: int
    dashes: list[tuple[str, int]]
    labels: list[tuple[str, int, str]]
    ticks: list[str]
    median: tuple[str, int] | None
    tallest: int


def prices(minor: Sequence[int]) -> PriceChart | None:
    """One dash an offer, stacked on a scale of euros without tax; None where there is nothing to draw."""
    if not minor:
        return None
    step = 50_000
    low, high = min(minor) // step * step, -(-max(minor) // step) * step
    high = high if high > low else low + step
    bucket = max(2_500, (high - low) // 40 // 2_500 * 2_500)
    stacks: dict[int, int] = {}
    dashes = []
    for value in sorted(minor):
        place = round((value - low) / bucket)
        stacks[place] = stacks.get(place, 0) + 1
        dashes.append((pct(min(place * bucket, high - low), high - low), stacks[place]))
    points = list(range(low, high + 1, step if (high - low) // step <= 6 else 2 * step))
    if points[-1] != high:
        points.append(high)
    labels = [
        (pct(p - low, high - low), p, "start" if p == low else "end" if p == high else "middle")
        for p in points
    ]
    ticks = [pct(p - low, high - low) for p in range(low, high + 1, step // 5)]
    ordered = sorted(minor)
    half = len(ordered) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2
    return PriceChart(
        low, high, dashes, labels, ticks, (pct(middle - low, high - low), middle), max(stacks.values())
    )

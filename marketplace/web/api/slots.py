"""When a session of an offer can be held, for programs: the free slots of the slots page, by the same rules."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import jsonify, request
from flask_babel import gettext as _

from ...domain.availability import Interval
from ...domain.errors import NotBookable
from ...services.bookings.holding import free_for_offer
from ...services.offers import offer_page
from ..access import rule
from ..house import house
from ..language import DEFAULT_ZONE
from ..problems import Wrong, problem
from . import blueprint
from .answers import Slot, Slots
from .asking import LANG, Parameter, read_lang

MOST_DAYS = 61
USUAL_DAYS = 14
# Years whose days can be counted on from.
_READ = re.compile(r"2\d{3}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?", re.ASCII)
_WHEN = {
    "anyOf": [
        {"type": "string", "format": "date", "pattern": "^2"},
        {"type": "string", "format": "date-time", "pattern": "^2"},
    ]
}
_ZONES = available_timezones()

SLOTS = (
    Parameter(
        "from",
        _WHEN,
        "Sessions that start from this day on, in `tz`, or from this instant on (RFC 3339). By default from now on.",
    ),
    Parameter(
        "to",
        _WHEN,
        f"Sessions that start on this day or earlier, in `tz`, or before this instant; at most {MOST_DAYS} days "
        f"after `from`. By default {USUAL_DAYS} days after it.",
    ),
    Parameter(
        "tz",
        {"type": "string", "default": DEFAULT_ZONE, "maxLength": 64},
        "An IANA time zone: whose days `from` and `to` mean, and on whose clock the slots are told too.",
    ),
    LANG,
)


@dataclass(frozen=True)
class _Asked:
    zone: ZoneInfo
    begins: Interval


@blueprint.get("/offers/<uuid:offer_id>/slots")
@rule("public")
def offer_slots(offer_id: uuid.UUID) -> Any:
    """The free slots that start within the days asked for; NotFound for what is no live offer."""
    now = house().clock()
    asked, wrong = _read(now)
    if asked is None:
        return problem(422, errors=wrong)
    with house().db.reading() as session:
        minutes = offer_page(session, offer_id).version.minutes
        since, until = asked.begins
        window = (since, until + timedelta(minutes=minutes))
        try:
            found = free_for_offer(session, offer_id, window=window, now=now).slots
        except NotBookable:
            found = []
    items = tuple(_told(slot, asked.zone) for slot in found if since <= slot[0] < until)
    return jsonify(asdict(Slots(offer_id, asked.zone.key, minutes, items)))


def _told(slot: Interval, zone: ZoneInfo) -> Slot:
    start, end = slot
    return Slot(_utc(start), _utc(end), start.astimezone(zone).isoformat(), end.astimezone(zone).isoformat())


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read(now: datetime) -> tuple[_Asked | None, list[Wrong]]:
    """The question of this request; None with all that is wrong with it."""
    wrong = read_lang()
    name = request.args.get("tz", DEFAULT_ZONE)
    if name not in _ZONES:
        wrong.append(Wrong("tz", _("an IANA time zone, such as %(zone)s", zone=DEFAULT_ZONE)))
    zone = ZoneInfo(name if name in _ZONES else DEFAULT_ZONE)
    since = _instant("from", zone, now, wrong)
    until = _instant("to", zone, since + timedelta(days=USUAL_DAYS), wrong)
    if not wrong and until <= since:
        wrong.append(Wrong("to", _("an end after “from”")))
    # To the day: a range over the end of summer time lasts an hour longer.
    if not wrong and until - since > timedelta(days=MOST_DAYS, hours=1):
        wrong.append(Wrong("to", _("at most %(most)d days after “from”", most=MOST_DAYS)))
    return (None, wrong) if wrong else (_Asked(zone, (since, until)), [])


def _instant(name: str, zone: ZoneInfo, default: datetime, wrong: list[Wrong]) -> datetime:
    """A parameter as an instant: `to` a day means that day's end."""
    text = request.args.get(name)
    if text is None:
        return default
    try:
        if _READ.fullmatch(text) is None:
            raise ValueError
        if len(text) > len("2026-12-31"):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        day = date.fromisoformat(text) + timedelta(days=name == "to")
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        wrong.append(Wrong(name, _("a day as YYYY-MM-DD, or an instant with its offset (RFC 3339)")))
        return default

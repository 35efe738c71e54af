"""The expert's rooms: what waits for an answer, the sessions, the money."""

from __future__ import annotations

from flask import Blueprint

from ..language import PREFIX

blueprint = Blueprint("expert", __name__, url_prefix=f"{PREFIX}/expert")

# fmt: off
from . import application, bookings, calendars, dispute, enquiries, home, hours, joining, money, offers, payout, profile, questions, reschedule, reviews, statements, times  # noqa: E402, F401, I001  (they hang their views on the blueprint)

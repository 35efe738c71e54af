"""Experts' calendars: the free slots pages show, and the hours experts keep."""

from .hours import Day, has_hours, hours_of, save_hours, usual_length, week_ahead
from .reading import (
    STEPS,
    Claims,
    Sought,
    claims_of,
    next_slots,
    rules_of,
    slots_among,
)

__all__ = [
    "STEPS",
    "Claims",
    "Day",
    "Sought",
    "claims_of",
    "has_hours",
    "hours_of",
    "next_slots",
    "rules_of",
    "save_hours",
    "slots_among",
    "usual_length",
    "week_ahead",
]

"""Places in the queue of a full calendar, and times that a buyer proposes where no slot suits."""

from .places import Place, join, leave, place_page, places_of, standing_of
from .serving import booking_moved, run_clock, serve, serve_due, serve_of_booking
from .times import (
    AskedPage,
    answerable,
    ask,
    asked_page,
    asked_to_answer,
    decline,
    earliest_of,
    list_asked,
    take,
    withdraw,
)
from .times import run_clock as run_times_clock

__all__ = [
    "AskedPage", "Place", "answerable", "ask", "asked_page", "asked_to_answer", "booking_moved", "decline",
    "earliest_of", "join", "leave", "list_asked", "place_page", "places_of", "run_clock", "run_times_clock", "serve",
    "serve_due", "serve_of_booking", "standing_of", "take", "withdraw",
]  # fmt: skip

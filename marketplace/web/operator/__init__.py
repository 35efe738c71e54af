"""The operators' rooms: bookings, the money of each, and the ledger."""

from __future__ import annotations

from flask import Blueprint

from ..language import PREFIX

blueprint = Blueprint("operator", __name__, url_prefix=f"{PREFIX}/operator")

from . import (  # noqa: E402, F401  (they hang their views on the blueprint)
    bookings,
    chargebacks,
    disputes,
    journal,
    ledger,
    money,
    offers,
    payouts,
    people,
    queue,
    repaying,
    restricting,
    search,
    synonyms,
)

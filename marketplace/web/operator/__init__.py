"""The operators' rooms: bookings, the money of each, and the ledger."""

from __future__ import annotations

from flask import Blueprint

from ..language import PREFIX

blueprint = Blueprint("operator", __name__, url_prefix=f"{PREFIX}/operator")

from . import bookings  # noqa: E402, F401  (it hangs its views on the blueprint)

"""The rooms anybody may enter: home, results, an offer, and the texts that say how it works."""

from __future__ import annotations

from flask import Blueprint

from ..language import PREFIX

blueprint = Blueprint("public", __name__, url_prefix=PREFIX)

from . import home, offer, reminders, report, results, saved_searches, shortlist, texts, topics, unsubscribe  # noqa: E402, F401  (they hang their views on the blueprint)

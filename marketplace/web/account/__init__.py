"""Accounts: signing up and in, the mailed links, the password, and what one prefers."""

from __future__ import annotations

from flask import Blueprint

from ..language import PREFIX

blueprint = Blueprint("account", __name__, url_prefix=PREFIX)

from . import address, confirm, export, factor, feeds, joining, log_in, password, preferences  # noqa: E402, F401  (the views register themselves)

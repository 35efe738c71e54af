"""Whether the house is well, for whoever watches it; and what visits without a language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, jsonify, redirect, url_for

from ..storage.clock import real_now
from ..storage.people import WorkerBeat
from ..storage.vectors import serving
from .access import rule
from .house import house

blueprint = Blueprint("health", __name__)

# The worker beats once a minute, in real time: half a minute late is late.
LATE = timedelta(seconds=90)


@blueprint.get("/healthz", endpoint="healthz")
@rule("public")
def healthz() -> Any:
    """200 with both states; 503 when the database or the worker is down.

    `meaning` is the encoding that serves searches ("use3/1": the second model could not be loaded), or
    "resting": words alone are matched, and the house is well all the same.
    """
    database, worker, meaning = "up", "down", "resting"
    try:
        with house().db.reading() as session:
            beat = session.scalar(sa.select(WorkerBeat.beat_at))
            found = serving(session)
            meaning = found[1] if found else meaning
    except sa.exc.SQLAlchemyError:
        database, beat = "down", None
    if beat is not None and real_now() - beat < LATE:
        worker = "up"
    answer = jsonify(database=database, worker=worker, meaning=meaning)
    answer.status_code = 200 if (database, worker) == ("up", "up") else 503
    answer.cache_control.no_store = True
    return answer


@blueprint.get("/favicon.ico")
@rule("public")
def favicon() -> Any:
    """Where browsers look unasked."""
    return redirect(url_for("static", filename="img/icon.svg"), 301)

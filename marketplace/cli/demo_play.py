"""`flask --app wsgi demo clock +4d` and `demo play`: time, and bookings played through it."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from ..domain.pricing import PlatformTax
from ..jobs.tasks import jobs_under_way, run_pending
from ..services import demo_cases
from ..services.clock import move_clock
from ..services.demo_bookings import Act, Stage, play
from .demo import demo

LONGEST_WAIT = 20.0
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
ROOT = Path(__file__).resolve().parents[2]


def duration(text: str) -> timedelta:
    """`+4d`, `+3h`, `+30m` as a span; a usage error for anything else, and for going back."""
    found = re.fullmatch(r"\+?(\d{1,4})([mhd])", text.strip())
    if found is None:
        raise click.BadParameter("give how far ahead: +30m, +3h or +4d; the clock never goes back")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


@demo.command("clock")
@click.argument("by")
@with_appcontext
def clock(by: str) -> None:
    """Move the demo clock ahead (+30m, +3h, +4d) and run what falls due on the way."""
    house = current_app.extensions["declic"]
    if not house.config.demo:
        raise click.ClickException("The clock moves in demo mode only (ENV=demo).")
    now = move_clock(house.db, house.payments, house.clock, by=duration(by))
    click.echo(f"It is now {now:%Y-%m-%d %H:%M} UTC.")


@demo.command("play")
@with_appcontext
def play_bookings() -> None:
    """Play demo bookings from 40 days back to today; does nothing where bookings were made already."""
    house = current_app.extensions["declic"]
    if not house.config.demo or not house.config.sandbox:
        raise click.ClickException("Bookings are played in demo mode, against the sandbox.")
    settings = house.config
    stage = Stage(
        db=house.db,
        gateway=house.payments,
        clock=house.clock,
        platform=PlatformTax(
            country=settings.platform_country, vat_number=settings.platform_vat,
            identity={"name": settings.platform_name, "address": settings.platform_address}, fees=settings.fees,
        ),
        pay=_pay,
        settle=lambda: _settle(house),
        site_url=settings.site_url,
    )  # fmt: skip
    for line in play(stage, _acts(), _briefs(), demo_cases.steps(house.db, house.encoders, _cases())):
        click.echo(f"    {line}")


def _settle(house: Any) -> None:
    """Wait until the worker has done what was queued, helping it: letters tell of the time they are written at."""
    until = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < until:
        run_pending(house)
        if not jobs_under_way(house):
            return
        time.sleep(0.02)


def _pay(url: str, how: str) -> None:
    """The buyer's click: the provider's own page, its own form."""
    body = urllib.parse.urlencode({"action": how}).encode()
    request = urllib.request.Request(url, data=body, method="POST")  # noqa: S310 - the sandbox's own address
    opener = urllib.request.build_opener(_Stay())
    opener.open(request, timeout=20).close()


class _Stay(urllib.request.HTTPRedirectHandler):
    """The way back to the site is the buyer's to walk, not ours."""

    def redirect_request(self, *args: Any) -> None:
        return None

    def http_error_303(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


def _acts() -> list[Act]:
    lines = (ROOT / "demo" / "bookings.jsonl").read_text("utf-8").splitlines()
    return [Act(**json.loads(line)) for line in lines if line.strip()]


def _cases() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "demo" / "cases.json").read_text("utf-8"))
    return found


def _briefs() -> dict[str, dict[str, str]]:
    rows = (json.loads(line) for line in (ROOT / "demo" / "briefs_dev.jsonl").read_text("utf-8").splitlines())
    decision = {
        "fr": "Décider si nous reprenons cette démarche au prochain comité, et par où commencer.",
        "en": "Decide at the next steering committee whether we take this road, and where to begin.",
    }
    role = {"fr": "Cheffe de projet", "en": "Project lead"}
    return {
        row["id"]: {"title": row["title"], "text": row["text"], "decision": decision[row["lang"]],
                    "role": role[row["lang"]]}
        for row in rows
    }  # fmt: skip

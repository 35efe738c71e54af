"""One's sessions in one's own calendar program, and the reminders one gets."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...services import feeds as own
from ..access import rule
from ..house import house
from . import blueprint


@blueprint.get("/calendar")
@rule("account.own")
def calendar() -> str:
    """How both stand."""
    return _page()


@blueprint.post("/calendar/address")
@rule("account.own")
def make_feed() -> Any:
    """A new private address, shown this once; the one before leads nowhere any more."""
    token = own.make_feed(house().db, g.actor, detailed="detailed" in request.form)
    return _page(house().config.site_url + url_for("feed.feed", token=token))


@blueprint.post("/calendar/details")
@rule("account.own")
def detail_feed() -> Any:
    """Whether it names titles, subjects and people."""
    own.detail_feed(house().db, g.actor, detailed="detailed" in request.form)
    flash(_("Kept. Your calendar program shows it when it next reads the address."))
    return redirect(url_for("account.calendar"), 303)


@blueprint.post("/calendar/revoke")
@rule("account.own")
def revoke_feed() -> Any:
    """The address leads nowhere from here on."""
    own.revoke_feed(house().db, g.actor)
    flash(_("Your calendar address is switched off."))
    return redirect(url_for("account.calendar"), 303)


@blueprint.post("/calendar/reminders")
@rule("account.own")
def choose_reminders() -> Any:
    """The kinds ticked, and no other."""
    own.choose_reminders(house().db, g.actor, kinds=request.form.getlist("kinds"))
    flash(_("Your reminders are kept."))
    return redirect(url_for("account.calendar"), 303)


def _page(address: str = "") -> str:
    with house().db.reading() as session:
        feed = own.own_feed(session, g.me.id)
        wanted = own.wanted_reminders(session, g.me.id)
    return render_template("account/calendar.html", feed=feed, wanted=wanted, address=address)

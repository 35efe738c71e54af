"""What one prefers: name, language, time zone, appearance; and where one is signed in.

Zone and appearance are everybody's, kept in a cookie; the footer and a script send them here too.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import Refusal
from ...services import companies, feeds, people
from ...services.people.factors import standing_factor
from ..access import rule
from ..formats.devices import device
from ..forms import choices_of
from ..gate import THEME_COOKIE, THEMES, keep_cookie, safe_next
from ..house import house, real_now
from ..language import LANGUAGE_COOKIE, ZONE_COOKIE, current_zone_name, is_zone, zones
from ..refusals import sentence
from . import blueprint
from .forms import PreferencesForm


@blueprint.route("/preferences", methods=["GET", "POST"])
@rule("public")
def preferences() -> Any:
    """The page, and every way to change what stands on it."""
    if request.method == "GET":
        return _page(_form())
    if "theme" in request.form:
        return _keep("theme", request.form["theme"])
    if g.me is None or ("zone" in request.form and "name" not in request.form):
        return _keep("zone", request.form.get("zone", ""))
    form = _form()
    if not form.validate():
        return _page(form), 422
    try:
        people.change_preferences(
            house().db, g.actor, name=form.name.data, language=form.language.data, zone=form.zone.data
        )
    except Refusal as refusal:
        form.name.errors = [sentence(refusal)]
        return _page(form), 422
    flash(_("Your settings are kept."))
    answer = redirect(url_for("account.preferences", lang=form.language.data), 303)
    keep_cookie(answer, ZONE_COOKIE, form.zone.data)
    return keep_cookie(answer, LANGUAGE_COOKIE, form.language.data)


@blueprint.post("/preferences/log-ins/<uuid:log_in_id>/end")
@rule("account.own")
def end_log_in(log_in_id: uuid.UUID) -> Any:
    """End one log-in, on whatever machine it is."""
    people.end_log_in(house().db, g.actor, log_in_id, real_now())
    flash(_("That log-in is ended."))
    return redirect(url_for("account.preferences"), 303)


@blueprint.post("/preferences/log-ins/end-others")
@rule("account.own")
def end_others() -> Any:
    """End all log-ins but this one."""
    people.end_other_log_ins(house().db, g.actor, g.log_in.id, real_now())
    flash(_("All other log-ins are ended."))
    return redirect(url_for("account.preferences"), 303)


def _keep(what: str, value: str) -> Any:
    """A cookie's worth of preference, then back to the page one was on."""
    answer = redirect(safe_next(request.form.get("next")) or url_for("account.preferences"), 303)
    if what == "theme" and value in THEMES:
        return keep_cookie(answer, THEME_COOKIE, value)
    if what == "zone" and is_zone(value):
        return keep_cookie(answer, ZONE_COOKIE, value)
    return answer


def _form() -> PreferencesForm:
    me = g.me
    known = (
        {"name": me.name, "language": me.language, "zone": me.zone}
        if me is not None
        else {"zone": current_zone_name()}
    )
    form = PreferencesForm(data=known)
    # A zone kept from before that nobody can choose any more stays theirs until they choose another.
    names = sorted({*zones(), known["zone"]})
    form.zone.choices = choices_of(*((name, name.replace("_", " ")) for name in names))
    return form


def _page(form: PreferencesForm) -> str:
    log_ins: list[tuple[Any, str]] = []
    memberships: list[Any] = []
    asked = factor = feed = None
    reminded: tuple[str, ...] = ()
    if g.me is not None:
        with house().db.reading() as session:
            asked = people.asked_address(session, g.me.id, house().clock())
            factor = standing_factor(session, g.me.id)
            feed = feeds.own_feed(session, g.me.id)
            reminded = feeds.wanted_reminders(session, g.me.id)
            log_ins = [
                (one, device(one.user_agent)) for one in people.list_log_ins(session, g.me.id, real_now())
            ]
            memberships = companies.companies_of(session, g.me.id)
    return render_template(
        "account/preferences.html",
        form=form,
        log_ins=log_ins,
        memberships=memberships,
        asked=asked,
        factor=factor,
        feed=feed,
        reminded=reminded,
    )

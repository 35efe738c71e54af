"""Another password, by whoever knows the present one."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import TooManyTries, WeakPassword
from ...domain.passwords import SHORTEST, SHORTEST_OPERATOR
from ...services import people
from ..access import rule
from ..house import house, real_now
from ..refusals import sentence
from . import blueprint
from .address import needs_password
from .forms import ChangePasswordForm


@blueprint.route("/preferences/password", methods=["GET", "POST"])
@rule("account.own")
def password() -> Any:
    """The present and the new one; every other log-in ends, and a mail says so."""
    form = ChangePasswordForm()
    if not needs_password():
        del form.current
    if not form.validate_on_submit():
        return _page(form)
    try:
        refused = people.change_password(
            house().db, g.actor, current=form.current.data if form.current else "", new=form.password.data or "",
            log_in_id=g.log_in.id, address=request.remote_addr or "", real_now=real_now(),
        )  # fmt: skip
    except WeakPassword as weak:
        form.password.errors = [sentence(weak)]
        return _page(form)
    if isinstance(refused, TooManyTries):
        raise refused
    if refused is not None:
        form.current.errors = [_("This is not your password.")]
        return _page(form)
    flash(_("Your password is changed, and every other log-in ended."))
    return redirect(url_for("account.preferences"), 303)


def _page(form: ChangePasswordForm) -> Any:
    least = SHORTEST_OPERATOR if g.me.operator else SHORTEST
    page = render_template("account/password.html", form=form, least=least)
    return page, 422 if form.errors else 200

"""One's second factor: setting it up, replacing it, its recovery codes, doing without it again."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from ...domain.errors import FactorWrong, TooManyTries
from ...services.people import factors, sealing
from .. import again
from ..access import open_while, recent, rule
from ..gate import let_in, safe_next
from ..house import house, real_now
from ..refusals import sentence, status
from . import blueprint
from .log_in import home_of
from .proof_forms import SetUpForm


@blueprint.route("/factor", methods=["GET", "POST"])
@rule("account.own")
@open_while("set_up")
@recent
def factor() -> Any:
    """How it stands; where there is none, the picture to scan and the first code."""
    with house().db.reading() as session:
        standing = factors.standing_factor(session, g.me.id)
    if standing is not None and request.method == "GET":
        return render_template("account/factor.html", standing=standing, operator=g.me.operator)
    return _set_up("account.factor")


@blueprint.route("/factor/replace", methods=["GET", "POST"])
@rule("account.own")
@recent
def factor_replace() -> Any:
    """Another device: the factor there is stays good until the new one's first right code."""
    return _set_up("account.factor_replace")


@blueprint.post("/factor/codes")
@rule("account.own")
@recent
def factor_codes() -> Any:
    """Ten new recovery codes, shown this once; the old ones are worth nothing from here on."""
    codes = factors.renew_codes(house().db, person_id=g.me.id, address=request.remote_addr or "")
    return render_template(
        "account/factor_codes.html", codes=codes, typed=None, onward=url_for("account.factor")
    )


@blueprint.post("/factor/remove")
@rule("account.own")
@recent
def factor_remove() -> Any:
    """Do without it again; operators cannot."""
    factors.remove_factor(house().db, person_id=g.me.id, address=request.remote_addr or "")
    flash(_("Your second factor is removed: the password alone signs you in."))
    return redirect(url_for("account.factor"), 303)


def _set_up(endpoint: str) -> Any:
    form = SetUpForm()
    if request.method == "GET" or "one_time_code" not in request.form:
        if request.method == "GET":
            form.next.data = request.args.get("next", "")
        return _page(form, endpoint)
    if not form.validate():
        return _page(form, endpoint, 422)
    found = factors.set_factor(
        house().db, person_id=g.me.id, log_in_id=g.log_in.id, sealed=form.sealed.data or "",
        code=form.one_time_code.data or "", key=house().config.secret_key, address=request.remote_addr or "",
        real_now=real_now(),
    )  # fmt: skip
    if isinstance(found, TooManyTries | FactorWrong):
        return _page(form, endpoint, status(found), said=sentence(found))
    typed = again.unpack(form.again.data) if form.again.data else None

    def show() -> str:
        onward = safe_next(form.next.data) or home_of(found.login.language)
        return render_template("account/factor_codes.html", codes=found.codes, typed=typed, onward=onward)

    return let_in(found.login, show)


def _page(form: SetUpForm, endpoint: str, code: int = 200, *, said: str = "") -> Any:
    """With the secret the page already showed, or a fresh one."""
    key, now = house().config.secret_key, real_now()
    offered = factors.offered_again(g.me.id, form.sealed.data or "", key=key, real_now=now)
    offered = offered or factors.offer_secret(g.me.id, key=key, real_now=now)
    form.sealed.data = offered.sealed
    address = sealing.address_of(offered.secret, account=g.me.email, issuer=house().config.site_name)
    page = render_template(
        "account/factor_set_up.html", form=form, endpoint=endpoint, picture=_drawn(address), said=said,
        groups=[offered.secret[n : n + 4] for n in range(0, len(offered.secret), 4)],
    )  # fmt: skip
    return make_response(page, code)


def _drawn(address: str) -> Markup:
    """The address as a QR code: black on white whatever the theme, since cameras want it so."""
    out = io.BytesIO()
    segno.make(address, error="m").save(
        out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False, svgns=False, nl=False,
        svgclass="qr", lineclass=None, omitsize=False,
    )  # fmt: skip
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno from figures alone

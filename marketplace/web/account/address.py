"""Another address for the account: asked for here, taken at the new one, taken back from the old one.

The mailed links show a button: opening one changes nothing, mail scanners open links too.
"""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import AddressOfAnotherCompany, LinkSpent, SameAddress, TooManyTries
from ...services import people
from ..access import rule
from ..house import house, real_now
from ..refusals import sentence
from . import blueprint
from .forms import AddressForm
from .joining import CAME_TO_RESET


@blueprint.route("/preferences/address", methods=["GET", "POST"])
@rule("account.own")
def address() -> Any:
    """Ask for another address; the answer is the same whether it is taken or not."""
    form = AddressForm()
    if not needs_password():
        del form.password
    if not form.validate_on_submit():
        return _page(form)
    try:
        refused = people.ask_address(
            house().db, g.actor, email=form.email.data or "", password=form.password.data if form.password else "",
            address=request.remote_addr or "", real_now=real_now(),
        )  # fmt: skip
    except (SameAddress, AddressOfAnotherCompany) as refusal:
        form.email.errors = [sentence(refusal)]
        return _page(form)
    if isinstance(refused, TooManyTries):
        raise refused
    if refused is not None:
        form.password.errors = [_("This is not your password.")]
        return _page(form)
    flash(_("We have written to %(email)s: the link there makes it yours.", email=form.email.data))
    return redirect(url_for("account.preferences"), 303)


@blueprint.post("/preferences/address/forget")
@rule("account.own")
def forget_address() -> Any:
    """The change that waits is not wanted any more."""
    people.forget_address(house().db, g.actor)
    flash(_("Your address stays as it is."))
    return redirect(url_for("account.preferences"), 303)


@blueprint.route("/new-address/<token>", methods=["GET", "POST"])
@rule("public")
def new_address(token: str) -> Any:
    """The link mailed to the new address."""
    email = _carried(token, "change")
    if email is None:
        return _spent()
    if request.method == "GET":
        return render_template("account/new_address.html", email=email)
    try:
        people.change_address(house().db, token=token, address=request.remote_addr or "")
    except LinkSpent:
        return _spent()
    flash(_("%(email)s is the address of your account now.", email=email))
    return redirect(url_for("account.preferences" if g.me is not None else "account.log_in"), 303)


@blueprint.route("/keep-address/<token>", methods=["GET", "POST"])
@rule("public")
def keep_address(token: str) -> Any:
    """The link mailed to the old address: it was not me."""
    email = _carried(token, "keep")
    if email is None:
        return _spent()
    if request.method == "GET":
        return render_template("account/keep_address.html", email=email)
    try:
        people.keep_address(house().db, token=token, address=request.remote_addr or "", real_now=real_now())
    except LinkSpent:
        return _spent()
    return redirect(url_for("account.check_mail", **CAME_TO_RESET), 303)


def needs_password() -> bool:
    """Everybody has one but the demo's people, whom one click lets in."""
    return bool(g.me.password_hash) or not g.me.demo


def _carried(token: str, purpose: str) -> str | None:
    with house().db.reading() as session:
        return people.carried(session, token, purpose, house().clock())


def _spent() -> Any:
    return render_template("account/address_spent.html"), 410


def _page(form: AddressForm) -> Any:
    return render_template("account/address.html", form=form), 422 if form.errors else 200

"""Signing up, proving the address, choosing a password, and choosing it anew.

A mailed link never acts on being opened: mail scanners open links too. It shows a button.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import FreeMailAddress, LinkSpent, Refusal, WeakPassword
from ...domain.passwords import SHORTEST, SHORTEST_OPERATOR
from ...services import people
from ..access import rule
from ..gate import let_in
from ..house import house, real_now
from ..language import current_language, current_zone_name
from ..refusals import sentence
from . import blueprint
from .forms import ForgotForm, PasswordForm, SignUpForm
from .log_in import home_of

# "for" is a word of Python's own, so it cannot be written as a keyword.
CAME_TO_RESET: dict[str, Any] = {"for": "reset"}


@blueprint.route("/sign-up", methods=["GET", "POST"])
@rule("public")
def sign_up() -> Any:
    """An account for a project lead and their company; the answer is the same for known addresses."""
    form = SignUpForm()
    if not form.validate_on_submit():
        return _form_page("account/sign_up.html", form)
    try:
        refused: Refusal | None = people.sign_up(
            house().db, email=form.email.data or "", name=form.name.data or "", company_name=form.company.data or "",
            language=current_language(), zone=current_zone_name(), address=request.remote_addr or "",
            real_now=real_now(),
        )  # fmt: skip
    except FreeMailAddress as free:
        form.email.errors = [sentence(free)]
        return _form_page("account/sign_up.html", form)
    if refused is not None:
        raise refused
    return redirect(url_for("account.check_mail"), 303)


@blueprint.get("/check-mail")
@rule("public")
def check_mail() -> str:
    """What to do next is in the mail; said to everybody alike."""
    return render_template("account/check_mail.html", reset=request.args.get("for") == "reset")


@blueprint.route("/verify/<token>", methods=["GET", "POST"])
@rule("public")
def verify(token: str) -> Any:
    """The mailed link after signing up: a password, and one is in."""
    owner = _owner(token, "verify")
    if owner is None:
        return render_template("account/link_spent.html", reset=False), 410
    form = PasswordForm()
    if not form.validate_on_submit():
        return _password_page("account/verify.html", form, owner)
    try:
        login = people.verify_address(
            house().db, token=token, password=form.password.data or "", address=request.remote_addr or "",
            user_agent=request.user_agent.string, real_now=real_now(),
        )  # fmt: skip
    except WeakPassword as weak:
        form.password.errors = [sentence(weak)]
        return _password_page("account/verify.html", form, owner)
    except LinkSpent:
        return render_template("account/link_spent.html", reset=False), 410
    flash(_("Your account is open."))
    return let_in(login, lambda: redirect(home_of(login.language), 303))


@blueprint.route("/forgot", methods=["GET", "POST"])
@rule("public")
def forgot() -> Any:
    """Ask for a link to choose a new password; the answer is the same for all addresses."""
    form = ForgotForm()
    if not form.validate_on_submit():
        return _form_page("account/forgot.html", form)
    refused = people.ask_reset(
        house().db, email=form.email.data or "", address=request.remote_addr or "", real_now=real_now()
    )
    if refused is not None:
        raise refused
    return redirect(url_for("account.check_mail", **CAME_TO_RESET), 303)


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
@rule("public")
def reset(token: str) -> Any:
    """The mailed link for a new password; every other log-in ends with the old one."""
    owner = _owner(token, "reset")
    if owner is None:
        return render_template("account/link_spent.html", reset=True), 410
    form = PasswordForm()
    if not form.validate_on_submit():
        return _password_page("account/reset.html", form, owner)
    try:
        people.reset_password(
            house().db, token=token, password=form.password.data or "", address=request.remote_addr or "",
            real_now=real_now(),
        )  # fmt: skip
    except WeakPassword as weak:
        form.password.errors = [sentence(weak)]
        return _password_page("account/reset.html", form, owner)
    except LinkSpent:
        return render_template("account/link_spent.html", reset=True), 410
    flash(_("Your password is changed, and every log-in ended. Sign in with the new one."))
    return redirect(url_for("account.log_in"), 303)


def _owner(token: str, purpose: str) -> Any:
    with house().db.reading() as session:
        return people.link_owner(session, token, purpose, house().clock())


def _password_page(template: str, form: PasswordForm, owner: Any) -> Any:
    least = SHORTEST_OPERATOR if owner.operator else SHORTEST
    page = render_template(template, form=form, owner=owner, least=least)
    return page, 422 if form.errors else 200


def _form_page(template: str, form: Any) -> Any:
    return render_template(template, form=form), 422 if form.errors else 200

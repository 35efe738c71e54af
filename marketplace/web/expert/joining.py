"""The experts' own door: what it is about, signing up, and joining beside an account one has already."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired

from ...domain.pricing import fees_at
from ...services import experts
from ..access import rule
from ..forms import Form, Most, email_field
from ..house import house, real_now
from ..language import current_language, current_zone_name
from . import blueprint


class ExpertSignUpForm(Form):
    """Any address will do: experts come as themselves, not as a company. The mail asks for the password."""

    email = email_field(_l("Mail address"), missing=_l("Give your mail address."))
    name = StringField(
        _l("First and last name"),
        validators=[InputRequired(_l("Give your name: buyers read it.")), Most(120)],
        render_kw={"autocomplete": "name"},
    )
    terms = BooleanField(
        _l("I accept the terms."), validators=[InputRequired(_l("Without the terms there is no account."))]
    )


@blueprint.route("/join", methods=["GET", "POST"])
@rule("public")
def join() -> Any:
    """What selling sessions is like, and the way in; the answer is the same for known addresses."""
    form = ExpertSignUpForm()
    if not form.validate_on_submit():
        rates = fees_at(house().clock(), house().config.fees)
        page = render_template("expert/application/join.html", form=form, rates=rates)
        return page, 422 if form.errors else 200
    refused = experts.sign_up_expert(
        house().db, email=form.email.data or "", name=form.name.data or "", language=current_language(),
        zone=current_zone_name(), address=request.remote_addr or "", real_now=real_now(),
    )  # fmt: skip
    if refused is not None:
        raise refused
    return redirect(url_for("account.check_mail"), 303)


@blueprint.post("/become")
@rule("expert.become")
def become() -> Any:
    """Begin an application beside the account one has."""
    experts.become_expert(house().db, g.actor)
    return redirect(url_for("expert.application"), 303)

"""The approver's rooms: what waits for them, and one booking to approve or refuse; becoming the approver."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired

from ...domain.errors import LinkSpent, ReasonMissing, TextRefused, WeakPassword
from ...domain.passwords import SHORTEST
from ...services import approvals, bookings
from ...services.bookings.approving import LONGEST_REASON, to_approve
from ..access import door_booking, rule
from ..forms import Form, Most, form_token, password_field, posted_token
from ..gate import let_in
from ..house import house, real_now
from ..language import current_language, current_zone_name
from ..one_booking import load
from ..refusals import sentence
from . import blueprint


@blueprint.get("/approvals", endpoint="approvals")
@rule("approvals.list_own")
def approvals_list() -> str:
    """What waits for one's approval, the next to run out first."""
    now = house().clock()
    with house().db.reading() as session:
        rows = to_approve(session, g.actor, now)
    return render_template("buyer/approvals.html", rows=rows, now=now, zone=current_zone_name())


@blueprint.get("/approvals/<reference>")
@rule("booking.approve")
def approval(reference: str) -> Any:
    """One booking as its approver reads it."""
    return _page(reference)


@blueprint.post("/approvals/<reference>/approve")
@rule("booking.approve")
def approve(reference: str) -> Any:
    """The yes."""
    found = door_booking(reference, "booking.approve")
    bookings.approve(house().db, g.actor, booking_id=found.id, token=posted_token())
    flash(_("Approved. Whoever asked is told by mail."))
    return redirect(url_for("buyer.approval", reference=reference), 303)


@blueprint.post("/approvals/<reference>/refuse")
@rule("booking.approve")
def refuse(reference: str) -> Any:
    """The no, with its reason."""
    found = door_booking(reference, "booking.approve")
    reason = request.form.get("reason", "")
    try:
        bookings.refuse(house().db, g.actor, booking_id=found.id, reason=reason, token=posted_token())
    except (ReasonMissing, TextRefused) as refusal:
        return _page(reference, error=sentence(refusal), reason=reason)
    flash(_("Refused. Whoever asked reads your reason."))
    return redirect(url_for("buyer.approval", reference=reference), 303)


def _page(reference: str, *, error: str = "", reason: str = "") -> Any:
    page = load(reference, "booking.approve")
    return render_template(
        "buyer/approval.html", page=page, now=house().clock(), zone=current_zone_name(page.calendar_zone),
        token=form_token(), error=error, reason=reason, most=LONGEST_REASON,
    ), 422 if error else 200  # fmt: skip


class NewcomerForm(Form):
    """An account to approve with."""

    name = StringField(
        _l("First and last name"),
        validators=[InputRequired(_l("Give your name: whoever asks for your approval reads it.")), Most(120)],
        render_kw={"autocomplete": "name"},
    )
    password = password_field(
        _l("Password"), missing=_l("Choose a password."), new=True,
        description=_l("A few words that have nothing to do with each other are long and easy to keep in mind."),
    )  # fmt: skip
    terms = BooleanField(
        _l("I accept the terms."), validators=[InputRequired(_l("Without the terms there is no account."))]
    )


@blueprint.get("/invitations/<token>")
@rule("public")
def approver_invitation(token: str) -> Any:
    """What one is invited to; opening the link does nothing by itself."""
    return _invitation(token, NewcomerForm())


@blueprint.post("/invitations/<token>/join")
@rule("account.own")
def join(token: str) -> Any:
    """Accept with the account one is signed in with."""
    try:
        joined = approvals.join_as_approver(house().db, g.actor, token=token)
    except LinkSpent:
        return _spent()
    flash(_("You now approve for %(company)s.", company=joined.name))
    return redirect(url_for("buyer.approvals"), 303)


@blueprint.post("/invitations/<token>")
@rule("public")
def join_new(token: str) -> Any:
    """Accept with a new account, and be in."""
    form = NewcomerForm()
    if not form.validate():
        return _invitation(token, form)
    try:
        login = approvals.join_as_newcomer(
            house().db, token=token, name=form.name.data or "", password=form.password.data or "",
            accepted=("terms",), language=current_language(), zone=current_zone_name(),
            address=request.remote_addr or "", user_agent=request.user_agent.string, real_now=real_now(),
        )  # fmt: skip
    except WeakPassword as weak:
        form.password.errors = [sentence(weak)]
        return _invitation(token, form)
    except LinkSpent:
        return _spent()
    return let_in(login, lambda: _welcome(login.language))


def _welcome(language: str) -> Any:
    """Said once one is in: what was kept for the guest ends with being one."""
    flash(_("Your account is open."))
    return redirect(url_for("buyer.approvals", lang=language), 303)


def _invitation(token: str, form: NewcomerForm) -> Any:
    with house().db.reading() as session:
        found = approvals.invitation_of(session, token, house().clock())
    if found is None:
        return _spent()
    return render_template(
        "buyer/invitation.html", found=found, form=form, token=token, least=SHORTEST, zone=current_zone_name()
    ), 422 if form.errors else 200


def _spent() -> Any:
    return render_template("buyer/invitation_spent.html"), 410

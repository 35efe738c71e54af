"""Enquiries: publish a problem when nothing fits, invite experts, take one of their proposals."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.enquiries import LONGEST_SUMMARY
from ...domain.errors import NotFound, Refusal
from ...services import enquiries
from ..access import door_enquiry, rule
from ..cursor import read_cursor, write_cursor
from ..enquiries import EnquiryForm, TakeForm
from ..forms import form_token
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence, status
from . import blueprint


@blueprint.get("/enquiries", endpoint="enquiries")
@rule("enquiries.list_own")
def enquiries_list() -> str:
    """Own enquiries, newest first."""
    with house().db.reading() as session:
        listed = enquiries.list_enquiries(session, g.me.id, read_cursor(request.args.get("after")))
    next_url = url_for("buyer.enquiries", after=write_cursor(listed.after)) if listed.after else None
    return render_template("buyer/enquiries.html", listed=listed, zone=current_zone_name(), next_url=next_url)


@blueprint.route("/enquiries/new", methods=["GET", "POST"])
@rule("enquiry.publish")
def new_enquiry() -> Any:
    """Publish a problem; what one searched with stands there already."""
    form, error, code = EnquiryForm(), "", 422 if request.method == "POST" else 200
    if request.method == "GET":
        form.summary.data = request.args.get("q", "").replace("\x00", "")[:LONGEST_SUMMARY]
    elif form.validate():
        try:
            made = enquiries.publish(
                house().db, house().encoders, g.actor, title=form.title.data or "", summary=form.summary.data or "",
                details=form.details.data or "", token=request.form.get("token", "")[:64],
            )  # fmt: skip
            flash(_("Your enquiry is published. Invite the experts you would like to hear from."))
            return redirect(url_for("buyer.enquiry", enquiry_id=made.id), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            error, code = sentence(refusal), status(refusal)
    token = request.form.get("token") or form_token()
    return render_template("buyer/new_enquiry.html", form=form, error=error, token=token), code


@blueprint.get("/enquiries/<uuid:enquiry_id>")
@rule("enquiry.manage")
def enquiry(enquiry_id: uuid.UUID) -> Any:
    """One enquiry: proposals to take, experts to invite, taking it back."""
    return _page(enquiry_id)


@blueprint.post("/enquiries/<uuid:enquiry_id>/invite")
@rule("enquiry.manage")
def invite(enquiry_id: uuid.UUID) -> Any:
    """Invite the experts ticked."""
    door_enquiry(enquiry_id, "enquiry.manage")
    try:
        experts = [uuid.UUID(text) for text in request.form.getlist("expert")[:50]]
    except ValueError:
        raise NotFound from None
    try:
        enquiries.invite(house().db, g.actor, enquiry_id=enquiry_id, experts=experts)
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(enquiry_id, refusal)
    return redirect(url_for("buyer.enquiry", enquiry_id=enquiry_id), 303)


@blueprint.post("/enquiries/<uuid:enquiry_id>/take")
@rule("enquiry.manage")
def take(enquiry_id: uuid.UUID) -> Any:
    """Hold a proposal's slot: from there it is a booking like others, the expert's yes given."""
    door_enquiry(enquiry_id, "enquiry.manage")
    form = TakeForm()
    if not form.validate():
        return _page(enquiry_id, error=_("Choose a slot."))
    try:
        proposal_id, start = form.chosen
    except ValueError:
        raise NotFound from None
    try:
        made = enquiries.take(
            house().db, g.actor, enquiry_id=enquiry_id, proposal_id=proposal_id, start=start,
            token=request.form.get("token", "")[:64],
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(enquiry_id, refusal)
    return redirect(url_for("buyer.brief", reference=made.reference), 303)


@blueprint.post("/enquiries/<uuid:enquiry_id>/withdraw")
@rule("enquiry.manage")
def withdraw_enquiry(enquiry_id: uuid.UUID) -> Any:
    """Take it back."""
    door_enquiry(enquiry_id, "enquiry.manage")
    try:
        enquiries.withdraw(house().db, g.actor, enquiry_id=enquiry_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(enquiry_id, refusal)
    return redirect(url_for("buyer.enquiry", enquiry_id=enquiry_id), 303)


def _page(enquiry_id: uuid.UUID, refusal: Refusal | None = None, *, error: str = "") -> Any:
    door_enquiry(enquiry_id, "enquiry.manage")
    with house().db.reading() as session:
        page = enquiries.enquiry_page(session, enquiry_id)
    answer = render_template(
        "buyer/enquiry.html", page=page, now=house().clock(), zone=current_zone_name(),
        error=sentence(refusal) if refusal else error, token=form_token(),
    )  # fmt: skip
    return answer, status(refusal) if refusal else 422 if error else 200

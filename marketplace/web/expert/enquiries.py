"""Enquiries from the expert's side: read, answer with a session, and the daily mail's switch."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from ...domain.errors import NotBookable, NotFound, Refusal
from ...services import enquiries
from ...services.bookings.holding import Free, free_for_offer
from ...services.enquiries.reading import ForExpert
from ...services.offers import OfferLine
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..enquiries import ProposalForm
from ..formats import day_long, span
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence
from . import blueprint

SLOTS_SHOWN = 120


@blueprint.get("/enquiries", endpoint="enquiries")
@rule("enquiries.read")
def enquiries_list() -> str:
    """What is open, and what one was invited to or answered; the daily mail's switch."""
    if g.actor.applying:
        raise NotFound
    with house().db.reading() as session:
        listed = enquiries.open_enquiries(session, g.actor.expert_id, read_cursor(request.args.get("after")))
        mails = enquiries.mails_on(session, g.actor.expert_id)
    next_url = url_for("expert.enquiries", after=write_cursor(listed.after)) if listed.after else None
    return render_template(
        "expert/enquiries.html", listed=listed, mails=mails, zone=current_zone_name(), next_url=next_url
    )


@blueprint.post("/enquiries/mails")
@rule("enquiries.read")
def enquiry_mails() -> Any:
    """The daily mail, on or off."""
    enquiries.set_mails(house().db, g.actor, on=request.form.get("mails") == "on")
    return redirect(url_for("expert.enquiries"), 303)


@blueprint.route("/enquiries/<uuid:enquiry_id>", methods=["GET", "POST"])
@rule("enquiries.read")
def enquiry(enquiry_id: uuid.UUID) -> Any:
    """One enquiry; an open one is answered with the offer chosen by `?offer=`."""
    with house().db.reading() as session:
        page = enquiries.enquiry_for_expert(session, g.actor, enquiry_id)
        lines = enquiries.own_lines(session, g.actor.expert_id)
    offer = _chosen(page, lines)
    free = _free(offer)
    if page.enquiry.state != "open" or page.proposal is not None or offer is None or free is None:
        return _shown(page, lines, offer, None)
    form = _form(offer, free)
    if request.method == "POST" and form.validate():
        try:
            enquiries.propose(
                house().db, g.actor, enquiry_id=enquiry_id, offer_id=offer.id, price_minor=form.price_minor,
                starts=form.starts, place=form.place.data or "", words=form.words.data or "", accepted=form.accepted,
            )  # fmt: skip
            flash(_("Your proposal is sent."))
            return redirect(url_for("expert.enquiry", enquiry_id=enquiry_id), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            return _shown(page, lines, offer, form, sentence(refusal))
    return _shown(page, lines, offer, form)


def _chosen(page: ForExpert, lines: list[OfferLine]) -> OfferLine | None:
    """The offer asked for in the address, else the one that comes closest to the enquiry, else any."""
    fitting = {one["offer_id"] for one in page.enquiry.fitting}
    asked = [line for line in lines if line.slug == request.args.get("offer")]
    return next(iter([*asked, *(line for line in lines if str(line.id) in fitting), *lines]), None)


def _free(offer: OfferLine | None) -> Free | None:
    """The offer's free slots; None where it cannot be booked now."""
    if offer is None:
        return None
    now = house().clock()
    with house().db.reading() as session:
        try:
            return free_for_offer(session, offer.id, window=(now, now + timedelta(days=61)), now=now)
        except NotBookable:
            return None


def _form(offer: OfferLine, free: Free) -> ProposalForm:
    zone = current_zone_name(free.wanted.calendar.zone)
    form = ProposalForm()
    slots = [
        # An option holds words alone: no mark-up of a first of the month.
        SelectChoice(start.isoformat(), f"{day_long(start, zone).striptags()}, {span(start, end, zone)}")
        for start, end in free.slots[:SLOTS_SHOWN]
    ]
    none = SelectChoice("", _("None"))
    form.first.choices = form.second.choices = [SelectChoice("", _("Choose")), *slots]
    form.third.choices = [none, *slots]
    if request.method == "GET":
        form.price.data = Decimal(offer.price_minor) / 100
        form.place.data = free.wanted.expert.meeting_link if offer.format != "on_site" else ""
    return form


def _shown(
    page: ForExpert,
    lines: list[OfferLine],
    offer: OfferLine | None,
    form: ProposalForm | None,
    error: str = "",
) -> Any:
    bad = bool(error or (form is not None and form.errors))
    return render_template(
        "expert/enquiry.html", page=page, lines=lines, offer=offer, form=form, error=error, zone=current_zone_name()
    ), 422 if bad else 200  # fmt: skip

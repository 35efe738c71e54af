"""An expert's own offers: written as drafts, seen as buyers will see them, submitted, closed and opened again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import DraftSavedElsewhere, NotFound, PriceRefused, Refusal
from ...domain.moderation import TARGETS
from ...domain.offers import LEAST_PRICE, MOST_PRICE, changes, missing, tidied
from ...domain.pricing import Quote
from ...services import offers
from ...services.offers import Taxonomy
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferDraft
from ..access import door_own_offer, rule
from ..formats import lang, money
from ..house import house
from ..one_offer import offer_shown, platform_tax
from ..refusals import sentence, status
from . import blueprint
from .offer_form import OfferForm, anchor, price_of, typed_of


@blueprint.get("/offers", endpoint="offers")
@rule("offers.list_own")
def offers_list() -> str:
    """All own offers: where each stands, and how it does."""
    with house().db.reading() as session:
        own = offers.own_offers(session, g.actor.expert_id)
        figures = {one.offer_id: one for one in offers.figures(session, g.actor.expert_id, house().clock())}
    return render_template("expert/offers/list.html", own=own, figures=figures)


@blueprint.post("/offers/new")
@rule("offers.list_own")
def new_offer() -> Any:
    """Begin one, and go and write it."""
    return redirect(url_for("expert.offer", offer_id=offers.new_offer(house().db, g.actor)), 303)


@dataclass(frozen=True)
class Desk:
    """What the editor and the pages around it show."""

    offer: Offer
    draft: OfferDraft
    expert: Expert
    names: Taxonomy
    quote: Quote | None
    lacks: tuple[str, ...]
    versions: Any
    diff: Any

    @property
    def read_by(self) -> datetime | None:
        """When the operators should have read it, at the latest."""
        return self.draft.submitted_at + TARGETS["offer"] if self.draft.submitted_at else None

    @property
    def missing(self) -> tuple[str, ...]:
        return missing(self.draft.content)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """What the operators asked about and stands as it was."""
        return offers.unanswered(self.draft)

    @property
    def named(self) -> dict[str, str]:
        """The taxonomy's names in the reader's language, by slug."""
        return {slug: said[lang()] for slug, said in (self.names.topics | self.names.industries).items()}

    @property
    def notes(self) -> dict[str, tuple[str, bool]]:
        """Field → the operators' reason, and whether it was answered; "" is about the whole."""
        if self.draft.state not in ("changes", "draft"):
            return {}
        open_ones = offers.unanswered(self.draft)
        return {name: (note["reason"], name not in open_ones) for name, note in self.draft.notes.items()}


def _desk(offer_id: uuid.UUID) -> Desk:
    offer = door_own_offer(offer_id, "offer.edit")
    now = house().clock()
    with house().db.reading() as session:
        draft = offers.draft_of(session, offer.id)
        expert = session.get_one(Expert, offer.expert_id)
        price = draft.content["price_minor"]
        seller = offers.seller_of(session, expert.id)
        return Desk(
            offer, draft, expert, offers.taxonomy(session),
            offers.quote_for(price, seller, platform_tax(), now) if price else None,
            offers.standing_lacks(session, expert), offers.versions_of(session, offer.id),
            offers.offer_diff(session, offer.id),
        )  # fmt: skip


@blueprint.route("/offers/<uuid:offer_id>", methods=["GET", "POST"])
@rule("offer.edit")
def offer(offer_id: uuid.UUID) -> Any:
    """The editor: shown, and saved by POST; a script saves the same form as one writes."""
    desk = _desk(offer_id)
    form = OfferForm(data=typed_of(desk.draft.content))
    form.offer_choices(desk.names, desk.expert.languages, desk.draft.content["notice_hours"])
    if request.method == "GET":
        return _editor(desk, form)
    refused: Refusal | None = None
    if form.validate():
        try:
            saved = offers.save_offer(
                house().db, g.actor, offer_id=offer_id, fields=form.content,
                revision=request.form.get("revision", type=int),
            )  # fmt: skip
        except NotFound:
            raise
        except PriceRefused as refusal:
            form.price.errors = [sentence(refusal)]
        except Refusal as refusal:
            refused = refusal
        else:
            return _saved(saved)
    if _is_quiet():
        return jsonify(error=sentence(refused) if refused else _first_error(form)), status(
            refused
        ) if refused else 422
    return _editor(_desk(offer_id), form, refused)


def _editor(desk: Desk, form: OfferForm, refused: Refusal | None = None) -> Any:
    answer = render_template(
        "expert/offers/edit.html", desk=desk, form=form, anchor=anchor, least=LEAST_PRICE, most=MOST_PRICE,
        error=sentence(refused) if refused else "",
        elsewhere=_elsewhere(desk, form) if isinstance(refused, DraftSavedElsewhere) else {},
    )  # fmt: skip
    return (answer, status(refused) if refused else 422) if refused or form.errors else answer


def _elsewhere(desk: Desk, form: OfferForm) -> dict[str, Any]:
    """What another window saved, where it differs from what was typed here."""
    typed = {name: tidied(name, value) for name, value in form.content.items()}
    return {name: saved for name, _typed, saved in changes(typed, desk.draft.content)}


def _saved(draft: OfferDraft) -> Any:
    if _is_quiet():
        return jsonify(revision=draft.revision, saved_at=draft.saved_at.isoformat())
    values: dict[str, Any] = {"offer_id": draft.offer_id}
    match request.form.get("then"):
        case "check":
            return redirect(url_for("expert.offer_submit", **values), 303)
        case "preview":
            return redirect(url_for("expert.offer_preview", **values), 303)
        case "price":
            return redirect(url_for("expert.offer", **values, _anchor="price"), 303)
    flash(_("Saved. Nothing is shown to anybody before you submit it."))
    return redirect(url_for("expert.offer", **values), 303)


def _is_quiet() -> bool:
    return request.headers.get("X-Autosave") == "1"


def _first_error(form: OfferForm) -> str:
    return next(f"{field.label.text}{_(': ')}{field.errors[0]}" for field in form if field.errors)


@blueprint.get("/offers/<uuid:offer_id>/preview")
@rule("offer.edit")
def offer_preview(offer_id: uuid.UUID) -> str:
    """The draft as buyers will read it, made by the public page's own builder; nothing can be booked."""
    door_own_offer(offer_id, "offer.edit")
    with house().db.reading() as session:
        page = offers.draft_page(session, offer_id)
        shown = offer_shown(session, page, house().clock())
    return render_template("expert/offers/preview.html", **shown, offer_id=offer_id, back=None, own=True)


@blueprint.route("/offers/<uuid:offer_id>/submit", methods=["GET", "POST"])
@rule("offer.edit")
def offer_submit(offer_id: uuid.UUID) -> Any:
    """What would be sent, against what is live; then sent."""
    desk = _desk(offer_id)
    refused: Refusal | None = None
    if request.method == "POST":
        try:
            offers.submit_offer(house().db, g.actor, offer_id=offer_id)
        except NotFound:
            raise
        except Refusal as refusal:
            refused = refusal
        else:
            flash(_("Your offer is with the operators."))
            return redirect(url_for("expert.offer", offer_id=offer_id), 303)
    answer = render_template(
        "expert/offers/submit.html", desk=desk, anchor=anchor, error=sentence(refused) if refused else ""
    )
    return (answer, status(refused)) if refused else answer


@blueprint.post("/offers/<uuid:offer_id>/withdraw")
@rule("offer.edit")
def offer_withdraw(offer_id: uuid.UUID) -> Any:
    """Take back what was submitted."""
    door_own_offer(offer_id, "offer.edit")
    offers.withdraw_offer(house().db, g.actor, offer_id=offer_id)
    flash(_("Taken back: it is yours to change again."))
    return redirect(url_for("expert.offer", offer_id=offer_id), 303)


@blueprint.post("/offers/<uuid:offer_id>/close")
@rule("offer.edit")
def offer_close(offer_id: uuid.UUID) -> Any:
    """Take a live offer off the site."""
    door_own_offer(offer_id, "offer.edit")
    offers.close_offer(house().db, g.actor, offer_id=offer_id)
    flash(_("Closed: nobody finds or books it any more. Sessions already booked take place."))
    return redirect(url_for("expert.offer", offer_id=offer_id), 303)


@blueprint.post("/offers/<uuid:offer_id>/reopen")
@rule("offer.edit")
def offer_reopen(offer_id: uuid.UUID) -> Any:
    """Show a closed offer again."""
    door_own_offer(offer_id, "offer.edit")
    offers.reopen_offer(house().db, g.actor, offer_id=offer_id)
    flash(_("Open again, as it was last published."))
    return redirect(url_for("expert.offer", offer_id=offer_id), 303)


@blueprint.get("/offers/price")
@rule("offers.list_own")
def price_preview() -> Response:
    """What a buyer would pay and the expert receive for ?price=, each amount in words; else a sentence.

    Asked at every key: a price half typed is no mistake yet, and answered like a whole one (200).
    """
    try:
        price = price_of(request.args.get("price", "")[:20])
    except ValueError:
        price = 0
    if price is None or not LEAST_PRICE <= price <= MOST_PRICE:
        return jsonify(error=sentence(PriceRefused(least=LEAST_PRICE, most=MOST_PRICE)))
    with house().db.reading() as session:
        seller = offers.seller_of(session, g.actor.expert_id)
    quote = offers.quote_for(price, seller, platform_tax(), house().clock())
    return jsonify({name: money(minor) for name, minor in price_lines(quote).items()})


def price_lines(quote: Quote) -> dict[str, int]:
    """The amounts beside the price, by the names the page and its script know them."""
    return {
        **quote.lines,
        "total": quote.total,
        "gross": quote.price + quote.seller_vat,
        "commission": -quote.commission,
        "vat_commission": -quote.vat_commission,
        "share": quote.expert_share,
    }

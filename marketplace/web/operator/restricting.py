"""Hiding, suspending, making and unmaking operators, and taking that back: a page each that says what comes of it.

A page of its own with figures, a reason that is sent and kept, and a button that names the deed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import NotFound, ReasonMissing, Refusal, TextRefused
from ...services.moderation import desk, restricting
from ...services.people import operators
from ...storage.moderation import GROUNDS
from ...storage.people import Person
from ..access import recent, rule
from ..house import house, real_now
from ..language import current_language
from ..refusals import sentence, status
from . import blueprint, ready

# Laid on somebody: the law or rule it rests on is named too.
GROUNDED = ("hide", "suspend")


@blueprint.route("/offers/<uuid:offer_id>/<any(hide,restore):deed>", methods=["GET", "POST"])
@rule("operator.restrict")
@recent
def restrict_offer(offer_id: uuid.UUID, deed: str) -> Any:
    """Hide an offer, or show it again."""
    with house().db.reading() as session:
        page = desk.offer_desk(session, offer_id, house().clock())
    act = restricting.hide_offer if deed == "hide" else restricting.restore_offer
    return _decide(
        f"offer_{deed}", lambda **words: act(house().db, g.actor, offer_id=offer_id, **words),
        done=_("The offer is hidden. Its expert reads why.") if deed == "hide" else _("The offer is shown again."),
        back=url_for("operator.offer", offer_id=offer_id), page=page, title=page.title, receiver=page.owner,
    )  # fmt: skip


@blueprint.route("/reviews/<uuid:review_id>/<any(hide,restore):deed>", methods=["GET", "POST"])
@rule("operator.restrict")
@recent
def restrict_review(review_id: uuid.UUID, deed: str) -> Any:
    """Hide a client's review, or show it again."""
    with house().db.reading() as session:
        review, shown = desk.review_about(session, review_id)
        author = session.get(Person, review.author_id) if review.author_id else None
    act = restricting.hide_review if deed == "hide" else restricting.restore_review
    return _decide(
        f"review_{deed}", lambda **words: act(house().db, g.actor, review_id=review_id, **words),
        done=_("The review is hidden. Its author reads why.") if deed == "hide" else _("The review is shown again."),
        back=url_for("operator.offer", offer_id=review.offer_id), page=review, title=review.author_name, shown=shown,
        receiver=author,
    )  # fmt: skip


@blueprint.route("/people/<uuid:person_id>/<any(suspend,restore):standing>", methods=["GET", "POST"])
@rule("operator.restrict")
@recent
def restrict_person(person_id: uuid.UUID, standing: str) -> Any:
    """Suspend somebody, or end that."""
    with house().db.reading() as session:
        page = desk.person_page(session, person_id, real_now=real_now())

    def act(**words: str) -> None:
        if standing == "suspend":
            restricting.suspend(house().db, g.actor, person_id=person_id, real_now=real_now(), **words)
        else:
            restricting.restore_person(house().db, g.actor, person_id=person_id, **words)

    return _decide(
        f"person_{standing}", act, page=page, title=page.person.name, receiver=page.person,
        done=_("%(name)s is suspended and reads why.", name=page.person.name) if standing == "suspend"
        else _("%(name)s is no longer suspended.", name=page.person.name),
        back=url_for("operator.person", person_id=person_id),
    )  # fmt: skip


@blueprint.route("/people/<uuid:person_id>/operator/<any(grant,revoke):office>", methods=["GET", "POST"])
@rule("operator.grant")
@recent
def appoint(person_id: uuid.UUID, office: str) -> Any:
    """Make somebody an operator, or an ordinary person again."""
    with house().db.reading() as session:
        page = desk.person_page(session, person_id, real_now=real_now())
    act = operators.grant_operator if office == "grant" else operators.revoke_operator
    return _decide(
        f"operator_{office}",
        lambda **words: act(house().db, g.actor, person_id=person_id, real_now=real_now(), **words),
        done=_("%(name)s is an operator now.", name=page.person.name) if office == "grant"
        else _("%(name)s is no longer an operator.", name=page.person.name),
        back=url_for("operator.person", person_id=person_id), page=page, title=page.person.name,
    )  # fmt: skip


def _decide(
    deed: str, act: Callable[..., None], *, done: str, back: str, receiver: Person | None = None, **facts: Any
) -> Any:
    """The page, and on its button the act; a refusal comes back on it, at its field, with what was typed."""
    errors: dict[str, str] = {}
    code = 200
    language = receiver.language if receiver else current_language()
    offered = ready.sentences(deed, "", language)
    if request.method == "POST":
        words = {"reason": ready.said(request.form.get("reason", ""), request.form.get("ready", ""), offered)}
        if deed.endswith(GROUNDED):
            words["ground"] = request.form.get("ground", "")
        try:
            if words.get("ground", GROUNDS[0]) not in GROUNDS:
                errors["ground"], code = _("Say on which ground it rests."), 422
            if not words["reason"].strip():
                raise ReasonMissing
            if not errors:
                act(**words)
        except NotFound:
            raise
        except Refusal as refusal:
            field = "reason" if isinstance(refusal, ReasonMissing | TextRefused) else ""
            errors[field], code = sentence(refusal), status(refusal)
        if not errors:
            flash(done)
            return redirect(back, 303)
    page = render_template(
        "operator/restrict.html", deed=deed, grounds=GROUNDS if deed.endswith(GROUNDED) else (), back=back,
        errors=errors, typed=request.form, most=restricting.LONGEST_REASON, ready=offered, receiver=language,
        receiver_name=receiver.name if receiver else "", **facts,
    )  # fmt: skip
    return page, code

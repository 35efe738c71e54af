"""Chargebacks as operators answer them: the list by deadline, one with its evidence as it will be sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, request, url_for

from ...domain.errors import NotFound, Refusal
from ...services import chargebacks as desk
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence, status
from . import blueprint


@blueprint.get("/chargebacks", endpoint="chargebacks")
@rule("operator.chargebacks")
def chargebacks_list() -> str:
    """What waits for an answer by deadline, what the bank decides on, what is over."""
    asked = request.args.get("tab", "")
    tab = asked if asked in desk.TABS else desk.TABS[0]
    with house().db.reading() as session:
        listed = desk.list_chargebacks(session, tab=tab, after=read_cursor(request.args.get("after")))
        counts = desk.chargeback_counts(session)
    after = write_cursor(listed.after) if listed.after else None
    return render_template(
        "operator/chargebacks.html", listed=listed, tab=tab, tabs=desk.TABS, counts=counts,
        now=house().clock(), zone=current_zone_name(),
        next_url=url_for("operator.chargebacks", tab=tab, after=after) if after else None,
    )  # fmt: skip


@blueprint.get("/chargebacks/<uuid:chargeback_id>")
@rule("operator.chargebacks")
def chargeback(chargeback_id: UUID) -> Any:
    """One chargeback: what is frozen, until when, the evidence, its steps and its entries."""
    return _page(chargeback_id)


def _page(chargeback_id: UUID, *, refused: Refusal | None = None, field: str = "") -> Any:
    now = house().clock()
    with house().db.reading() as session:
        page = desk.chargeback_page(session, chargeback_id)
    answer = render_template(
        "operator/chargeback.html", page=page, c=page.row, now=now, zone=current_zone_name(), typed=request.form,
        error=sentence(refused) if refused else "", wrong=field if refused else "",
    )  # fmt: skip
    return (answer, status(refused)) if refused else answer


@blueprint.post("/chargebacks/<uuid:chargeback_id>/statement")
@rule("chargeback.answer")
def chargeback_statement(chargeback_id: UUID) -> Any:
    """An operator's own words in the evidence, which is built anew."""
    return _answer(
        chargeback_id, "words",
        lambda: desk.save_statement(
            house().db, g.actor, chargeback_id=chargeback_id, words=request.form.get("words", ""),
            site=house().config.site_name,
        ),
    )  # fmt: skip


@blueprint.post("/chargebacks/<uuid:chargeback_id>/send")
@rule("chargeback.answer")
def chargeback_send(chargeback_id: UUID) -> Any:
    """Send the evidence that the page showed, once."""
    return _answer(
        chargeback_id, "send",
        lambda: desk.send(
            house().db, g.actor, chargeback_id=chargeback_id, shown=request.form.get("shown", "")
        ),
    )  # fmt: skip


@blueprint.post("/chargebacks/<uuid:chargeback_id>/books")
@rule("chargeback.answer")
def chargeback_books(chargeback_id: UUID) -> Any:
    """Say how a loss is booked, in the place of the rule."""
    return _answer(
        chargeback_id, "reason",
        lambda: desk.say_otherwise(
            house().db, g.actor, chargeback_id=chargeback_id, booked_as=request.form.get("booked_as", ""),
            reason=request.form.get("reason", ""),
        ),
    )  # fmt: skip


def _answer(chargeback_id: UUID, field: str, act: Any) -> Any:
    try:
        act()
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(chargeback_id, refused=refusal, field=field)
    return redirect(url_for("operator.chargeback", chargeback_id=chargeback_id), 303)

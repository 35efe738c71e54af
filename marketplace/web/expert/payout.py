"""The account one is paid on: what the provider still asks, in words, and the way to its page that cures it."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, url_for

from ...domain.errors import CountryNotServed, DraftIncomplete, ProviderBusy
from ...services import experts
from ...storage.experts import Expert
from ..access import rule
from ..house import house
from ..refusals import sentence
from . import blueprint


@blueprint.get("/account")
@rule("expert.apply")
def account() -> Any:
    """How far the account is, as we last fetched it."""
    with house().db.reading() as session:
        expert = session.get_one(Expert, g.actor.expert_id)
        content = experts.profile_of(session, expert.id).content
    ready = bool(expert.account_id or (content["legal_name"] and content["country"]))
    return render_template("expert/application/account.html", expert=expert, content=content, ready=ready)


@blueprint.post("/account/onboarding")
@rule("expert.apply")
def onboarding() -> Any:
    """To the provider's own page, made on the click."""
    try:
        return redirect(_onboarding_address(), 303)
    except (DraftIncomplete, CountryNotServed) as refusal:
        flash(sentence(refusal), "error")
        return redirect(url_for("expert.identity"), 303)


@blueprint.post("/account/dashboard")
@rule("expert.home")
def dashboard() -> Any:
    """To one's own pages at the provider: bank account, payouts, papers; the address is made on the click."""
    try:
        return redirect(experts.open_dashboard(house().db, house().payments, g.actor), 303)
    except ProviderBusy as busy:
        flash(sentence(busy), "error")
        return redirect(url_for("expert.money"), 303)


@blueprint.get("/account/again")
@rule("expert.apply")
def account_again() -> Any:
    """The provider's link was used or ran out: the next one, for an account that exists."""
    with house().db.reading() as session:
        known = session.get_one(Expert, g.actor.expert_id).account_id
    try:
        return redirect(_onboarding_address() if known else url_for("expert.account"), 303)
    except ProviderBusy as busy:
        flash(sentence(busy), "error")
        return redirect(url_for("expert.account"), 303)


@blueprint.get("/account/returned")
@rule("expert.apply")
def account_returned() -> Any:
    """Back from the provider: coming back proves nothing, so the account is fetched."""
    try:
        experts.refresh_own_account(house().db, house().payments, g.actor)
    except ProviderBusy as busy:
        flash(sentence(busy), "error")
    return redirect(url_for("expert.account"), 303)


def _onboarding_address() -> str:
    return experts.open_onboarding(
        house().db, house().payments, g.actor,
        return_url=url_for("expert.account_returned", _external=True),
        refresh_url=url_for("expert.account_again", _external=True),
    )  # fmt: skip

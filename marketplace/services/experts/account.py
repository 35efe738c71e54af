"""The expert's account at the payment provider: opened on the click, fetched on the way back (payments.md)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ...domain.errors import CountryNotServed, DraftIncomplete, NotFound, ProviderBusy
from ...domain.ids import new_id
from ...domain.policy import Actor
from ...gateways.payments import ACCOUNT_COUNTRIES, AccountSeen, PaymentError, Payments
from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.people import Person
from .drafting import profile_of


@dataclass(frozen=True)
class _Asked:
    """What the provider is told of an expert when the account is made."""

    key: str
    reference: str
    email: str
    name: str
    country: str


def open_onboarding(
    db: Database, payments: Payments, actor: Actor, *, return_url: str, refresh_url: str
) -> str:
    """The provider's own page, made on the click; the account is made the first time.

    Nothing is called inside a transaction. DraftIncomplete (legal_name, country), CountryNotServed,
    ProviderBusy, NotFound.
    """
    account_id, asked = _known(db, actor)
    try:
        if account_id is None:
            seen = payments.create_account(
                key=asked.key, reference=asked.reference, email=asked.email, name=asked.name, country=asked.country
            )  # fmt: skip
            account_id = _keep(db, actor, seen)
        return payments.onboarding_link(
            key=f"onboarding-{new_id()}", account_id=account_id, return_url=return_url, refresh_url=refresh_url
        ).url  # fmt: skip
    except PaymentError as error:
        raise ProviderBusy from error


def open_dashboard(db: Database, payments: Payments, actor: Actor) -> str:
    """The expert's own pages at the provider, for one use, made on the click. NotFound without an account,
    ProviderBusy."""
    account_id, _asked = _known(db, actor, opening=False)
    if account_id is None:
        raise NotFound
    try:
        return payments.dashboard_link(key=f"dashboard-{new_id()}", account_id=account_id)
    except PaymentError as error:
        raise ProviderBusy from error


def refresh_own_account(db: Database, payments: Payments, actor: Actor) -> None:
    """Fetch the account: coming back from the provider's page proves nothing. ProviderBusy, NotFound."""
    account_id, _asked = _known(db, actor, opening=False)
    if account_id is None:
        return
    try:
        seen = payments.account(account_id)
    except PaymentError as error:
        raise ProviderBusy from error
    _keep(db, actor, seen)


def _known(db: Database, actor: Actor, *, opening: bool = True) -> tuple[str | None, _Asked]:
    with db.reading() as session:
        expert = session.get(Expert, actor.expert_id) if actor.expert_id else None
        if expert is None:
            raise NotFound
        content = profile_of(session, expert.id).content
        person = session.get_one(Person, expert.person_id)
    name, country = content["legal_name"] or expert.legal_name or "", content["country"]
    if opening and expert.account_id is None:
        missing = tuple(field for field, given in (("legal_name", name), ("country", country)) if not given)
        if missing:
            raise DraftIncomplete(missing=missing)
        if country not in ACCOUNT_COUNTRIES:
            raise CountryNotServed(country=country)
    # The same words give the same account, however often a lost answer makes us ask again; other words would
    # be refused under the first key.
    told = hashlib.sha256("\n".join((person.email, name, country)).encode()).hexdigest()[:16]
    return expert.account_id, _Asked(
        f"account-{expert.id}-{told}", str(expert.id), person.email, name, country
    )


def _keep(db: Database, actor: Actor, seen: AccountSeen) -> str:
    """Of two clicks at once the first one's account stands."""
    with db.transaction() as tx:
        expert = tx.session.get(Expert, actor.expert_id, with_for_update=True)
        if expert is None:
            raise NotFound
        if expert.account_id in (None, seen.id):
            expert.account_id = seen.id
            expert.account_status, expert.account_asks = seen.transfers_status, list(seen.asked)
        return str(expert.account_id)

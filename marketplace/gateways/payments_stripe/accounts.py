"""Experts' accounts: second generation, made and completed on the provider's own pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from marketplace.gateways.payments import ACCOUNT_COUNTRIES, AccountSeen, Link, Refused

from .asked import Asked
from .errors import asking
from .reading import account_seen

if TYPE_CHECKING:
    from stripe.params.v2.core import AccountCreateParams, AccountLinkCreateParams, AccountRetrieveParams


class Accounts(Asked):
    """`Payments`, as far as it is about an expert's account."""

    def create_account(self, *, key: str, reference: str, email: str, name: str, country: str) -> AccountSeen:
        if country not in ACCOUNT_COUNTRIES:
            raise Refused("country_unsupported", country)
        asked: AccountCreateParams = {
            "contact_email": email,
            "display_name": name,
            "dashboard": "express",
            "identity": {"country": country},
            "configuration": {
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
            },
            "defaults": {
                "responsibilities": {"fees_collector": "application", "losses_collector": "application"}
            },
            "metadata": {"reference": reference},
            "include": ["configuration.recipient", "identity", "requirements"],
        }
        with asking():
            made = self._client.v2.core.accounts.create(asked, {"idempotency_key": key})
            return account_seen(made.to_dict())

    def account(self, account_id: str) -> AccountSeen:
        asked: AccountRetrieveParams = {"include": ["configuration.recipient", "identity", "requirements"]}
        with asking():
            return account_seen(self._client.v2.core.accounts.retrieve(account_id, asked).to_dict())

    def onboarding_link(self, *, key: str, account_id: str, return_url: str, refresh_url: str) -> Link:
        asked: AccountLinkCreateParams = {
            "account": account_id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"return_url": return_url, "refresh_url": refresh_url},
            },
        }
        with asking():
            link = self._client.v2.core.account_links.create(asked, {"idempotency_key": key}).to_dict()
            return Link(url=link["url"], until=datetime.fromisoformat(link["expires_at"]).astimezone(UTC))

    def dashboard_link(self, *, key: str, account_id: str) -> str:
        with asking():
            link = self._client.v1.accounts.login_links.create(account_id, {}, {"idempotency_key": key})
            return str(link.to_dict()["url"])

"""Experts' accounts: what they show, what is told of them in both generations, the links into their pages."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import accounts

from .conftest import Shop

STATUS = "v2.core.account[configuration.recipient].capability_status_updated"
ASKED = "v2.core.account[requirements].updated"


def thin(shop: Shop) -> list[dict[str, Any]]:
    with shop.books() as books:
        return list(reversed(books.find("v2.core.event")))


def test_only_what_is_asked_for_is_shown(shop: Shop) -> None:
    account = shop.account()
    seen = shop.client.v2.core.accounts.retrieve(account)
    assert (seen.configuration, seen.identity, seen.requirements) == (None, None, None)
    whole: Any = shop.client.v2.core.accounts.retrieve(
        account, {"include": ["configuration.recipient", "identity", "requirements", "defaults"]}
    )
    assert whole.configuration.recipient.capabilities.stripe_balance.stripe_transfers.status == "active"
    assert (whole.identity.country, whole.requirements.entries) == ("FR", [])
    assert whole.defaults.responsibilities.requirements_collector == "stripe"


def test_both_generations_are_told(shop: Shop) -> None:
    account = shop.account("ask")
    (asked,) = thin(shop)  # Restricted before as after; other things are asked than at first.
    assert (asked["type"], asked["related_object"]["id"]) == (ASKED, account)
    shop.does(accounts.becomes, "v2.core.account", account, "complete")
    assert [one["type"] for one in thin(shop)[1:]] == [STATUS, ASKED]
    shop.does(accounts.becomes, "v2.core.account", account, "restrict")
    assert [one["type"] for one in thin(shop)[3:]] == [STATUS]
    told = [event["data"]["object"] for event in shop.at.events() if event["type"] == "account.updated"]
    assert [one["capabilities"]["transfers"] for one in told] == ["inactive", "active", "inactive"]
    assert [one["requirements"]["disabled_reason"] for one in told] == [
        "requirements.past_due",
        None,
        "other",
    ]


def test_a_thin_event_can_be_fetched(shop: Shop) -> None:
    shop.account()
    event = thin(shop)[0]
    seen = shop.client.v2.core.events.retrieve(event["id"])
    assert (seen.type, seen.object) == (event["type"], "v2.core.event")


def test_a_link_into_the_experts_own_view(shop: Shop) -> None:
    fresh = shop.client.v2.core.accounts.create({"display_name": "E", "identity": {"country": "FR"}})
    with pytest.raises(stripe.InvalidRequestError, match="onboarding"):
        shop.v1.accounts.login_links.create(fresh.id)
    link = shop.v1.accounts.login_links.create(shop.account())
    assert link.url.startswith(f"{shop.at.site}/express/")


def test_a_country_without_accounts_is_refused_by_name(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="JP"):
        shop.client.v2.core.accounts.create({"identity": {"country": "jp"}})

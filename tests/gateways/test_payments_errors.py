"""What the package raises, and what the door makes of it; and whose signature is believed."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
import stripe

from marketplace.gateways import payments as port
from marketplace.gateways.payments_stripe import StripePayments, our_error

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECRETS = ("whsec_new", "whsec_old")


def raised(kind: type[stripe.StripeError], status: int, **error: str) -> stripe.StripeError:
    """The package's error as it makes it from an answer."""
    more: dict[str, Any] = {"http_status": status, "json_body": {"error": error}}
    if kind in (stripe.CardError, stripe.InvalidRequestError):
        more |= {"param": None, "code": error.get("code")}
    return kind("said so", **more)


@pytest.mark.parametrize(
    ("theirs", "ours", "reason", "facts"),
    [
        (raised(stripe.CardError, 402, code="card_declined", decline_code="lost_card"), port.Declined, "lost_card", {}),
        (raised(stripe.CardError, 402, code="card_declined"), port.Declined, "card_declined", {}),
        (
            raised(stripe.CardError, 402, code="card_declined", decline_code="authentication_required"),
            port.NeedsAction, "authentication_required", {},
        ),
        (raised(stripe.CardError, 402, code="authentication_required"), port.NeedsAction, "authentication_required", {}),
        (
            raised(stripe.InvalidRequestError, 400, code="payment_intent_unexpected_state"),
            port.Refused, "payment_intent_unexpected_state", {"look": True, "stop": False},
        ),
        (
            raised(stripe.InvalidRequestError, 400, code="charge_already_refunded"),
            port.Refused, "charge_already_refunded", {"look": True, "stop": False},
        ),
        (
            raised(stripe.InvalidRequestError, 400, code="parameter_unknown"),
            port.Refused, "parameter_unknown", {"look": False, "stop": False},
        ),
        (
            raised(stripe.InvalidRequestError, 400, code="balance_insufficient"),
            port.Unavailable, "balance_insufficient", {"new_key": True},
        ),
        (
            raised(stripe.InvalidRequestError, 400, code="insufficient_capabilities_for_transfer"),
            port.Unavailable, "account_restricted", {"new_key": True},
        ),
        (raised(stripe.IdempotencyError, 400), port.Refused, "key_used_otherwise", {"stop": True}),
        (raised(stripe.APIError, 409, code="idempotency_key_in_use"), port.Unavailable, "idempotency_key_in_use",
         {"new_key": False}),
        (raised(stripe.RateLimitError, 429), port.Unavailable, "busy", {"new_key": False}),
        (raised(stripe.APIError, 500), port.Unknown, "no_answer", {}),
        (stripe.APIError("a page of a proxy", http_status=502, json_body=None), port.Unknown, "no_answer", {}),
        (stripe.APIConnectionError("nobody there"), port.Unknown, "no_answer", {}),
        (raised(stripe.AuthenticationError, 401), port.Refused, "not_allowed", {"stop": True}),
        (raised(stripe.PermissionError, 403), port.Refused, "not_allowed", {"stop": True}),
    ],
)  # fmt: skip
def test_every_error_has_one_meaning(
    theirs: stripe.StripeError, ours: type[port.PaymentError], reason: str, facts: dict[str, bool]
) -> None:
    made = our_error(theirs)
    assert type(made) is ours
    assert made.reason == reason
    assert {name: getattr(made, name) for name in facts} == facts


def gateway(*, live: bool = False) -> StripePayments:
    return StripePayments("sk_test_x", SECRETS, api_base="http://127.0.0.1:9", live=live)


def event(**change: Any) -> bytes:
    about = {"id": "pi_1", "object": "payment_intent", "metadata": {"reference": "ref-1"}}
    whole = {
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": int(NOW.timestamp()),
        "livemode": False, "data": {"object": about},
    }  # fmt: skip
    return json.dumps(whole | change).encode()


def signed(body: bytes, *secrets: str, seconds: int = 0, scheme: str = "v1") -> str:
    stamp = str(int(NOW.timestamp()) + seconds)
    made = [hmac.new(one.encode(), f"{stamp}.".encode() + body, sha256).hexdigest() for one in secrets]
    return ",".join([f"t={stamp}", *(f"{scheme}={one}" for one in made)])


@pytest.mark.parametrize("secrets", [("whsec_new",), ("whsec_old",), ("whsec_strange", "whsec_old")])
def test_any_configured_secret_is_believed_while_it_rotates(secrets: tuple[str, ...]) -> None:
    read = gateway().parse_event(event(), signed(event(), *secrets), now=NOW)
    assert (read.object_kind, read.object_id, read.intent_id) == ("payment", "pi_1", "pi_1")
    assert read.reference == "ref-1"
    assert read.created == NOW


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "no_signature"),
        ("nonsense", "bad_signature"),
        ("t=,v1=", "bad_signature"),
        ("t=١٢,v1=00", "bad_signature"),
        ("t=1,t=2,v1=00", "bad_signature"),
        (f"t={'9' * 400},v1=00", "bad_signature"),
        ("t=1764000000,v1=é", "bad_signature"),
        (signed(event(), "whsec_new", scheme="v0"), "bad_signature"),
        (signed(event(), ""), "bad_signature"),
        (signed(event(), "whsec_new", seconds=-301), "too_old"),
        (signed(event(), "whsec_new", seconds=6), "from_the_future"),
    ],
)
def test_no_other_signature_is(signature: str, reason: str) -> None:
    with pytest.raises(port.NotTrusted) as refused:
        gateway().parse_event(event(), signature, now=NOW)
    assert refused.value.reason == reason


@pytest.mark.parametrize("seconds", [-300, 0, 5])
def test_within_five_minutes_it_is(seconds: int) -> None:
    assert (
        gateway().parse_event(event(), signed(event(), "whsec_new", seconds=seconds), now=NOW).id == "evt_1"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (event(livemode=True), "wrong_mode"),
        (event(livemode="false"), "bad_shape"),
        (event(id="evt\x00"), "bad_shape"),
        (event(id="\ud800"), "bad_shape"),
        (event(created="soon"), "bad_shape"),
        (event(created=10**30), "bad_shape"),
        (event(data=None), "bad_shape"),
        (b"[]", "bad_shape"),
        (b"[" * 100_000, "bad_json"),
    ],
)
def test_signed_nonsense_has_a_name(body: bytes, reason: str) -> None:
    with pytest.raises(port.NotTrusted) as refused:
        gateway().parse_event(body, signed(body, "whsec_new"), now=NOW)
    assert refused.value.reason == reason


def test_a_live_door_takes_live_events_alone() -> None:
    body = event(livemode=True)
    assert gateway(live=True).parse_event(body, signed(body, "whsec_new"), now=NOW).live
    with pytest.raises(port.NotTrusted):
        gateway(live=True).parse_event(event(), signed(event(), "whsec_new"), now=NOW)


def test_a_thin_event_names_its_account() -> None:
    body = json.dumps(
        {
            "id": "evt_2", "object": "v2.core.event", "type": "v2.core.account[requirements].updated",
            "created": "2026-11-24T09:00:00.000Z", "livemode": False, "context": None,
            "related_object": {"id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1"},
        }
    ).encode()  # fmt: skip
    read = gateway().parse_event(body, signed(body, "whsec_new"), now=NOW)
    assert (read.object_kind, read.object_id, read.created) == ("account", "acct_1", NOW)


def test_an_account_elsewhere_is_refused_by_name_before_anybody_is_asked() -> None:
    with pytest.raises(port.Refused) as refused:
        gateway().create_account(key="k", reference="e", email="e@x.example", name="E", country="BR")
    assert (refused.value.reason, refused.value.detail) == ("country_unsupported", "BR")


@pytest.mark.parametrize(
    ("about", "kind", "intent", "charge"),
    [
        ({"object": "dispute", "id": "du_1", "charge": "ch_1", "payment_intent": "pi_1"}, "chargeback", "pi_1", "ch_1"),
        ({"object": "dispute", "id": "du_1", "charge": "ch_1", "payment_intent": None}, "chargeback", None, "ch_1"),
        ({"object": "dispute", "id": "du_1", "charge": {"id": "ch_1"}}, "chargeback", None, "ch_1"),
        ({"object": "refund", "id": "re_1", "charge": "ch_1", "payment_intent": None}, "refund", None, "ch_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "charge", "pi_1", None),
        ({"object": "payment_intent", "id": "pi_1"}, "payment", "pi_1", None),
        ({"object": "payout", "id": "po_1"}, "payout", None, None),
        ({"object": "cash_balance", "customer": "cus_1"}, "other", None, None),
        (
            {"object": "customer_cash_balance_transaction", "id": "ccsbtxn_1", "type": "applied_to_payment",
             "applied_to_payment": {"payment_intent": "pi_1"}},
            "other", "pi_1", None,
        ),
        ({"object": "balance"}, "other", None, None),
    ],
)  # fmt: skip
def test_what_an_event_is_about(
    about: dict[str, Any], kind: str, intent: str | None, charge: str | None
) -> None:
    body = event(data={"object": about})
    read = gateway().parse_event(body, signed(body, "whsec_new"), now=NOW)
    assert (read.object_kind, read.intent_id, read.charge_id) == (kind, intent, charge)
    assert read.object_id == about.get("id", "-")


def test_the_provider_refuses_what_it_did_not_read() -> None:
    """A 4xx says that nothing was done, whatever class the package gives it; a 5xx or no answer says nothing."""
    for status, ours in ((413, port.Refused), (404, port.Refused), (500, port.Unknown), (503, port.Unknown)):
        assert type(our_error(raised(stripe.APIError, status))) is ours
    assert type(our_error(raised(stripe.APIError, 200))) is port.Unknown

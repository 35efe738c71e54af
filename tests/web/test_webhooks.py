"""The door of the provider's messages: which are believed, and what becomes of the others."""

from __future__ import annotations

import dataclasses
import hmac
import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.gateways.payments import MOST_EVENT_BYTES, REFUSED_BECAUSE
from marketplace.gateways.payments_stripe import StripePayments
from marketplace.services.payments import refused_events
from marketplace.services.payments.refused import MEANINGS
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import InboxEvent
from tests import factories as make
from tests.clock import START, FakeClock

# Own account, connected accounts, thin events; and the one that is being rolled away.
OWN, CONNECTED, THIN, OLD = "whsec_own", "whsec_connected", "whsec_thin", "whsec_old"
OURS, THEIRS = "acct_platform", "acct_expert"


@pytest.fixture
def door(app: Flask, db: Database) -> Iterator[FlaskClient]:
    whole = app.extensions["declic"]
    gateway = StripePayments(
        "sk_test_x", [OWN, CONNECTED, THIN, OLD], api_base="http://127.0.0.1:9", account_id=OURS
    )
    app.extensions["declic"] = dataclasses.replace(whole, payments=gateway)
    expert = make.seller(db).expert
    with db.transaction() as tx:
        tx.session.get_one(Expert, expert.id).account_id = THEIRS
    yield app.test_client()
    app.extensions["declic"] = whole


def event(**more: Any) -> dict[str, Any]:
    return {
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
        "created": int(START.timestamp()), "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    } | more  # fmt: skip


def thin(**more: Any) -> dict[str, Any]:
    return {
        "id": "evt_2", "object": "v2.core.event", "type": "v2.core.account[requirements].updated",
        "livemode": False, "created": "2026-11-24T09:00:00.000Z", "context": None,
        "related_object": {"id": THEIRS, "type": "v2.core.account", "url": f"/v2/core/accounts/{THEIRS}"},
    } | more  # fmt: skip


def post(door: FlaskClient, said: Any, secret: str = OWN, late: int = 0) -> TestResponse:
    """As the provider posts it, signed so many seconds ago."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    stamp = str(int(time.time()) - late)
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    return door.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": f"t={stamp},v1={signed}"})


def inbox(db: Database) -> list[str]:
    with db.reading() as session:
        return list(session.scalars(sa.select(InboxEvent.event_id).order_by(InboxEvent.event_id)))


def counted(db: Database) -> dict[str, int]:
    with db.reading() as session:
        return {row.reason: row.number for row in refused_events(session, since=START.date())}


class TestBelieved:
    @pytest.mark.parametrize("secret", [OWN, CONNECTED, THIN, OLD])
    def test_by_any_secret_while_one_is_rolled(self, door: FlaskClient, db: Database, secret: str) -> None:
        assert post(door, event(), secret).status_code == 200
        assert (inbox(db), counted(db)) == (["evt_1"], {})

    @pytest.mark.parametrize(
        "said",
        [
            event(account=THEIRS), event(account=OURS), event(account=None), thin(), thin(context=THEIRS),
            thin(context=OURS), thin(context=f"org_1/{THEIRS}"),
        ],
        ids=["an expert's", "our own", "of none", "thin", "thin, an expert's", "thin, our own", "thin, by way of"],
    )  # fmt: skip
    def test_of_an_account_that_we_know(self, door: FlaskClient, db: Database, said: dict[str, Any]) -> None:
        assert post(door, said).status_code == 200
        assert inbox(db) == [said["id"]]

    def test_posted_again_it_is_taken_and_changes_nothing(self, door: FlaskClient, db: Database) -> None:
        assert [post(door, event()).status_code for _ in range(3)] == [200, 200, 200]
        # Whatever else stands in it: the id decides.
        assert post(door, event(type="charge.refunded")).status_code == 200
        with db.reading() as session:
            (kept,) = session.scalars(sa.select(InboxEvent)).all()
        assert (kept.kind, counted(db)) == ("payment_intent.succeeded", {})

    def test_the_longest_that_may_come(self, door: FlaskClient, db: Database) -> None:
        said = event(filler="")
        said["filler"] = "x" * (MOST_EVENT_BYTES - len(json.dumps(said)))
        assert post(door, said).status_code == 200
        said["filler"] += "x"
        assert (post(door, said).status_code, counted(db)) == (413, {"too_large": 1})


class TestRefused:
    @pytest.mark.parametrize(
        ("said", "secret", "late", "reason"),
        [
            (event(), "whsec_stranger", 0, "bad_signature"),
            (event(), "", 0, "bad_signature"),
            (event(), OWN, 301, "too_old"),
            (event(), OWN, -60, "from_the_future"),
            (b"\xff", OWN, 0, "bad_encoding"),
            (b"{", OWN, 0, "bad_json"),
            (b"[" * 100_000, OWN, 0, "bad_json"),
            (b"[]", OWN, 0, "bad_shape"),
            (b"null", OWN, 0, "bad_shape"),
            (event(id="../../x"), OWN, 0, "bad_shape"),
            (event(data={}), OWN, 0, "bad_shape"),
            (event(livemode="false"), OWN, 0, "bad_shape"),
            (event(created=10**30), OWN, 0, "bad_shape"),
            (thin(created="yesterday"), OWN, 0, "bad_shape"),
            (thin(related_object=3), OWN, 0, "bad_shape"),
            (event(livemode=True), OWN, 0, "wrong_mode"),
            (thin(livemode=True), THIN, 0, "wrong_mode"),
            (event(account="acct_stranger"), CONNECTED, 0, "wrong_account"),
            (thin(context="acct_stranger"), THIN, 0, "wrong_account"),
            (thin(context=f"{OURS}/acct_stranger"), THIN, 0, "wrong_account"),
        ],
    )
    def test_and_counted_by_reason(
        self, door: FlaskClient, db: Database, said: Any, secret: str, late: int, reason: str
    ) -> None:
        answer = post(door, said, secret, late)
        assert (answer.status_code, answer.json) == (400, {"error": reason})
        assert (inbox(db), counted(db)) == ([], {reason: 1})

    @pytest.mark.parametrize(
        ("header", "reason"),
        [
            (None, "no_signature"), ("", "no_signature"), ("v1=00", "bad_signature"), ("t=1", "bad_signature"),
            ("t=x,v1=00", "bad_signature"), ("t=1,t=2,v1=00", "bad_signature"), ("t=1,v1=é", "bad_signature"),
            ("t=" + "9" * 40 + ",v1=00", "bad_signature"), ("t=1,v0=00", "bad_signature"), (",,,=", "bad_signature"),
        ],
    )  # fmt: skip
    def test_whatever_stands_for_a_signature(
        self, door: FlaskClient, db: Database, header: str | None, reason: str
    ) -> None:
        headers = {} if header is None else {"Stripe-Signature": header}
        assert door.post("/webhooks/stripe", data=b"{}", headers=headers).json == {"error": reason}
        assert counted(db) == {reason: 1}

    def test_the_count_goes_by_day(self, door: FlaskClient, db: Database, clock: FakeClock) -> None:
        for _ in range(3):
            post(door, event(), "whsec_stranger")
        post(door, event(account="acct_stranger"))
        clock.move(timedelta(days=1))
        post(door, event(), "whsec_stranger")
        with db.reading() as session:
            rows = [
                (row.day, row.reason, row.number, row.last_at)
                for row in refused_events(session, since=START.date())
            ]
            today = refused_events(session, since=clock.now.date())
        tomorrow = START + timedelta(days=1)
        assert rows == [
            (tomorrow.date(), "bad_signature", 1, tomorrow),
            (START.date(), "bad_signature", 3, START),
            (START.date(), "wrong_account", 1, START),
        ]
        assert len(today) == 1

    def test_the_log_says_what_to_look_at(self, door: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "marketplace.services.payments"):
            post(door, event(), "whsec_stranger")
        assert "STRIPE_WEBHOOK_SECRETS lacks one" in caplog.text

    def test_each_reason_has_its_meaning(self) -> None:
        assert set(MEANINGS) == set(REFUSED_BECAUSE)

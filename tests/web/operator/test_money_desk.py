"""The money desk: its numbers and their lists agree; the fees that apply are said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services.moderation import money_desk
from marketplace.services.payments.refused import refuse_event
from marketplace.storage.db import Database
from marketplace.storage.payments import Payment, ProviderCall, Refund
from marketplace.storage.payouts import Transfer
from tests import factories as make
from tests.clock import FakeClock

Browser = Callable[[Any], FlaskClient]


@pytest.fixture
def here(db: Database, browser: Browser) -> FlaskClient:
    return browser(make.person(db, name="Odile Marchal", operator=True))


def trouble(db: Database) -> make.Made:
    """A captured booking with one of everything that can be stuck."""
    made = make.booking(db, state="confirmed")
    payment = make.payment_of(db, made)
    with db.transaction() as tx:
        # What the factory asked of a provider that is not there.
        tx.session.execute(sa.update(ProviderCall).values(state="done", ended_at=tx.now))
        row = tx.session.get_one(Payment, payment.id)
        row.problem = {"what": "transfer", "minor": 100, "currency": "EUR"}
        told = {
            "payment_id": row.id,
            "lines": {"price": 1_000},
            "after_share": True,
            "why": "test",
            "decided_at": tx.now,
        }
        tx.session.add_all([
            ProviderCall(payment_id=row.id, kind="refund", token=f"t{row.id}", parameters={"amount_minor": 1_000},
                         state="sent", tries=3, error="api_connection_error", made_at=tx.now),
            Refund(token=f"a{row.id}", amount_minor=1_000, state="failed", failure="expired_or_canceled_card", **told),
            Refund(token=f"b{row.id}", amount_minor=2_000, state="intended", waits_for="top_up", **told),
            Refund(token=f"c{row.id}", amount_minor=5_000, state="done", back_minor=4_000, gap_minor=4_000,
                   provider_id=f"re_{row.id}", **told),
            Transfer(payment_id=row.id, expert_id=row.payee_expert_id, subject=row.subject, amount_minor=3_000,
                     due_at=tx.now, why="due", held_up_by="account_restricted", made_at=tx.now),
        ])  # fmt: skip
    return made


def numbers(db: Database) -> dict[str, tuple[int, int]]:
    with db.reading() as session:
        return {kind: (n.count, n.minor) for kind, n in money_desk.numbers(session, db.clock()).items()}


def test_nothing_is_stuck_in_a_quiet_house(db: Database, here: FlaskClient) -> None:
    make.booking(db, state="confirmed")
    assert set(numbers(db).values()) == {(0, 0)}
    for language in ("en", "fr"):
        assert here.get(f"/{language}/operator/money").status_code == 200


def test_each_number_is_that_of_its_list(db: Database, here: FlaskClient, clock: FakeClock) -> None:
    made = trouble(db)
    assert numbers(db)["calls"] == (0, 0)  # Not yet: the answer may be on its way.
    clock.move(timedelta(days=61))
    expected = {
        "calls": (1, 1_000), "differs": (1, 158_400), "refunds": (1, 1_000), "waiting": (1, 2_000),
        "transfers": (1, 3_000), "old": (1, 158_400), "owing": (1, 4_000),
    }  # fmt: skip
    assert numbers(db) == expected
    number = make.read(db, made).number
    for kind in expected:
        page = here.get(f"/en/operator/money/{kind}").text
        assert made.seller.person.name in page if kind == "owing" else number in page
    assert "tried 3 times" in here.get("/en/operator/money/calls").text
    assert "19 days" in here.get("/en/operator/money/old").text


def test_lists_go_on_page_by_page(
    db: Database, here: FlaskClient, clock: FakeClock, monkeypatch: Any
) -> None:
    for _ in range(3):
        trouble(db)
    with db.transaction() as tx:
        tx.session.execute(sa.update(ProviderCall).where(ProviderCall.kind == "refund").values(state="sent"))
    clock.move(timedelta(days=61))
    with db.reading() as session:
        for kind in money_desk.KINDS:
            seen, after = [], None
            while True:
                found = money_desk.listed(session, kind, clock.now, after, most=2)
                seen += [row.id for row in found.rows]
                after = found.after
                if after is None:
                    break
            assert len(seen) == len(set(seen)) == 3, kind


def test_more_trouble_costs_no_more_statements(
    db: Database, here: FlaskClient, clock: FakeClock, count_queries: Any
) -> None:
    def cost(path: str) -> int:
        with count_queries() as counted:
            assert here.get(path).status_code == 200
        return int(counted.number)

    trouble(db)
    clock.move(timedelta(days=61))
    paths = ["/en/operator/money", *(f"/en/operator/money/{kind}" for kind in money_desk.KINDS)]
    cost(paths[0])
    before = {path: cost(path) for path in paths}
    for _ in range(3):
        trouble(db)
    clock.move(timedelta(days=61))
    assert {path: cost(path) for path in paths} == before


def test_messages_that_were_not_believed_are_counted_by_reason(db: Database, here: FlaskClient) -> None:
    for _ in range(2):
        refuse_event(db, "bad_signature")
    page = re.sub(r"<[^>]+>", " ", here.get("/en/operator/money/refused-events").text)
    assert "Signed with none of our secrets" in page


def test_fees_are_shown_with_the_day_they_apply_from(here: FlaskClient) -> None:
    page = here.get("/en/operator/money").text
    assert "Fees that apply" in page
    assert "Applies now" in page


def test_others_find_no_desk(db: Database, browser: Browser) -> None:
    for person in (make.lead(db).person, make.seller(db).person):
        assert browser(person).get("/en/operator/money").status_code == 404

"""The timeline: every move has words in both languages, and each side reads what it may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale

from marketplace.domain.bookings import Move
from marketplace.services import bookings
from marketplace.services.bookings.reading import booking_page
from marketplace.storage.bookings import BookingMove
from marketplace.storage.db import Database
from marketplace.web.timeline import BEFORE_THE_ASKING, OPERATORS_OWN, move_words, timeline
from tests import factories as make

# Rows beside the table's moves.
BESIDES = ("stray_money", "report_taken_back", "decision_proposed", "decision_dropped", "decision_accepted",
           *(f"{kind}_{how}" for kind in ("reschedule", "second_session")
             for how in ("proposed", "refused", "withdrawn", "over")))  # fmt: skip


@pytest.mark.parametrize("move", [*map(str, Move), *BESIDES])
def test_every_move_has_words(app: Flask, move: str) -> None:
    with app.test_request_context("/en/"), force_locale("en"):
        english = move_words(move, "requested")
    with app.test_request_context("/fr/"), force_locale("fr"):
        french = move_words(move, "requested")
    assert english != move
    assert "_" not in english
    assert french not in (move, english)


def test_each_side_reads_what_it_may(app: Flask, db: Database) -> None:
    made = make.booking(db)
    bookings.extend(db, made.lead.actor, booking_id=made.id, token="more")
    make.write_brief(db, made)
    make.authorise(db, make.open_payment(db, made))
    with db.transaction() as tx:
        row = BookingMove(
            booking_id=made.id, token="x", at=tx.now + timedelta(minutes=1), actor_kind="operator", move="decision_proposed",
            from_state="requested", to_state="requested", reason="",
        )  # fmt: skip
        tx.session.add(row)
    with db.reading() as session:
        page = booking_page(session, make.read(db, made))
    with app.test_request_context("/en/"), force_locale("en"):
        hidden = {move: move_words(move, "held") for move in BEFORE_THE_ASKING | OPERATORS_OWN}
        seen = {
            side: [one["title"] for one in timeline(page, side=side, now=db.clock()) if one["when"] == "past"]
            for side in ("lead", "expert", "operator")
        }
        committed = move_words("commit", "requested")
    assert len(seen["operator"]) == len(page.moves)
    assert seen["lead"] == [one for one in seen["operator"] if one != hidden["decision_proposed"]]
    assert seen["expert"] == [committed]


def test_what_lies_ahead_is_in_order_and_after_now(app: Flask, db: Database) -> None:
    made = make.booking(db, state="confirmed")
    with db.reading() as session:
        page = booking_page(session, make.read(db, made))
    with app.test_request_context("/en/"), force_locale("en"):
        ahead = [one["at"] for one in timeline(page, side="lead", now=db.clock()) if one["when"] == "future"]
    assert ahead
    assert ahead == sorted(ahead)
    assert min(ahead) > db.clock()


def test_a_booking_page_costs_the_same_among_many(app: Flask, db: Database) -> None:
    from tests.queries import counting

    made = make.booking(db, state="confirmed")
    costs = []
    for _ in range(2):
        booking = make.read(db, made)
        with counting(db.engine) as counted, db.reading() as session:
            booking_page(session, booking)
        costs.append(counted.number)
        for place in range(10):
            make.booking(db, by=make.lead(db), of=made.seller, offer_of=made.offer, days_ahead=12 + place)
    assert costs[0] == costs[1]


@pytest.mark.parametrize("statement", ["update booking_moves set reason = 'z'", "delete from booking_moves"])
def test_what_was_made_stays_as_it_was_written(db: Database, statement: str) -> None:
    make.booking(db)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), db.transaction() as tx:
        tx.session.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("language", "by", "about"), [("fr", "par", "Lundi 14 décembre"), ("en", "by", "Monday 14 December")]
)
def test_a_proposal_says_who_and_for_when_in_two_sentences(
    app: Flask, db: Database, language: str, by: str, about: str
) -> None:
    made = make.booking(db, state="confirmed")
    start = datetime(2026, 12, 14, 8, tzinfo=UTC)
    bookings.propose(
        db, made.lead.actor, booking_id=made.id, side="lead", start=start, reason="Une grève.", token="p"
    )
    with db.reading() as session:
        page = booking_page(session, make.read(db, made))
    with app.test_request_context(f"/{language}/"), force_locale(language):
        item = next(
            one for one in timeline(page, side="expert", now=db.clock()) if one["reason"] == "Une grève."
        )
    assert item["note"].startswith(f"{by} Camille Desroches. {about}")
    assert item["about"].lower().startswith(about.lower())

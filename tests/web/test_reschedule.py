"""Another slot for a hold and another time for a booking, as both sides meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.services import bookings, disputes
from marketplace.storage.db import Database
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_bookings import GATEWAY, moves
from tests.services.test_rescheduling import choice, later, propose
from tests.services.test_rescheduling import read as read_proposal
from tests.web.conftest import TOKEN

Browser = Callable[[Any], FlaskClient]
PERSON = {"lead": lambda made: made.lead.person, "expert": lambda made: made.seller.person}
ROOM = {"lead": "/en", "expert": "/en/expert"}


def page(client: FlaskClient, path: str) -> str:
    found = client.get(path)
    assert found.status_code == 200, found.status
    return found.text


def post(client: FlaskClient, path: str, form: dict[str, Any], at: str | None = None) -> Any:
    token = TOKEN.search(client.get(at or path).text)
    assert token
    return client.post(path, data={"csrf_token": token[1], **form})


def path_of(db: Database, made: make.Made, side: str = "lead", tail: str = "") -> str:
    return f"{ROOM[side]}/bookings/{make.read(db, made).reference}{tail}"


class TestChangeSlot:
    def test_the_hold_form_sent_with_another_slot_holds_that_one(
        self, db: Database, browser: Browser
    ) -> None:
        made = make.booking(db)
        client, at = browser(made.lead.person), f"/en/offers/{made.offer.slug}/slots"
        first, second = later(db, made), later(db, made, timedelta(days=7))
        held = [
            post(client, at, {"slot": start.isoformat(), "format": "remote", "token": "t"}).location
            for start in (first, first)
        ]
        assert held[0] == held[1]
        bookings.let_go(db, made.lead.actor, booking_id=made.id, token="go")
        other = post(client, at, {"slot": second.isoformat(), "format": "remote", "token": "t"})
        assert other.status_code == 303
        assert other.location != held[0]

    def test_from_brief_and_check_to_another_slot(self, db: Database, browser: Browser) -> None:
        made = make.booking(db)
        client = browser(made.lead.person)
        at = path_of(db, made, tail="/slot")
        assert at in page(client, path_of(db, made, tail="/brief"))
        start = later(db, made)
        shown = page(client, f"{at}?week={start.date()}")
        assert f'value="{start.isoformat()}"' in shown
        answer = post(client, at, {"slot": start.isoformat(), "token": "t"})
        assert (answer.status_code, answer.location) == (303, path_of(db, made, tail="/brief"))
        assert make.read(db, made).starts_at == start

    def test_the_same_page_sent_with_another_slot_takes_that_one(
        self, db: Database, browser: Browser
    ) -> None:
        made = make.booking(db)
        client, at = browser(made.lead.person), path_of(db, made, tail="/slot")
        first, second = later(db, made), later(db, made, timedelta(days=7))
        for start in (first, first, second):
            assert post(client, at, {"slot": start.isoformat(), "token": "t"}).status_code == 303
        assert make.read(db, made).starts_at == second
        assert moves(db, made).count("pick_another_slot") == 2

    def test_the_loser_sees_three_and_keeps_the_old_slot(self, db: Database, browser: Browser) -> None:
        made = make.booking(db)
        before = make.read(db, made).starts_at
        other = make.booking(db, of=made.seller, offer_of=made.offer, days_ahead=14)
        taken = make.read(db, other).starts_at
        answer = post(browser(made.lead.person), path_of(db, made, tail="/slot"), {"slot": taken.isoformat()})
        assert answer.status_code == 409
        assert answer.text.count("<li><a href=") >= 3
        assert "Just taken" in answer.text
        assert make.read(db, made).starts_at == before

    @pytest.mark.parametrize(
        "slot", ["", "tomorrow", "2026-12-07T09:00", "0001-01-01T00:00:00+14:00", "2026-12-06T09:00:00+00:00"]
    )
    def test_what_is_no_slot_is_said_beside_the_slots(
        self, db: Database, browser: Browser, slot: str
    ) -> None:
        made = make.booking(db)
        answer = post(browser(made.lead.person), path_of(db, made, tail="/slot"), {"slot": slot})
        assert answer.status_code in (409, 422)
        assert 'role="alert"' in answer.text

    def test_an_overdue_hold_says_so(self, db: Database, clock: FakeClock, browser: Browser) -> None:
        made = make.booking(db)
        start = later(db, made)
        clock.now += timedelta(minutes=36)
        answer = post(browser(made.lead.person), path_of(db, made, tail="/slot"), {"slot": start.isoformat()})
        assert answer.status_code == 409
        assert "Too late" in answer.text


class TestPropose:
    @pytest.mark.parametrize(("asks", "answers"), [("lead", "expert"), ("expert", "lead")])
    def test_proposed_by_one_side_and_accepted_by_the_other(
        self, db: Database, browser: Browser, asks: str, answers: str
    ) -> None:
        made = make.booking(db, state="confirmed")
        first, second = browser(PERSON[asks](made)), browser(PERSON[answers](made))
        at = path_of(db, made, asks, "/reschedule")
        assert at in page(first, path_of(db, made, asks))
        start = choice(db, made, asks)[-1]
        answer = post(first, at, {"slot": start.isoformat(), "reason": "Une grève", "token": "t"})
        assert (answer.status_code, answer.location) == (303, path_of(db, made, asks))
        assert "You proposed another time" in page(first, path_of(db, made, asks))
        shown = page(second, path_of(db, made, answers))
        assert "Accept the new time" in shown
        assert "Une grève" in shown
        proposal = re.search(r'name="proposal" value="([^"]+)"', shown)
        assert proposal
        done = post(
            second, path_of(db, made, answers, "/reschedule/answer"),
            {"proposal": proposal[1], "answer": "yes", "token": "u"}, at=path_of(db, made, answers),
        )  # fmt: skip
        assert done.status_code == 303
        assert make.read(db, made).starts_at == start
        for client, side in ((first, asks), (second, answers)):
            assert "Moved to another time" in page(client, path_of(db, made, side))

    @pytest.mark.parametrize(
        ("language", "heads"),
        [
            (
                "en",
                [
                    "Tue 24 Nov 2026, 10:00 · Monday 14 December",
                    "Wed 25 Nov 2026, 10:00 · Tuesday 15 December",
                ],
            ),
            (
                "fr",
                [
                    "mar. 24 nov. 2026, 10 h 00 · lundi 14 décembre",
                    "mer. 25 nov. 2026, 10 h 00 · mardi 15 décembre",
                ],
            ),
        ],
    )
    def test_a_reason_stands_with_its_day_and_what_it_is_about(
        self, db: Database, clock: FakeClock, browser: Browser, language: str, heads: list[str]
    ) -> None:
        made = make.booking(db, state="confirmed")
        for day in (14, 15):
            start = datetime(2026, 12, day, 8, tzinfo=UTC)
            proposal = bookings.propose(
                db,
                made.lead.actor,
                booking_id=made.id,
                side="lead",
                start=start,
                reason=f"N° {day}",
                token=f"p{day}",
            )
            bookings.withdraw_proposal(
                db, made.lead.actor, proposal_id=proposal.id, side="lead", token=f"w{day}"
            )
            clock.move(timedelta(days=1))
        shown = page(
            browser(made.seller.person), path_of(db, made, "expert").replace("/en/", f"/{language}/")
        )
        quoted = re.findall(r"<blockquote.*?</blockquote>", shown)
        words = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", one)) for one in quoted]
        for one, head, reason in zip(words, heads, ("N° 14", "N° 15"), strict=True):
            assert head in one
            assert one.endswith(reason)

    def test_refused_and_withdrawn(self, db: Database, browser: Browser) -> None:
        made = make.booking(db, state="confirmed")
        lead, expert = browser(made.lead.person), browser(made.seller.person)
        refused = propose(db, made, "lead")
        post(
            expert, path_of(db, made, "expert", "/reschedule/answer"),
            {"proposal": str(refused.id), "answer": "no"}, at=path_of(db, made, "expert"),
        )  # fmt: skip
        withdrawn = propose(db, made, "lead")
        post(
            lead, path_of(db, made, "lead", "/reschedule/withdraw"), {"proposal": str(withdrawn.id)},
            at=path_of(db, made, "lead"),
        )  # fmt: skip
        assert [read_proposal(db, one).state for one in (refused, withdrawn)] == ["refused", "withdrawn"]
        assert "The other time was refused" in page(lead, path_of(db, made))

    def test_a_stale_page_is_told_what_became_of_it(self, db: Database, browser: Browser) -> None:
        made = make.booking(db, state="confirmed")
        client = browser(made.lead.person)
        proposal = propose(db, made, "expert")
        bookings.withdraw_proposal(db, made.seller.actor, proposal_id=proposal.id, side="expert", token="w")
        late = post(
            client, path_of(db, made, "lead", "/reschedule/answer"),
            {"proposal": str(proposal.id), "answer": "yes"}, at=path_of(db, made, "lead", "/cancel"),
        )  # fmt: skip
        assert late.status_code == 409
        assert "withdrawn meanwhile" in late.text

    def test_the_other_answer_from_the_same_page_is_refused_and_said(
        self, db: Database, browser: Browser
    ) -> None:
        made = make.booking(db, state="confirmed")
        client = browser(made.lead.person)
        form = {"proposal": str(propose(db, made, "expert").id), "token": "t"}
        at, to = path_of(db, made, "lead", "/cancel"), path_of(db, made, "lead", "/reschedule/answer")
        sent = [post(client, to, {**form, "answer": said}, at=at) for said in ("yes", "yes", "no")]
        assert [one.status_code for one in sent] == [303, 303, 409]

    def test_the_rule_s_effect_is_shown_before(
        self, db: Database, clock: FakeClock, browser: Browser
    ) -> None:
        made = make.booking(db, state="confirmed", policy="moderate")
        clock.now = make.read(db, made).starts_at - timedelta(hours=50)
        lead = page(browser(made.lead.person), path_of(db, made, "lead", "/reschedule"))
        assert "today it would be 50%" in lead
        expert = page(browser(made.seller.person), path_of(db, made, "expert", "/reschedule"))
        assert "cancel for 24 hours and gets everything back" in expert

    def test_a_proposal_of_another_booking_or_no_id_is_nothing(self, db: Database, browser: Browser) -> None:
        made, other = make.booking(db, state="confirmed"), make.booking(db, state="confirmed")
        theirs = propose(db, other, "expert")
        for wrong in (str(theirs.id), "x", ""):
            answer = post(
                browser(made.lead.person), path_of(db, made, "lead", "/reschedule/answer"),
                {"proposal": wrong, "answer": "yes"}, at=path_of(db, made, "lead", "/cancel"),
            )  # fmt: skip
            assert answer.status_code == 404
        assert read_proposal(db, theirs).state == "open"

    def test_without_a_way_to_propose_the_page_leads_back(self, db: Database, browser: Browser) -> None:
        made = make.booking(db, state="confirmed")
        propose(db, made, "lead")
        client = browser(made.lead.person)
        assert client.get(path_of(db, made, "lead", "/reschedule")).location == path_of(db, made)
        answer = post(
            client, path_of(db, made, "lead", "/reschedule"), {"slot": later(db, made).isoformat()},
            at=path_of(db, made, "lead", "/cancel"),
        )  # fmt: skip
        assert answer.status_code == 409
        assert "already" in answer.text

    def test_what_is_typed_is_kept(self, db: Database, browser: Browser) -> None:
        made = make.booking(db, state="confirmed")
        answer = post(
            browser(made.lead.person), path_of(db, made, "lead", "/reschedule"), {"slot": "", "reason": "Une grève"}
        )  # fmt: skip
        assert answer.status_code == 422
        assert "Une grève" in answer.text


def test_the_page_costs_the_same_with_no_proposal_and_with_three(
    db: Database, browser: Browser, count_queries: Any
) -> None:
    made = make.booking(db, state="confirmed")
    client = browser(made.lead.person)

    def look() -> int:
        at = path_of(db, made)
        with count_queries() as counted:
            page(client, at)
        return int(counted.number)

    look()
    bare = look()
    for _ in range(2):
        bookings.withdraw_proposal(
            db, made.lead.actor, proposal_id=propose(db, made, "lead").id, side="lead", token=f"w{_}"
        )
    propose(db, made, "expert")
    assert look() <= bare + 1
    assert moves(db, made).count("reschedule_proposed") == 3


def test_a_second_session_out_of_a_dispute(db: Database, clock: FakeClock, browser: Browser) -> None:
    made = make.booking(db, state="confirmed")
    clock.now = make.read(db, made).ends_at + timedelta(hours=1)
    bookings.run_clock(db, GATEWAY)
    told = disputes.Words(words="The video broke down after ten minutes.", share=100, kind="technical")
    disputes.report(db, made.lead.actor, booking_id=made.id, side="lead", said=told, token="r")
    lead, expert = browser(made.lead.person), browser(made.seller.person)
    at = path_of(db, made, "lead", "/reschedule")
    start = re.search(r'name="slot" value="([^"]+)"', page(lead, at))
    assert start
    assert post(lead, at, {"slot": start[1], "token": "t"}).status_code == 303
    shown = page(expert, path_of(db, made, "expert"))
    proposal = re.search(r'name="proposal" value="([^"]+)"', shown)
    assert proposal
    assert "Accept the second session" in shown
    done = post(
        expert, path_of(db, made, "expert", "/reschedule/answer"),
        {"proposal": proposal[1], "answer": "yes", "token": "u"}, at=path_of(db, made, "expert"),
    )  # fmt: skip
    assert done.status_code == 303
    booking = make.read(db, made)
    assert (booking.state, booking.starts_at.isoformat()) == ("confirmed", start[1])
    with db.reading() as session:
        assert disputes.open_dispute(session, booking.id) is None
    assert "A second session agreed" in page(lead, path_of(db, made))


def test_no_second_session_for_what_was_merely_bad(db: Database, clock: FakeClock, browser: Browser) -> None:
    made = make.booking(db, state="confirmed")
    clock.now = make.read(db, made).ends_at + timedelta(hours=1)
    bookings.run_clock(db, GATEWAY)
    told = disputes.Words(words="It was not what was agreed upon.", share=40, kind="quality")
    disputes.report(db, made.lead.actor, booking_id=made.id, side="lead", said=told, token="r")
    assert browser(made.lead.person).get(path_of(db, made, "lead", "/reschedule")).status_code == 303
    assert "second session" not in page(browser(made.lead.person), path_of(db, made))

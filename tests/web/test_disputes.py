"""A reported problem as each side and operators meet it in the browser, and a way through to the end."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace.services import bookings
from marketplace.services.disputes.reading import dispute_page
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.web.conftest import send

WORDS = "The video broke down after an hour and never came back."


class Doors:
    """A delivered booking and a browser for each who has to do with it."""

    def __init__(self, db: Database, clock: FakeClock, browser: Callable[[Person], Any]) -> None:
        self.db, self.clock = db, clock
        self.made = make.booking(db, state="confirmed")
        self.to(make.read(db, self.made).starts_at + timedelta(minutes=20))
        self.lead = browser(self.made.lead.person)
        self.expert = browser(self.made.seller.person)
        self.boss = browser(make.person(db, name="Odile Marchal", operator=True))
        self.other = browser(make.person(db, name="Paul Roussel", operator=True))
        self.ref = make.read(db, self.made).reference

    @property
    def state(self) -> str:
        return make.read(self.db, self.made).state

    def to(self, at: Any) -> None:
        self.clock.move(at - self.clock())
        bookings.run_clock(self.db, None)  # type: ignore[arg-type]


@pytest.fixture
def doors(db: Database, clock: FakeClock, browser: Any) -> Doors:
    return Doors(db, clock, browser)


def body(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def test_the_whole_way_from_the_button_to_the_settlement(doors: Doors) -> None:
    d = doors
    page = body(d.lead.get(f"/en/bookings/{d.ref}"))
    assert f"/en/bookings/{d.ref}/report?kind=expert_absent" in page
    form = body(d.lead.get(f"/en/bookings/{d.ref}/report?kind=expert_absent"))
    assert re.search(r'value="100" selected>100% back to you: €1,', form)
    sent = send(
        d.lead,
        f"/en/bookings/{d.ref}/report",
        data={"kind": "expert_absent", "words": WORDS, "share": "100", "token": "a",
              "files": [(io.BytesIO(b"%PDF-1.4\n%%EOF"), "proof.pdf")]},
    )  # fmt: skip
    assert sent.status_code == 303
    assert d.state == "disputed"
    page = body(d.expert.get(f"/en/expert/bookings/{d.ref}/dispute"))
    assert WORDS in page
    link = re.search(rf"/en/expert/bookings/{d.ref}/evidence/[0-9a-f-]+", page)
    assert link is not None
    file = d.expert.get(link.group())
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file.headers["Content-Security-Policy"]
    answered = send(
        d.expert,
        f"/en/expert/bookings/{d.ref}/dispute/answer",
        data={"words": "I was there the whole time.", "share": "20", "token": "b"},
    )
    assert answered.status_code == 303
    early = send(
        d.boss,
        f"/en/operator/bookings/{d.ref}/decide",
        data={"share": "20", "reason_lead": "x", "reason_expert": "y", "token": "c"},
    )
    assert early.status_code == 409
    assert "between the two sides" in body(early)
    d.to(d.clock() + timedelta(hours=48))
    listed = body(d.boss.get("/en/operator/disputes"))
    assert make.read(d.db, d.made).number in listed
    page = body(d.boss.get(f"/en/operator/bookings/{d.ref}/dispute?share=30"))
    assert "30% back" in page
    no_reason = send(
        d.boss,
        f"/en/operator/bookings/{d.ref}/decide",
        data={"share": "30", "reason_lead": "kept words", "token": "d"},
    )
    assert no_reason.status_code == 422
    assert "kept words" in body(no_reason)
    send(
        d.boss,
        f"/en/operator/bookings/{d.ref}/decide",
        data={"share": "30", "reason_lead": "for you", "reason_expert": "for them", "token": "e"},
    )
    assert d.state == "resolved"
    page = body(d.lead.get(f"/en/bookings/{d.ref}/dispute"))
    assert "for you" in page
    assert "for them" not in page
    for who, room in ((d.lead, ""), (d.expert, "expert/")):
        assert (
            send(who, f"/en/{room}bookings/{d.ref}/dispute/accept", data={"token": f"f{room}"}).status_code
            == 303
        )
    assert d.state == "settled"
    for who, room in ((d.lead, ""), (d.expert, "expert/"), (d.boss, "operator/")):
        assert who.get(f"/en/{room}bookings/{d.ref}").status_code == 200
        assert who.get(f"/fr/{room}bookings/{d.ref}/dispute").status_code == 200


def test_what_was_typed_is_kept_when_a_report_is_refused(doors: Doors) -> None:
    url = f"/en/bookings/{doors.ref}/report"
    told = {"kind": "quality", "words": WORDS, "share": "35", "token": "a"}
    refused = send(doors.lead, url, data=told | {"files": [(io.BytesIO(b"MZ virus"), "run.exe")]})
    assert refused.status_code == 422
    page = body(refused)
    assert "run.exe is neither" in page
    assert WORDS in page
    assert 'value="35" selected' in page
    assert doors.state == "confirmed"


@pytest.mark.parametrize(
    "junk", [{}, {"kind": "nothing"}, {"kind": "quality", "share": "999"}, {"share": "-1"}]
)
def test_junk_is_refused(doors: Doors, junk: dict[str, str]) -> None:
    answer = send(doors.lead, f"/en/bookings/{doors.ref}/report", data={"words": WORDS, "token": "a"} | junk)
    assert answer.status_code == 422
    assert doors.state == "confirmed"


@pytest.mark.parametrize("held", ["-5", "ten", "99999999999"])
def test_minutes_that_are_no_number_are_asked_again(doors: Doors, held: str) -> None:
    answer = doors.lead.get(f"/en/bookings/{doors.ref}/report?kind=ended_early&held={held}")
    assert answer.status_code == 422
    page = body(answer)
    assert f'value="{held}" aria-invalid="true"' in page
    assert "minutes held" not in page
    told = {"kind": "ended_early", "held": held, "words": WORDS, "share": "35", "token": "a"}
    assert send(doors.lead, f"/en/bookings/{doors.ref}/report", data=told).status_code == 422
    assert doors.state == "confirmed"


def test_a_large_decision_needs_two_operators(doors: Doors) -> None:
    d = doors
    send(
        d.lead,
        f"/en/bookings/{d.ref}/report",
        data={"kind": "quality", "words": WORDS, "share": "100", "token": "a"},
    )
    d.to(d.clock() + timedelta(hours=49))
    told = {"share": "100", "reason_lead": "one", "reason_expert": "two", "token": "b"}
    send(d.boss, f"/en/operator/bookings/{d.ref}/decide", data=told)
    assert d.state == "disputed"
    assert "/yes" not in body(d.boss.get(f"/en/operator/bookings/{d.ref}/dispute"))
    address = re.search(
        r'action="([^"]+/decide/[^"]+/yes)"', body(d.other.get(f"/en/operator/bookings/{d.ref}/dispute"))
    )
    assert address is not None
    assert send(d.boss, address.group(1), data={"token": "c"}).status_code == 409
    assert send(d.other, address.group(1), data={"token": "d"}).status_code == 303
    assert d.state == "resolved"


def test_a_later_refund_is_shown_before_it_is_made(doors: Doors) -> None:
    d = doors
    d.to(make.read(d.db, d.made).ends_at + timedelta(hours=1))
    d.to(d.clock() + timedelta(hours=73))
    assert d.state == "completed"
    url = f"/en/operator/bookings/{d.ref}/refund"
    assert url in body(d.boss.get(f"/en/operator/bookings/{d.ref}"))
    page = body(d.boss.get(f"{url}?amount=100,50&borne_by=us"))
    assert "€100.50" in page
    for no_amount in ("abc", "-5", "0", "1,000"):
        unread = d.boss.get(url, query_string={"amount": no_amount, "borne_by": "us"})
        assert unread.status_code == 422, no_amount
        assert f'value="{no_amount}"' in unread.text
        assert "Write the amount in euros and cents" in unread.text
    nobody = d.boss.get(url, query_string={"amount": "100,50", "borne_by": "nobody"})
    assert nobody.status_code == 422
    assert "Say who bears it." in nobody.text
    too_much = send(d.boss, url, data={"amount": "99999", "borne_by": "us", "reason": "r", "token": "a"})
    assert too_much.status_code == 422
    unsaid = send(d.boss, url, data={"amount": "100,50", "borne_by": "us", "reason": "", "token": "c"})
    assert unsaid.status_code == 422
    assert 'name="reason"' in unsaid.text  # It can be given at once.
    assert (
        send(
            d.boss, url, data={"amount": "100,50", "borne_by": "us", "reason": "r", "token": "b"}
        ).status_code
        == 303
    )
    assert make.read(d.db, d.made).refund_minor == 10_050


def test_others_find_nothing(doors: Doors, db: Database, browser: Any) -> None:
    send(
        doors.lead,
        f"/en/bookings/{doors.ref}/report",
        data={"kind": "quality", "words": WORDS, "share": "10", "token": "a"},
    )
    stranger: FlaskClient = browser(make.lead(db).person)
    for path in (
        "bookings/{}/dispute",
        "bookings/{}/report",
        "expert/bookings/{}/dispute",
        "operator/bookings/{}/dispute",
    ):
        assert stranger.get("/en/" + path.format(doors.ref)).status_code == 404


@pytest.mark.parametrize("tab", ["operators", "between", "decided", "closed", "nonsense"])
def test_every_tab_opens(doors: Doors, tab: str) -> None:
    assert doors.boss.get(f"/en/operator/disputes?tab={tab}").status_code == 200


def test_a_decision_carried_out_keeps_the_amount_it_was_about(doors: Doors) -> None:
    d = doors
    told = {"kind": "quality", "words": WORDS, "share": "10", "token": "a"}
    send(d.lead, f"/en/bookings/{d.ref}/report", data=told)
    page = body(d.boss.get(f"/en/operator/bookings/{d.ref}/dispute?share=10"))
    assert "What a share does to the money" in page
    agreed = send(d.expert, f"/en/expert/bookings/{d.ref}/dispute/agree", data={"share": "10", "token": "b"})
    assert agreed.status_code == 303
    back = make.read(d.db, d.made).refund_minor
    with d.db.transaction() as tx:
        booking = tx.session.get_one(Booking, make.read(d.db, d.made).id)
        found = dispute_page(tx.session, booking)
    assert found
    assert found.split(10).back == back
    assert found.split(5).back < back
    assert "What a share does to the money" not in body(d.boss.get(f"/en/operator/bookings/{d.ref}/dispute"))


def test_who_decided_is_not_asked_to_decide_the_appeal(doors: Doors) -> None:
    d = doors
    told = {"kind": "quality", "words": WORDS, "share": "10", "token": "a"}
    send(d.lead, f"/en/bookings/{d.ref}/report", data=told)
    d.to(d.clock() + timedelta(hours=49))
    decision = {"share": "5", "reason_lead": "one", "reason_expert": "two"}
    send(d.boss, f"/en/operator/bookings/{d.ref}/decide", data=decision | {"token": "b"})
    assert d.state == "resolved"
    send(
        d.lead,
        f"/en/bookings/{d.ref}/dispute/appeal",
        data={"words": "It was not like that at all.", "token": "c"},
    )
    assert d.state == "disputed"
    form = f'action="/en/operator/bookings/{d.ref}/decide"'
    theirs = body(d.boss.get(f"/en/operator/bookings/{d.ref}/dispute"))
    assert form not in theirs
    assert "another operator decides the appeal" in theirs
    assert "un autre opérateur" in body(d.boss.get(f"/fr/operator/bookings/{d.ref}/dispute"))
    assert form in body(d.other.get(f"/en/operator/bookings/{d.ref}/dispute"))
    # Nor by a page left open.
    assert (
        send(d.boss, f"/en/operator/bookings/{d.ref}/decide", data=decision | {"token": "d"}).status_code
        == 409
    )
    assert d.state == "disputed"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "in at least 20 characters"), ("fr", "en 20 caractères au moins")]
)
def test_an_answer_of_one_word_is_refused_in_a_sentence_and_kept(
    doors: Doors, language: str, words: str
) -> None:
    d = doors
    told = {"kind": "quality", "words": WORDS, "share": "10", "token": "a"}
    send(d.lead, f"/en/bookings/{d.ref}/report", data=told)
    address = f"/{language}/expert/bookings/{d.ref}/dispute/answer"
    refused = send(d.expert, address, data={"words": "Faux.", "share": "35", "token": "b"})
    assert refused.status_code == 422
    assert re.search(rf'<p class="error" id="words-error">[^<]*{words}', body(refused))
    assert 'aria-describedby="words-error" aria-invalid="true"' in body(refused)
    assert ">Faux.</textarea>" in body(refused)
    assert 'value="35" selected' in body(refused)
    # A share alone says enough.
    assert send(d.expert, address, data={"words": "", "share": "35", "token": "c"}).status_code == 303

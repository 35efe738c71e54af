"""Every letter, in both languages, from real records: who hears what, with which facts, once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import icalendar
import pytest
import sqlalchemy as sa

from marketplace.domain.bookings import Move
from marketplace.domain.errors import NotFound
from marketplace.domain.postings import commission_kept
from marketplace.domain.pricing import BuyerTax, PlatformTax, Quote, SellerTax, quote
from marketplace.domain.refunds import refund_of
from marketplace.gateways.invitations_icalendar import IcalendarInvitations
from marketplace.gateways.letters import LetterPress
from marketplace.gateways.mail import Permanent, Temporary
from marketplace.gateways.mail_mailbox import Mailbox
from marketplace.services import letters, people
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.briefs import Brief
from marketplace.storage.companies import Company, MailDomain
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.letters import Letter
from marketplace.storage.offers import Offer, OfferVersion
from marketplace.storage.payments import Payment, Refund, Repayment
from marketplace.storage.payouts import Transfer
from marketplace.storage.people import MailedLink, Person
from marketplace.storage.reviews import Review
from tests.clock import START, FakeClock

ROOT = Path(__file__).resolve().parents[2]
PRICED: Quote = quote(
    120_000,
    service_fee_bp=1_000,
    commission_bp=1_000,
    seller=SellerTax("FR"),
    buyer=BuyerTax("FR"),
    platform=PlatformTax(),
)
SLOT = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)
SECRET = "Nos compteurs du quartier des Tanneurs"
NARROW = "\u202f"


class Pages:
    """Addresses as a site would give them."""

    def __getattr__(self, name: str) -> Callable[..., str]:
        return lambda *facts: f"https://declic.example/{'/'.join((name, *facts))}"


STATIONERY = letters.Stationery(
    press=LetterPress(
        templates=ROOT / "templates", translations=ROOT / "translations", site_name="Déclic", sandbox=True
    ),
    links=Pages(),  # type: ignore[arg-type]
    invitations=IcalendarInvitations(organiser_name="Déclic", organiser_email="noreply@declic.example"),
    site_name="Déclic",
    site_host="declic.example",
    mail_from="noreply@declic.example",
    contact="bonjour@declic.example",
)


@dataclass
class World:
    """A lead in Paris, an expert on La Réunion, and their booking."""

    db: Database
    lead: uuid.UUID
    expert: uuid.UUID
    booking: uuid.UUID
    payment: uuid.UUID

    def put(self, **values: Any) -> None:
        """Set the booking's columns."""
        with self.db.transaction() as tx:
            tx.session.execute(sa.update(Booking).where(Booking.id == self.booking).values(**values))

    def moved(self, move: str, before: str | None, after: str, by: str = "clock", **more: Any) -> uuid.UUID:
        """A history row as `make_move` writes it, and the state it leads to."""
        with self.db.transaction() as tx:
            row = BookingMove(
                booking_id=self.booking, token=uuid.uuid4().hex, at=tx.now, actor_kind=by,
                move=move, from_state=before, to_state=after, **more,
            )  # fmt: skip
            tx.session.add(row)
            tx.session.flush()
            tx.session.execute(sa.update(Booking).where(Booking.id == self.booking).values(state=after))
            return row.id

    def hear(self, move_id: uuid.UUID) -> dict[str, EmailMessage]:
        """What the job writes about a move: the letters by event."""
        letters.booking_moved(self.db, STATIONERY, booking_id=self.booking, move_id=move_id)
        return self.letters()

    def letters(self) -> dict[str, EmailMessage]:
        with self.db.reading() as session:
            rows = session.scalars(sa.select(Letter)).all()
        found = {row.event: opened(row.message) for row in rows}
        assert len(found) == len(rows), "one event, two letters"
        for row in rows:
            assert row.subject == str(found[row.event]["Subject"])
            assert row.sent_at is None
        return found


def opened(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.SMTP).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(db: Database, language: str) -> World:
    with db.transaction() as tx:
        add, now = tx.session.add, tx.now
        domain = MailDomain(domain="eaux.example")
        lead = Person(
            email="camille.roy@eaux.example",
            name="Camille Roy",
            language=language,
            zone="Europe/Paris",
            created_at=now,
        )
        seller = Person(
            email="solene@aquafouine.example", name="Solène Castagnères", language=language, zone="Indian/Reunion",
            created_at=now,
        )  # fmt: skip
        add(domain)
        tx.session.add_all([lead, seller])
        tx.session.flush()
        company = Company(name="Eaux <du> Nord & Cie", domain="eaux.example", created_at=now)
        expert = Expert(
            person_id=seller.id, status="admitted", slug="solene-castagneres", headline="Réseaux d’eau", startup="Aquafouine",
            startup_role="Cofondatrice", city="Saint-Denis", country="FR", languages=["fr"], bio="Hydrogéologue.",
            language="fr", created_at=now,
        )  # fmt: skip
        tx.session.add_all([company, expert])
        tx.session.flush()
        offer = Offer(expert_id=expert.id, slug="compteurs-communicants", status="live", created_at=now)
        add(offer)
        tx.session.flush()
        version = OfferVersion(
            offer_id=offer.id, number=1, live=True, language="fr", title="Poser 38 000 compteurs <communicants>",
            problem="p", unlocked="u", takeaways=["t"], for_whom="w", topics=[], industries=[], minutes=180,
            price_minor=120_000, format="remote", languages=["fr"], notice_hours=48, policy="moderate", instant=False,
            published_at=now,
        )  # fmt: skip
        brief = Brief(
            lead_id=lead.id, company_id=company.id, language="fr", subject=SECRET, context="Confidentiel.",
            purchase_order="2026-1147", created_at=now, saved_at=now,
            attendees=[{"name": "Inès Morel", "role": "RH", "email": "ines.morel@eaux.example"}],
        )  # fmt: skip
        tx.session.add_all([version, brief])
        tx.session.flush()
        booking = Booking(
            reference="b-ref", number="D-7K4M-2Q9C", state="held", expert_id=expert.id, offer_id=offer.id,
            version_id=version.id, company_id=company.id, lead_id=lead.id, brief_id=brief.id, starts_at=SLOT,
            ends_at=SLOT + timedelta(hours=3), price_minor=120_000, service_fee_bp=1_000, commission_bp=1_000,
            policy="moderate", notice_hours=48, instant=False, format="remote",
            meeting_place="https://meet.example.com/solene", held_at=now, quote=PRICED.as_dict(), created_at=now,
            deadline=now + timedelta(hours=48), reviews_until=SLOT + timedelta(days=14),
        )  # fmt: skip
        add(booking)
        tx.session.flush()
        payment = Payment(
            reference="p-ref", subject=booking.id, payer_company_id=company.id, payee_expert_id=expert.id,
            state="captured", amount_minor=PRICED.total, captured_minor=PRICED.total, quote=PRICED.as_dict(),
            captured_at=now, created_at=now,
        )  # fmt: skip
        add(payment)
        tx.session.flush()
        return World(db, lead.id, seller.id, booking.id, payment.id)


RELEASED = {"money": {"what": "released", "minor": PRICED.total}}
REFUNDED = {"money": {"what": "refunded", "minor": PRICED.total}}

# (move, from, to, by, more): the letters it asks for.
MOVES: list[tuple[tuple[str, str | None, str, str, dict[str, Any]], set[str]]] = [
    (("hold", None, "held", "lead", {}), set()),
    (("extend", "held", "held", "lead", {}), set()),
    (("open_payment", "held", "held", "lead", {}), set()),
    (("let_go", "held", "lapsed", "lead", {}), set()),
    (("let_go", "held", "lapsed", "lead", RELEASED), {"withdrawn_lead"}),
    (("run_out", "held", "lapsed", "clock", {}), set()),
    (("commit", "held", "requested", "provider", {}), {"request_received", "request_sent"}),
    (("payment_arrived", "lapsed", "requested", "provider", {}), {"request_received", "request_sent"}),
    (("payment_arrived", "lapsed", "lapsed", "provider", RELEASED), {"late_payment_released"}),
    (("stray_money", "lapsed", "lapsed", "provider", REFUNDED), {"late_payment_returned"}),
    (("accept", "requested", "accepted", "expert", {}), set()),
    (("accept", "requested", "confirmed", "expert", {}), {"confirmed_lead", "confirmed_expert"}),
    (("captured", "accepted", "confirmed", "provider", {}), {"confirmed_lead", "confirmed_expert"}),
    (("not_captured", "accepted", "accepted", "provider", {}), {"capture_failed"}),
    (
        ("decline", "requested", "declined", "expert", {"reason": "conflict: Un client.", **RELEASED}),
        {"declined"},
    ),
    (("withdraw", "requested", "lapsed", "lead", RELEASED), {"withdrawn_lead", "request_withdrawn"}),
    (("run_out", "requested", "expired", "clock", RELEASED), {"expired_lead", "expired_expert"}),
    (("run_out", "accepted", "expired", "clock", {}), {"unpaid_lead", "unpaid_expert"}),
    (("stop", "held", "cancelled", "operator", {"reason": "Doublon."}), {"stopped_lead"}),
    (
        ("stop", "accepted", "cancelled", "operator", {"reason": "Doublon."}),
        {"stopped_lead", "stopped_expert"},
    ),
    (
        ("cancel", "confirmed", "cancelled", "lead", REFUNDED),
        {"cancelled_own_lead", "cancelled_by_buyer_expert"},
    ),
    (
        ("cancel", "confirmed", "cancelled", "expert", {"reason": "Malade.", **REFUNDED}),
        {"cancelled_by_expert_lead", "cancelled_own_expert"},
    ),
    (
        ("cancel", "confirmed", "cancelled", "operator", {"reason": "Fraude.", **REFUNDED}),
        {"stopped_lead", "stopped_expert"},
    ),
    (
        ("chargeback_lost", "confirmed", "cancelled", "provider", {}),
        {"charged_back_lead", "charged_back_expert"},
    ),
    (("end_passes", "confirmed", "delivered", "clock", {}), {"session_done_lead", "session_done_expert"}),
    (("confirm", "delivered", "completed", "lead", {}), set()),
    (("window_passes", "delivered", "completed", "clock", {}), set()),
]
FOLLOWING = {
    "verify_address", "reset_password", "address_known", "address_confirm", "address_changing", "address_changed",
    "address_left", "refund_made", "refund_failed", "refund_repaid", "transfer_made", "share_set_off",
    "reviews_visible_lead", "review_published_expert",
    "question_asked", "question_answered", "question_passed_on",
    "question_unanswered_lead", "question_unanswered_expert", "enquiry_invited", "enquiry_answered",
    "enquiry_over_lead", "enquiry_closed_expert", "enquiry_taken_expert", "news_today",
    # tests/services/test_approvals.py
    "approver_invited", "approval_asked", "approval_given", "approval_refused", "approval_lapsed",
}  # fmt: skip


def test_every_letter_there_is_has_a_case_here_or_beside() -> None:
    folders = {p.name for p in (ROOT / "templates/email").iterdir() if p.is_dir() and p.name[0] != "_"}
    here = set().union(*(heard for _move, heard in MOVES)) | FOLLOWING
    assert here <= folders
    beside = "".join(
        p.read_text("utf-8") for p in Path(__file__).parent.glob("test_*.py") if p.name != Path(__file__).name
    )
    assert {name for name in folders - here if name not in beside} == set()


@pytest.mark.parametrize(("made", "heard"), MOVES, ids=[f"{m[0]}-{m[1]}-{m[2]}-{m[3]}" for m, _ in MOVES])
def test_who_hears_of_a_move(world: World, made: Any, heard: set[str], language: str) -> None:
    move, before, after, by, more = made
    world.put(share_due_at=START + timedelta(hours=72))
    found = world.hear(world.moved(move, before, after, by, **more))
    assert set(found) == heard
    for event, message in found.items():
        complete(event, message, language)
        # Both sides' hours, each zone named.
        zones = (
            ("heure de Paris", "heure de La Réunion") if language == "fr" else ("Paris time", "Réunion time")
        )
        for zone in zones:
            assert zone in text_of(message)
            assert zone in html_of(message)


def complete(event: str, message: EmailMessage, language: str) -> None:
    """What holds of every letter."""
    subject, text, html = str(message["Subject"]), text_of(message), html_of(message)
    assert subject.startswith("[Test] ")
    assert not re.search(r"[\r\n]", subject)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@declic.example>")
    assert f'lang="{language}"' in html
    assert '<span class="mark"' in html
    assert re.search(r"https://declic\.example/\w+/", text)
    for part in (subject, text, html):
        assert "None" not in part
        assert "{{" not in part
        assert "%(" not in part
    # What the text says, the HTML says too: every amount, and the button's address.
    for amount in set(re.findall(r"€[\d,.]+\d|\d[\d\u202f]*,\d\d\u202f€", text)):
        assert amount in html, (event, amount)
    assert set(re.findall(r"https://declic\.example/\S+", text)) <= set(
        re.findall(r"https://declic\.example/[^\s\"<]+", html)
    )
    if language == "fr":
        assert not re.search(r"[^\u202f\u00a0\s] ?[;!?](\s|$)", re.sub(r"\S+://\S+", "", text)), text
        assert " :" not in text


def test_a_job_run_twice_writes_once(world: World) -> None:
    move = world.moved("captured", "accepted", "confirmed", "provider")
    first, again = world.hear(move), world.hear(move)
    assert {e: m["Message-ID"] for e, m in first.items()} == {e: m["Message-ID"] for e, m in again.items()}
    # The same move again in the booking's life is another letter.
    letters.booking_moved(
        world.db, STATIONERY, booking_id=world.booking,
        move_id=world.moved("captured", "accepted", "confirmed", "provider"),
    )  # fmt: skip
    with world.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Letter)) == 4


def test_the_request_keeps_the_lead_unnamed_and_says_what_the_expert_gets(
    world: World, language: str
) -> None:
    message = world.hear(world.moved("commit", "held", "requested", "provider"))["request_received"]
    for part in (text_of(message), html_of(message), str(message["Subject"])):
        assert "Camille" not in part
        assert "camille" not in part
        assert "Inès" not in part
    said = text_of(message)
    assert SECRET in said
    # 1 200 + 20 % less 10 % of the price and its VAT.
    assert ("1\u202f296,00\u202f€" if language == "fr" else "€1,296.00") in said
    until = (
        "jeudi 26 novembre 2026, 13\u202fh\u202f00"
        if language == "fr"
        else "Thursday 26 November 2026, 13:00"
    )
    assert until in said
    assert "https://declic.example/expert_booking/b-ref" in said
    assert "Eaux &lt;du&gt; Nord &amp; Cie" in html_of(message)


def test_a_request_answered_before_the_job_ran_is_not_announced(world: World) -> None:
    request = world.moved("commit", "held", "requested", "provider")
    world.moved("accept_at_once", "requested", "accepted", "expert")
    assert world.hear(request) == {}


def test_the_confirmation_has_place_money_and_the_rule_in_dates(world: World, language: str) -> None:
    found = world.hear(world.moved("captured", "accepted", "confirmed", "provider"))
    said = text_of(found["confirmed_lead"])
    assert "https://meet.example.com/solene" in said
    assert "2026-1147" in said
    if language == "fr":
        assert (
            "Mardi 8 décembre 2026, 14\u202fh\u202f00\u202f–\u202f17\u202fh\u202f00, heure de Paris" in said
        )
        assert "1\u202f584,00\u202f€ TTC" in said
        assert "samedi 5 décembre 2026, 14\u202fh\u202f00" in said
        assert "792,00\u202f€ rendus jusqu’au lundi 7 décembre 2026, 14\u202fh\u202f00" in said
    else:
        assert "Tuesday 8 December 2026, 14:00\u202f–\u202f17:00, Paris time" in said
        assert "€1,584.00 including VAT" in said
        assert "€792.00 back until Monday 7 December 2026, 14:00" in said
    assert "Camille Roy" in text_of(found["confirmed_expert"])


def test_both_get_an_invitation_of_their_own_and_later_its_withdrawal(world: World) -> None:
    world.put(share_due_at=START + timedelta(hours=72))
    sent = world.hear(world.moved("captured", "accepted", "confirmed", "provider"))
    taken_back = world.hear(world.moved("cancel", "confirmed", "cancelled", "lead", **REFUNDED))
    for event, method, sequence, guest in (
        ("confirmed_lead", "REQUEST", 0, "camille.roy@eaux.example"),
        ("confirmed_expert", "REQUEST", 0, "solene@aquafouine.example"),
        ("cancelled_own_lead", "CANCEL", 1, "camille.roy@eaux.example"),
        ("cancelled_by_buyer_expert", "CANCEL", 1, "solene@aquafouine.example"),
    ):
        message = (sent | taken_back)[event]
        kinds = [part.get_content_type() for part in message.walk()]
        assert kinds == [
            "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics",
        ]  # fmt: skip
        inline, attached = list(message.walk())[4:]
        assert inline["Content-Type"].params["method"] == method
        file = attached.get_content()
        assert inline.get_payload(decode=True) == file
        calendar = icalendar.Calendar.from_ical(file)
        (session,) = calendar.walk("VEVENT")
        assert calendar["method"] == method
        assert session["uid"] == f"{world.booking}@declic.example"
        assert int(session["sequence"]) == sequence
        assert session["attendee"] == f"mailto:{guest}"
        assert SECRET.encode() not in file.replace(b"\r\n ", b"")
        assert b"Morel" not in file


def test_the_download_is_the_file_as_it_stands(world: World) -> None:
    with world.db.reading() as session, pytest.raises(NotFound):
        letters.invitation_for(session, STATIONERY, world.booking, "lead", now=START)
    world.moved("captured", "accepted", "confirmed", "provider")
    with world.db.reading() as session:
        file = letters.invitation_for(session, STATIONERY, world.booking, "expert", now=START)
    assert icalendar.Calendar.from_ical(file)["method"] == "REQUEST"
    world.moved("cancel", "confirmed", "cancelled", "expert")
    with world.db.reading() as session:
        file = letters.invitation_for(session, STATIONERY, world.booking, "expert", now=START)
    calendar = icalendar.Calendar.from_ical(file)
    assert calendar["method"] == "CANCEL"
    assert int(calendar.walk("VEVENT")[0]["sequence"]) == 1


@pytest.mark.parametrize("percent", [0, 50, 100])
def test_what_is_kept_is_told_to_both(world: World, percent: int, language: str) -> None:
    refund = refund_of(PRICED, percent)
    if refund.total:
        decided(world, refund.total, dict(refund.lines), token=f"cancel/{world.booking}")
    world.put(share_due_at=START + timedelta(hours=72), refund_minor=refund.total)
    found = world.hear(
        world.moved(
            "cancel", "confirmed", "cancelled", "lead", money={"what": "refunded", "minor": refund.total}
        )
    )
    kept = PRICED.price - refund.lines["price"]
    share = kept + PRICED.seller_vat - refund.lines["seller_vat"] - sum(commission_kept(PRICED, kept))
    expert, lead = (text_of(found[e]) for e in ("cancelled_by_buyer_expert", "cancelled_own_lead"))
    due = (
        "vendredi 27 novembre 2026, 13\u202fh\u202f00"
        if language == "fr"
        else "Friday 27 November 2026, 13:00"
    )
    assert (due in expert) is (share > 0)
    if percent == 50:
        assert ("648,00\u202f€" if language == "fr" else "€648.00") in expert
        assert ("792,00\u202f€" if language == "fr" else "€792.00") in lead


def decided(world: World, minor: int, lines: dict[str, int], *, token: str, state: str = "done") -> uuid.UUID:
    with world.db.transaction() as tx:
        row = Refund(
            payment_id=world.payment, token=token, amount_minor=minor, lines=lines, after_share=False,
            why="cancelled", state=state, decided_at=tx.now,
        )  # fmt: skip
        tx.session.add(row)
        tx.session.execute(sa.update(Payment).where(Payment.id == world.payment).values(refunded_minor=minor))
        tx.session.flush()
        return row.id


@pytest.mark.parametrize(
    ("state", "event"), [("done", "refund_made"), ("failed", "refund_failed"), ("sent", None)]
)
def test_a_refund_is_told_when_it_arrived_or_failed(
    world: World, state: str, event: str | None, language: str
) -> None:
    refund = decided(world, 79_200, {"price": 60_000}, token="x", state=state)
    for _ in range(2):
        letters.refund_settled(world.db, STATIONERY, refund_id=refund)
    found = world.letters()
    assert set(found) == ({event} if event else set())
    for name, message in found.items():
        complete(name, message, language)
        assert ("792,00\u202f€" if language == "fr" else "€792.00") in str(message["Subject"])
        assert str(message["To"]) == "Camille Roy <camille.roy@eaux.example>"


def test_a_refund_paid_another_way_is_told_with_its_reference(world: World, language: str) -> None:
    refund = decided(world, 79_200, {"price": 60_000}, token="x", state="failed")
    with world.db.transaction() as tx:
        by = tx.session.get_one(Booking, world.booking).lead_id
        tx.session.add(
            Repayment(
                refund_id=refund, amount_minor=79_200, reference="SEPA 2026-0042", proposed_by=by, proposed_at=tx.now,
                decided_by=by, decided_at=tx.now,
            )
        )  # fmt: skip
    for _ in range(2):
        letters.refund_settled(world.db, STATIONERY, refund_id=refund)
    found = world.letters()
    assert set(found) == {"refund_repaid"}
    complete("refund_repaid", found["refund_repaid"], language)
    assert "SEPA 2026-0042" in text_of(found["refund_repaid"])
    assert ("792,00\u202f€" if language == "fr" else "€792.00") in str(found["refund_repaid"]["Subject"])


def test_what_a_chargeback_took_is_no_refund_of_ours_to_tell(world: World) -> None:
    refund = decided(world, 79_200, {"price": 60_000}, token="x")
    with world.db.transaction() as tx:
        tx.session.get_one(Refund, refund).set_against = "du_1"
    letters.refund_settled(world.db, STATIONERY, refund_id=refund)
    assert world.letters() == {}


@pytest.mark.parametrize(("kept", "event"), [(10_000, "transfer_made"), (None, "share_set_off")])
def test_what_was_set_off_is_told_to_the_expert(
    world: World, language: str, kept: int | None, event: str
) -> None:
    share = PRICED.expert_share
    with world.db.transaction() as tx:
        booking = tx.session.get_one(Booking, world.booking)
        row = Transfer(
            payment_id=world.payment, expert_id=booking.expert_id, subject=booking.id, amount_minor=share,
            set_off_minor=kept or share, due_at=tx.now, why="completed", state="done", made_at=tx.now,
            provider_id="tr_1" if kept else None,
        )  # fmt: skip
        tx.session.add(row)
        tx.session.flush()
        transfer = row.id
    for _ in range(2):
        letters.transfer_made(world.db, STATIONERY, transfer_id=transfer)
    found = world.letters()
    assert set(found) == {event}
    complete(event, found[event], language)
    if kept:
        assert ("100,00\u202f€" if language == "fr" else "€100.00") in text_of(found[event])


def test_a_transfer_is_told_to_the_expert(world: World, language: str) -> None:
    with world.db.transaction() as tx:
        booking = tx.session.get_one(Booking, world.booking)
        row = Transfer(
            payment_id=world.payment, expert_id=booking.expert_id, subject=booking.id,
            amount_minor=PRICED.expert_share, due_at=tx.now, why="completed", state="done", made_at=tx.now,
            provider_id="tr_1",
        )  # fmt: skip
        tx.session.add(row)
        tx.session.flush()
        transfer = row.id
    for _ in range(2):
        letters.transfer_made(world.db, STATIONERY, transfer_id=transfer)
    found = world.letters()
    assert set(found) == {"transfer_made"}
    complete("transfer_made", found["transfer_made"], language)
    assert found["transfer_made"]["To"].addresses[0].addr_spec == "solene@aquafouine.example"
    assert "https://declic.example/money/" in text_of(found["transfer_made"])


def reviewed(world: World, side: str) -> uuid.UUID:
    with world.db.transaction() as tx:
        booking = tx.session.get_one(Booking, world.booking)
        row = Review(
            booking_id=booking.id, offer_id=booking.offer_id, expert_id=booking.expert_id, side=side,
            author_id=world.lead, author_name="A", author_company="B", text="t", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(row)
        tx.session.flush()
        return row.id


def test_reviews_are_told_of_when_both_are_in(world: World, language: str) -> None:
    letters.review_sent(world.db, STATIONERY, review_id=reviewed(world, "lead"))
    letters.reviews_visible(world.db, STATIONERY, booking_id=world.booking)
    assert world.letters() == {}
    letters.review_sent(world.db, STATIONERY, review_id=reviewed(world, "expert"))
    found = world.letters()
    assert set(found) == {"reviews_visible_lead", "review_published_expert"}
    for event, message in found.items():
        complete(event, message, language)


def test_a_review_alone_is_told_of_when_the_window_has_ended(world: World, clock: FakeClock) -> None:
    reviewed(world, "lead")
    clock.move_to(SLOT + timedelta(days=14))
    for _ in range(2):
        letters.reviews_visible(world.db, STATIONERY, booking_id=world.booking)
    assert set(world.letters()) == {"review_published_expert"}


@pytest.mark.parametrize(("purpose", "event"), [("verify", "verify_address"), ("reset", "reset_password")])
def test_a_link_is_made_by_its_letter(world: World, purpose: str, event: str, language: str) -> None:
    letters.link(world.db, STATIONERY, person_id=world.lead, purpose=purpose)
    found = world.letters()
    assert set(found) == {event}
    complete(event, found[event], language)
    with world.db.reading() as session:
        link = session.scalars(sa.select(MailedLink)).one()
        stored = session.scalars(sa.select(Letter.token)).one()
    assert (link.person_id, link.purpose) == (world.lead, purpose)
    token = re.search(rf"/{purpose}/([^/\s]+)/", text_of(found[event]))
    assert token
    assert token.group(1) not in stored


def test_a_known_address_is_told_once_a_day(world: World, clock: FakeClock, language: str) -> None:
    for _ in range(3):
        letters.address_known(world.db, STATIONERY, person_id=world.lead)
    complete("address_known", world.letters()["address_known"], language)
    clock.move(timedelta(days=1))
    letters.address_known(world.db, STATIONERY, person_id=world.lead)
    with world.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Letter)) == 2


def test_both_ends_of_a_change_of_address_are_told(world: World, language: str) -> None:
    with world.db.transaction() as tx:
        before = tx.session.get_one(Person, world.lead).email
        asked = people.unmailed_link(tx, world.lead, "change", "new@elsewhere.example")
        left = people.unmailed_link(tx, world.lead, "keep", "old@elsewhere.example")
    letters.address_changing(world.db, STATIONERY, person_id=world.lead, link_id=asked.id)
    letters.address_changed(world.db, STATIONERY, person_id=world.lead, link_id=left.id)
    found = world.letters()
    to = {"address_confirm": "new@elsewhere.example", "address_changing": before, "address_changed": before,
          "address_left": "old@elsewhere.example"}  # fmt: skip
    assert {event: message["To"].addresses[0].addr_spec for event, message in found.items()} == to
    for event, message in found.items():
        complete(event, message, language)


def test_nothing_a_person_wrote_becomes_a_header(world: World) -> None:
    with world.db.transaction() as tx:
        tx.session.execute(
            sa.update(Person)
            .where(Person.id == world.lead)
            .values(name='Eve "x" <eve@evil.example>\r\nBcc: all@evil.example\r\n\r\nBuy')
        )
        tx.session.execute(sa.update(Company).values(name="A\nSubject: B"))
        tx.session.execute(
            sa.update(Brief).values(subject="<script>alert(1)</script>{{ 7*7 }}\r\nBcc: x@evil.example")
        )
    found = world.hear(world.moved("captured", "accepted", "confirmed", "provider"))
    for message in found.values():
        assert message["Bcc"] is None
        assert len(message.get_all("Subject", [])) == 1
        assert len(message["To"].addresses) == 1
        assert "evil" not in message["To"].addresses[0].addr_spec
        assert "<script>" not in html_of(message)
        assert "49" not in html_of(message).split("<body")[1].split("bar")[0]


class Post:
    """A mail door that answers as told, and keeps what it was given."""

    keeps_copies = False

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.given: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        if self.error:
            raise self.error
        self.given.append(message)


def a_letter(world: World) -> uuid.UUID:
    letters.address_known(world.db, STATIONERY, person_id=world.lead)
    with world.db.reading() as session:
        return session.scalars(sa.select(Letter.id)).one()


def row_of(world: World, letter_id: uuid.UUID) -> Letter:
    with world.db.reading() as session:
        return session.get_one(Letter, letter_id)


def test_sent_once_and_emptied(world: World) -> None:
    letter_id, post = a_letter(world), Post()
    assert letters.send(world.db, post, letter_id)
    assert letters.send(world.db, post, letter_id)
    (message,) = post.given
    assert message["Message-ID"] == f"<{letter_id}@declic.example>"
    assert message["To"].addresses[0].addr_spec == "camille.roy@eaux.example"
    row = row_of(world, letter_id)
    assert row.sent_at == START
    assert row.message == b""
    with world.db.reading() as session:
        page = letters.letter(session, letter_id)
    assert page is not None
    assert not page.kept


def test_the_demo_mailbox_keeps_what_it_shows(world: World) -> None:
    letter_id = a_letter(world)
    assert letters.send(world.db, Mailbox(), letter_id)
    with world.db.reading() as session:
        page = letters.letter(session, letter_id)
        rows, more = letters.letters(session, recipient=" Camille.Roy@EAUX.example ")
        nobody, _more = letters.letters(session, recipient="x@y.example")
        older, _more = letters.letters(session, before=(rows[0].made_at, rows[0].id))
    assert page is not None
    assert page.kept
    assert page.text
    assert page.html.startswith("<!DOCTYPE html>")
    assert [row.id for row in rows] == [letter_id]
    assert (more, list(nobody), list(older)) == (False, [], [])


def test_not_now_is_tried_again_and_never_is_noted(world: World) -> None:
    letter_id = a_letter(world)
    with pytest.raises(Temporary):
        letters.send(world.db, Post(Temporary("greylisted (450)")), letter_id)
    row = row_of(world, letter_id)
    assert (row.tries, row.error, row.sent_at) == (1, "greylisted (450)", None)
    assert not letters.send(world.db, Post(Permanent("recipient refused (550)")), letter_id)
    assert letters.send(world.db, Post(), letter_id)
    row = row_of(world, letter_id)
    assert (row.tries, row.error) == (3, None)


def test_a_letter_that_is_not_there(world: World) -> None:
    assert not letters.send(world.db, Post(), uuid.uuid4())
    letters.booking_moved(world.db, STATIONERY, booking_id=uuid.uuid4(), move_id=uuid.uuid4())
    letters.refund_settled(world.db, STATIONERY, refund_id=uuid.uuid4())
    letters.transfer_made(world.db, STATIONERY, transfer_id=uuid.uuid4())
    letters.review_sent(world.db, STATIONERY, review_id=uuid.uuid4())
    letters.link(world.db, STATIONERY, person_id=uuid.uuid4(), purpose="reset")
    assert world.letters() == {}


def test_every_move_of_the_table_is_known_to_be_silent_or_heard() -> None:
    """Moves whose screens come later have their letters then; a new move must be thought of here."""
    later = {
        "pick_another_slot", "ask_approval", "approve", "refuse", "accept_at_once", "reschedule", "report",
        "share_falls_due", "answer", "agree", "second_session", "withdraw_report", "decide", "appeal",
        "both_accept", "five_days_pass", "day_80", "refund",
    }  # fmt: skip
    here = {made[0] for made, _heard in MOVES} - {"stray_money"}
    assert here | later == {move.value for move in Move}
    assert not here & later

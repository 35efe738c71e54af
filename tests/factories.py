"""Records to test with: plain functions with defaults, each in a transaction of its own.

`make.booking(state=…)` walks the real services as far as the state, with the provider's word given
as the values the payment door would give; nothing of ours is replaced.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.domain.policy import Actor
from marketplace.domain.pricing import PlatformTax
from marketplace.gateways.payments import ChargebackSeen, ChargebackState, PaymentSeen, PaymentState
from marketplace.services import bookings, enquiries, payments, questions, queues
from marketplace.services.bookings.holding import free_for_offer
from marketplace.services.briefs import save_brief
from marketplace.services.payments.applying import apply_seen
from marketplace.services.payments.chargebacks import apply_chargeback
from marketplace.storage import locks
from marketplace.storage.availability import Calendar
from marketplace.storage.bookings import Booking
from marketplace.storage.chargebacks import Chargeback
from marketplace.storage.companies import Company, MailDomain, Membership
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.offers import Offer, OfferVersion
from marketplace.storage.payments import Payment
from marketplace.storage.people import Person
from tests.encoder import Encoders, WordEncoder

PLATFORM = PlatformTax(country="FR", vat_number="FR00", identity={"name": "Déclic", "address": "Paris"})
TEXTS = payments.CheckoutTexts("A session", "fr", "https://site.test/back", "https://site.test/away")
DOCUMENTS = ("charter", "confidentiality", "terms")
ACCEPTED = ("charter", "confidentiality", "conflict")
# Nothing is indexed by it: words alone find.
NOBODY_ENCODES = Encoders(WordEncoder())
# A Saturday, an evening and a night.
ASKED = [datetime(2026, 12, day, hour, 30, tzinfo=UTC) for day, hour in ((5, 9), (8, 19), (10, 23))]
_count = itertools.count(1)


@dataclass(frozen=True)
class Lead:
    person: Person
    company: Company
    actor: Actor


@dataclass(frozen=True)
class Seller:
    person: Person
    expert: Expert
    calendar: Calendar
    actor: Actor


@dataclass(frozen=True)
class Made:
    """A booking with everybody in it."""

    id: uuid.UUID
    lead: Lead
    seller: Seller
    offer: Offer


def person(db: Database, *, email: str | None = None, name: str = "Camille Desroches", **more: Any) -> Person:
    with db.transaction() as tx:
        made = Person(
            email=email or f"p{next(_count)}@acme{next(_count)}.example", name=name, email_verified_at=tx.now,
            created_at=tx.now, **more,
        )  # fmt: skip
        tx.session.add(made)
        return made


def lead(
    db: Database,
    *,
    domain: str | None = None,
    company: Company | None = None,
    billing: bool = True,
    **more: Any,
) -> Lead:
    domain = domain or (company.domain if company else f"firm{next(_count)}.example")
    who = person(db, email=f"lead{next(_count)}@{domain}", **more)
    with db.transaction() as tx:
        if company is None:
            tx.session.merge(MailDomain(domain=domain))
            tx.session.flush()  # The company refers to it.
            company = Company(name="Foncière Calvière", domain=domain, created_at=tx.now)
            if billing:
                company.legal_name, company.street = "Foncière Calvière SA", "2 rue Haute"
                company.postcode, company.city, company.country = "75002", "Paris", "FR"
            tx.session.add(company)
            tx.session.flush()  # The membership refers to it.
        tx.session.add(
            Membership(person_id=who.id, company_id=company.id, roles=["lead", "admin"], joined_at=tx.now)
        )
    return Lead(who, company, Actor(who.id, companies={company.id: frozenset({"lead", "admin"})}))


def seller(
    db: Database, *, zone: str = "Europe/Paris", account_status: str = "active", **more: Any
) -> Seller:
    who = person(db, name=more.pop("name", "Solène Castagnères"))
    with db.transaction() as tx:
        expert = Expert(
            person_id=who.id, status=more.pop("status", "admitted"), slug=f"solene-{next(_count)}", headline="h", startup="Aquafouine", startup_role="CTO",
            city="Lyon", country=more.pop("country", "FR"), languages=["fr"], bio="b", language="fr",
            account_id=f"acct_{next(_count)}", account_status=account_status, created_at=tx.now, **more,
        )  # fmt: skip
        tx.session.add(expert)
        tx.session.flush()  # The calendar refers to it.
        calendar = Calendar(
            expert_id=expert.id,
            zone=zone,
            weekly=[{"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}],
        )
        tx.session.add(calendar)
    return Seller(who, expert, calendar, Actor(who.id, expert_id=expert.id))


def offer(db: Database, expert: Expert, **more: Any) -> Offer:
    with db.transaction() as tx:
        made = Offer(expert_id=expert.id, slug=f"offer-{next(_count)}", status="live", created_at=tx.now)
        tx.session.add(made)
        tx.session.flush()  # The version refers to it.
        values = {
            "language": "fr", "title": "Poser 38 000 compteurs", "problem": "p", "unlocked": "u",
            "takeaways": ["t"], "for_whom": "w", "topics": [], "industries": [], "minutes": 180,
            "price_minor": 120000, "format": "remote", "languages": ["fr"], "notice_hours": 72,
            "policy": "moderate", "instant": False,
        } | more  # fmt: skip
        tx.session.add(OfferVersion(offer_id=made.id, number=1, live=True, published_at=tx.now, **values))
        return made


def operator(db: Database) -> Actor:
    return Actor(person(db, name="Odile Marchal", operator=True).id, operator=True)


def first_slot(db: Database, offer_id: uuid.UUID, after: timedelta = timedelta(0)) -> datetime:
    now = db.clock()
    with db.reading() as session:
        free = free_for_offer(session, offer_id, window=(now, now + timedelta(days=60)), now=now)
    return next(start for start, _end in free.slots if start >= now + after)


def booking(
    db: Database, *, state: str = "held", days_ahead: int = 10, by: Lead | None = None,
    of: Seller | None = None, offer_of: Offer | None = None, **of_offer: Any,
) -> Made:  # fmt: skip
    """A booking walked to `state`: held, requested, accepted, confirmed."""
    by, of = by or lead(db), of or seller(db)
    what = offer_of or offer(db, of.expert, **of_offer)
    start = first_slot(db, what.id, timedelta(days=days_ahead))
    held = bookings.hold(db, by.actor, offer=what.id, start=start, format="remote", token=f"t{next(_count)}")
    made = Made(held.id, by, of, what)
    if state == "held":
        return made
    write_brief(db, made)
    authorise(db, open_payment(db, made))
    if state == "requested":
        return made
    accept(db, made)
    if state == "accepted":
        return made
    capture(db, made)
    return made


def question(
    db: Database, *, by: Lead | None = None, of: Seller | None = None, offer_of: Offer | None = None,
    asked: tuple[str, ...] = ("L’avez-vous fait en ville ?",), summary: str = "Des locataires refusent la pose.",
) -> Any:  # fmt: skip
    """An open question of a lead on an offer."""
    by, of = by or lead(db), of or seller(db)
    return questions.ask(
        db, by.actor, offer_id=(offer_of or offer(db, of.expert)).id, summary=summary, asked=asked,
        token=f"q{next(_count)}",
    )  # fmt: skip


def enquiry(db: Database, *, by: Lead | None = None, **told: str) -> Any:
    """An open enquiry of a lead."""
    values = {"title": "Compteurs refusés", "summary": "Des locataires refusent.", "details": "Les Tanneurs."}
    return enquiries.publish(
        db, NOBODY_ENCODES, (by or lead(db)).actor, token=f"e{next(_count)}", **values | told
    )


def asked_times(
    db: Database, *, by: Lead | None = None, of: Seller | None = None, offer_of: Offer | None = None,
    starts: Sequence[datetime] = ASKED, words: str = "Nous sommes à Nouméa.", token: str = "",
) -> Any:  # fmt: skip
    """Three times a lead proposes, open."""
    by, of = by or lead(db), of or seller(db)
    return queues.ask(
        db, by.actor, offer_id=(offer_of or offer(db, of.expert)).id, starts=starts, format="remote", words=words,
        token=token or f"a{next(_count)}",
    )  # fmt: skip


def place(db: Database, *, by: Lead | None = None, of: Seller | None = None) -> Any:
    """Somebody waits for a slot of an offer whose expert has no hours."""
    by, of = by or lead(db), of or seller(db)
    with db.transaction() as tx:
        tx.session.get_one(Calendar, of.expert.id).weekly = []
    first = db.clock().date()
    return queues.join(
        db, by.actor, offer_id=offer(db, of.expert).id, first=first, last=first + timedelta(days=30),
        zone="Europe/Paris", format="remote", token=f"p{next(_count)}",
    )  # fmt: skip


def write_brief(db: Database, made: Made) -> None:
    with db.reading() as session:
        brief_id = session.get_one(Booking, made.id).brief_id
    assert brief_id is not None
    words = {"subject": "Des locataires refusent", "context": "c" * 100, "decision": "d" * 40}
    save_brief(db, made.lead.actor, brief_id=brief_id, fields=words | {"confidential_done": True})


def open_payment(db: Database, made: Made) -> uuid.UUID:
    """Open it, with the checkout standing at the provider."""
    payment_id = bookings.open_payment(
        db,
        made.lead.actor,
        booking_id=made.id,
        accepted=DOCUMENTS,
        texts=TEXTS,
        platform=PLATFORM,
        ready=True,
    )
    with db.transaction() as tx:
        payment = tx.session.get_one(Payment, payment_id)
        payment.checkout_id, payment.state = payment.checkout_id or f"cs_{payment_id.hex}", "open"
        payment.checkout_until = payment.checkout_until or tx.now + timedelta(minutes=33)
    return payment_id


def provider_says(db: Database, payment_id: uuid.UUID, state: PaymentState, **more: Any) -> None:
    """The provider's word on a payment, as the door would give it."""
    with db.transaction() as tx:
        payment = tx.session.get_one(Payment, payment_id)
        locks.take(tx, calendar=payment.payee_expert_id, company=payment.payer_company_id, booking=payment.subject,
                   payment=payment.id)  # fmt: skip
        seen = PaymentSeen(
            state=state, amount_minor=payment.amount_minor, currency="EUR", intent_id=f"pi_{payment_id.hex}",
            charge_id=f"ch_{payment_id.hex}", **more,
        )  # fmt: skip
        apply_seen(tx, payment, seen)


def bank_says(db: Database, payment_id: uuid.UUID, state: ChargebackState, **more: Any) -> Chargeback:
    """The provider's word on a dispute at the payer's bank, as the door would give it."""
    with db.transaction() as tx:
        payment = tx.session.get_one(Payment, payment_id)
        locks.take(tx, calendar=payment.payee_expert_id, company=payment.payer_company_id, booking=payment.subject,
                   payment=payment.id)  # fmt: skip
        tx.session.refresh(payment)
        values: dict[str, Any] = {
            "amount_minor": payment.captured_minor, "taken_minor": payment.captured_minor, "fee_minor": 1500,
            "reason": "product_not_received", "evidence_due": tx.now + timedelta(days=14),
        } | more  # fmt: skip
        seen = ChargebackSeen(
            id=f"du_{payment_id.hex}", state=state, currency="EUR", intent_id=payment.intent_id, **values
        )
        apply_chargeback(tx, payment, seen)
        return tx.session.scalars(sa.select(Chargeback).where(Chargeback.provider_id == seen.id)).one()


def authorise(db: Database, payment_id: uuid.UUID) -> None:
    provider_says(db, payment_id, PaymentState.AUTHORISED)


def accept(db: Database, made: Made) -> None:
    bookings.accept(
        db, made.seller.actor, booking_id=made.id, accepted=ACCEPTED, place="https://meet.example.com/x",
        token=f"accept-{made.id}",
    )  # fmt: skip


def capture(db: Database, made: Made) -> None:
    provider_says(db, payment_of(db, made).id, PaymentState.CAPTURED, provider_fee_minor=2315)


def payment_of(db: Database, made: Made) -> Payment:
    with db.reading() as session:
        return session.scalars(
            sa.select(Payment)
            .where(Payment.subject == made.id)
            .order_by(Payment.created_at.desc(), Payment.id.desc())
        ).first()  # type: ignore[return-value]


def read(db: Database, made: Made) -> Booking:
    with db.reading() as session:
        return session.get_one(Booking, made.id)

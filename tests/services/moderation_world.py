"""What the tests of the operators' queue stand on: an applicant with everything, an expert who changes things."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import sqlalchemy as sa

from marketplace.domain.policy import Actor
from marketplace.domain.profiles import empty
from marketplace.services import moderation
from marketplace.services.moderation import deciding
from marketplace.services.offers.drafts import new_offer, save_offer, submit_offer
from marketplace.storage.availability import Calendar
from marketplace.storage.clock import real_now
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert, ProfileDraft
from marketplace.storage.moderation import Case
from marketplace.storage.offers import Industry, OfferVersion, Topic
from tests import factories as make

_count = itertools.count(1)
SAID: dict[str, Any] = {"ground": "reviews_policy", "reason": "La séance n’a pas eu lieu."}


def offer_fields(title: str = "Poser 38 000 compteurs sans porte fermée") -> dict[str, Any]:
    """All an offer needs to be submitted."""
    return {
        "language": "fr", "title": title,
        "problem": "Un locataire sur trois refusait le nouveau compteur, et les équipes revenaient trois fois. " * 3,
        "failed": "Les lettres recommandées.",
        "unlocked": "Nous avons formé les gardiens avant d’écrire aux locataires, un immeuble à la fois. " * 3,
        "takeaways": ["Un plan d’un mois", "La lettre aux gardiens", "Un tableau de suivi"],
        "for_whom": "Pour qui installe chez des particuliers.", "not_for_whom": "",
        "topics": ["deploiement"], "industries": ["energie"], "minutes": 180, "price_minor": 120_000,
        "format": "remote", "area": "", "languages": ["fr"], "notice_hours": 72, "policy": "moderate",
        "instant": False, "promises_plan": False, "questions": [],
    }  # fmt: skip


def profile_content(**more: Any) -> dict[str, Any]:
    return empty() | {
        "legal_name": "Lou Fabre", "street": "3 rue Basse", "postcode": "44000", "city": "Nantes", "country": "FR",
        "registration": "732829320", "vat_status": "liable", "vat_number": "FR44732829320",
        "headline": "A remis en route douze lignes", "startup": "Voltigeo", "startup_role": "Cofondatrice",
        "languages": ["fr"], "language": "fr", "bio": "Douze ans dans les ateliers, puis un départ. " * 10,
    } | more  # fmt: skip


def taxonomy(db: Database) -> None:
    with db.transaction() as tx:
        tx.session.merge(Topic(slug="deploiement", fr="Déploiement", en="Roll-out"))
        tx.session.merge(Industry(slug="energie", fr="Énergie", en="Energy"))


def applicant(db: Database, **more: Any) -> make.Seller:
    """Somebody whose application is ready to be submitted: profile, first offer, hours."""
    who = make.person(db, name="Lou Fabre", email=f"lou{next(_count)}@voltigeo.example")
    with db.transaction() as tx:
        expert = Expert(person_id=who.id, slug=f"lou-{next(_count)}", language="fr", account_id=f"acct_l{next(_count)}",
                        account_status="active", created_at=tx.now)  # fmt: skip
        tx.session.add(expert)
        tx.session.flush()
        calendar = Calendar(expert_id=expert.id, zone="Europe/Paris",
                            weekly=[{"days": [1, 2, 3], "start": "08:00", "end": "18:00"}])  # fmt: skip
        tx.session.add(calendar)
        tx.session.add(ProfileDraft(expert_id=expert.id, content=profile_content(**more), saved_at=tx.now))
    actor = Actor(who.id, expert_id=expert.id, applying=True)
    offer_id = new_offer(db, actor)
    save_offer(db, actor, offer_id=offer_id, fields=offer_fields(), revision=None)
    return make.Seller(who, expert, calendar, actor)


def submit_application(db: Database, lou: make.Seller) -> Case:
    """Straight to the queue: which steps must be done is the experts' room's own test."""
    from marketplace.domain.events import ApplicationSubmitted

    with db.transaction() as tx:
        draft = tx.session.get_one(ProfileDraft, lou.expert.id)
        tx.session.get_one(Expert, lou.expert.id).status = "submitted"
        draft.state, draft.submitted_at = "submitted", tx.now
        tx.session.flush()
        tx.announce(ApplicationSubmitted(lou.expert.id))
    return open_case(db, expert_id=lou.expert.id)


def changed_offer(db: Database, seller: make.Seller | None = None) -> tuple[make.Seller, uuid.UUID, Case]:
    """A live offer whose change is with the operators."""
    seller = seller or make.seller(db)
    offer = make.offer(db, seller.expert, **offer_fields())
    save_offer(db, seller.actor, offer_id=offer.id, fields={"price_minor": 150_000}, revision=None)
    submit_offer(db, seller.actor, offer_id=offer.id)
    return seller, offer.id, open_case(db, offer_id=offer.id)


def notice(db: Database, about: str, subject_id: uuid.UUID, **more: Any) -> Any:
    return moderation.give_notice(db, **{
        "about": about, "subject_id": subject_id, "why": "untrue", "text": "Ce récit ne décrit pas les faits.",
        "name": "Agnès Lecteur", "email": "agnes@lecteur.example", "language": "fr", "person_id": None,
        "address": f"192.0.2.{next(_count) % 250}", "real_now": real_now(),
    } | more)  # fmt: skip


def open_case(db: Database, **about: Any) -> Case:
    with db.reading() as session:
        return session.scalars(sa.select(Case).filter_by(state="open", **about)).one()


def case(db: Database, number: int) -> Case:
    with db.reading() as session:
        return session.scalars(sa.select(Case).where(Case.number == number)).one()


def decide(db: Database, actor: Actor, about: Case, decision: str, **more: Any) -> None:
    deciding.decide(
        db, actor, number=about.number, decision=decision,
        **{"revision": about.revision, "real_now": real_now()} | more,
    )  # fmt: skip


def live(db: Database, offer_id: uuid.UUID) -> OfferVersion | None:
    with db.reading() as session:
        return session.scalar(sa.select(OfferVersion).filter_by(offer_id=offer_id, live=True))

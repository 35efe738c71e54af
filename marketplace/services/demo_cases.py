"""Demo cases, played by the same services guests use. For the operators' queue: an applicant with everything
submitted, a changed offer, a changed profile, and two reports. Of project leads: an open question, an
enquiry, and a saved search.

Each is a step at its time in the play of `demo_bookings`, so that some are late already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from ..domain.filters import read_filters
from ..domain.hours import Typed
from ..domain.policy import Actor
from ..gateways.embeddings import Encoders
from ..storage.clock import real_now
from ..storage.db import Database
from ..storage.experts import Expert
from ..storage.offers import Offer
from ..storage.people import Person
from ..storage.reviews import Review
from . import enquiries, moderation, questions, saved_searches
from .availability.hours import save_hours
from .demo_bookings import Step
from .experts import accept_charter, become_expert, save_profile, submit_application, submit_profile
from .offers.drafts import new_offer, save_offer, submit_offer
from .people import actor_for

_HOURS = Typed(
    zone="Europe/Paris",
    weekly=tuple((day, "09:00", "17:00") for day in (1, 2, 4)),
    numbers={"before_minutes": "15", "after_minutes": "15", "notice_hours": "48", "horizon_days": "60", "grid_minutes": "30"},
)  # fmt: skip


def steps(db: Database, encoders: Encoders, cases: Mapping[str, Any]) -> Sequence[Step]:
    """(days ago, deed) for each case of the file whose offer was loaded."""
    deeds: Mapping[str, Callable[..., str]] = {
        "applicant": _apply, "changed_offer": _change_offer, "changed_profile": _change_profile,
        "reported_review": _report_review, "reported_offer": _report_offer,
        "question": _ask, "enquiry": partial(_publish, encoders), "saved_search": _save_search,
    }  # fmt: skip
    with db.reading() as session:
        loaded = set(session.scalars(sa.select(Offer.source_id)))
    return [
        (case["days_ago"], partial(deeds[name], db, case))
        for name, case in cases.items()
        if isinstance(case["offer"], dict) or case["offer"] in loaded
    ]


def _apply(db: Database, case: Mapping[str, Any]) -> str:
    with db.transaction() as tx:
        person = Person(
            email=case["email"], name=case["name"], language=case["language"], zone=case["zone"], demo=True,
            email_verified_at=tx.now, created_at=tx.now,
        )  # fmt: skip
        tx.session.add(person)
    become_expert(db, Actor(person.id))
    me = _actor(db, person.id)
    save_profile(db, me, fields=case["profile"])
    save_hours(db, me, typed=_HOURS)
    save_offer(db, me, offer_id=new_offer(db, me), fields=case["offer"])
    accept_charter(db, me)
    submit_application(db, me)
    return f"{case['name']}: application submitted"


def _change_offer(db: Database, case: Mapping[str, Any]) -> str:
    offer, me = _of(db, case)
    save_offer(db, me, offer_id=offer.id, fields=case["fields"])
    submit_offer(db, me, offer_id=offer.id)
    return f"{offer.slug}: change submitted"


def _change_profile(db: Database, case: Mapping[str, Any]) -> str:
    offer, me = _of(db, case)
    save_profile(db, me, fields=case["fields"])
    submit_profile(db, me)
    return f"{offer.slug}: its expert’s profile submitted"


def _report_review(db: Database, case: Mapping[str, Any]) -> str:
    offer, _me = _of(db, case)
    with db.reading() as session:
        review_id = session.scalars(
            sa.select(Review.id).where(Review.offer_id == offer.id, Review.author_name == case["author"])
        ).one()
        expert = session.scalars(
            sa.select(Person).join(Expert, Expert.person_id == Person.id).where(Expert.id == offer.expert_id)
        ).one()
    _notice(db, case, "review", review_id, expert.name, expert.email, expert.id)
    return f"{offer.slug}: a review reported"


def _report_offer(db: Database, case: Mapping[str, Any]) -> str:
    offer, _me = _of(db, case)
    _notice(db, case, "offer", offer.id, case["name"], case["email"], None)
    return f"{offer.slug}: reported"


def _ask(db: Database, case: Mapping[str, Any]) -> str:
    offer, _me = _of(db, case)
    questions.ask(
        db, _lead(db, case), offer_id=offer.id, summary=case["summary"], asked=case["asked"], token="play"
    )
    return f"{offer.slug}: a question asked"


def _publish(encoders: Encoders, db: Database, case: Mapping[str, Any]) -> str:
    told = {name: case[name] for name in ("title", "summary", "details")}
    enquiries.publish(db, encoders, _lead(db, case), token="play", **told)
    return f"{case['lead']}: an enquiry published"


def _save_search(db: Database, case: Mapping[str, Any]) -> str:
    filters, _wrong = read_filters(case["filters"], db.clock().date())
    saved_searches.save(
        db, _lead(db, case), name=case["name"], query=case["query"], filters=filters, order="fit"
    )
    return f"{case['lead']}: a search saved"


def _lead(db: Database, case: Mapping[str, Any]) -> Actor:
    with db.reading() as session:
        person_id = session.scalars(sa.select(Person.id).where(Person.email == case["lead"])).one()
    return _actor(db, person_id)


def _notice(
    db: Database, case: Mapping[str, Any], about: str, subject: Any, name: str, email: str, person: Any
) -> None:
    moderation.give_notice(
        db, about=about, subject_id=subject, why=case["why"], text=case["text"], name=name, email=email,
        language="fr", person_id=person, address="127.0.0.1", real_now=real_now(),
    )  # fmt: skip


def _of(db: Database, case: Mapping[str, Any]) -> tuple[Offer, Actor]:
    with db.reading() as session:
        offer = session.scalars(sa.select(Offer).where(Offer.source_id == case["offer"])).one()
        person_id = session.scalars(sa.select(Expert.person_id).where(Expert.id == offer.expert_id)).one()
    return offer, _actor(db, person_id)


def _actor(db: Database, person_id: Any) -> Actor:
    with db.reading() as session:
        return actor_for(session, person_id)

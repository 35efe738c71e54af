"""Becoming an expert: by their own door, or beside an account that leads projects already."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ...domain.errors import NotFound, TermsNotAccepted, TooManyTries
from ...domain.ids import new_id
from ...domain.offers import slug
from ...domain.policy import Actor
from ...domain.profiles import empty
from ...domain.terms import AT_SIGN_UP
from ...storage.availability import Calendar
from ...storage.db import Database, Tx
from ...storage.experts import Expert, ProfileDraft
from ...storage.people import Person
from ..people import write_audit
from ..people.joining import cleaned_words, enter


def sign_up_expert(
    db: Database, *, email: str, name: str, language: str, zone: str,
    accepted: tuple[str, ...] = AT_SIGN_UP, address: str, real_now: datetime,
) -> TooManyTries | None:  # fmt: skip
    """An account with an application begun, unproven until the mailed link is used; no company, any mail.

    The answer is the same for known addresses, as in people.sign_up. TermsNotAccepted, TextRefused.
    """
    email, name = cleaned_words(email, name)
    missing = [document for document in AT_SIGN_UP if document not in accepted]
    if missing:
        raise TermsNotAccepted(missing=tuple(missing))
    with db.transaction() as tx:
        person = enter(
            tx, email=email, name=name, language=language, zone=zone, address=address, real_now=real_now
        )
        if isinstance(person, TooManyTries):
            return person
        if person is not None:
            start_expert(tx, person)
    return None


def become_expert(db: Database, actor: Actor) -> None:
    """Begin an application beside what the account is already; begun before, nothing changes."""
    with db.transaction() as tx:
        person = tx.session.get(Person, actor.person_id) if actor.person_id else None
        if person is None:
            raise NotFound
        start_expert(tx, person)
        write_audit(tx, actor_id=person.id, act="expert.began", subject=str(person.id))


def start_expert(tx: Tx, person: Person) -> uuid.UUID:
    """An expert who applies, with an empty draft and a calendar without hours (part; said twice, once)."""
    base = slug(person.name)
    # The name, the name and a number of its own: two people of one name may come at the same instant.
    for address in (base, f"{base}-{new_id().hex[-6:]}"):
        tx.session.execute(
            insert(Expert)
            .values(id=new_id(), person_id=person.id, slug=address, status="applying", headline="", startup="",
                    startup_role="", city="", country="", languages=[], bio="", language=person.language,
                    vat_status="liable", account_status="none", account_asks=[], conflicts=[], cancelled_count=0,
                    demo=False, created_at=tx.now)
            .on_conflict_do_nothing()
        )  # fmt: skip
        expert_id = tx.session.scalar(sa.select(Expert.id).where(Expert.person_id == person.id))
        if expert_id is not None:
            break
    else:
        raise RuntimeError("no address was free for an expert")
    tx.session.execute(
        insert(Calendar).values(expert_id=expert_id, zone=person.zone, weekly=[]).on_conflict_do_nothing()
    )
    tx.session.execute(
        insert(ProfileDraft)
        .values(expert_id=expert_id, content=empty() | {"language": person.language}, revision=1, state="draft",
                notes={}, saved_at=tx.now)
        .on_conflict_do_nothing()
    )  # fmt: skip
    return expert_id

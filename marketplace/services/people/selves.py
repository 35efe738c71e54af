"""Who somebody is on the platform, and what they prefer."""

from __future__ import annotations

import uuid
from zoneinfo import available_timezones

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from ...domain.errors import NotFound, TextRefused
from ...domain.policy import ANONYMOUS, Actor
from ...domain.words import clean_line
from ...storage.companies import Membership
from ...storage.db import Database
from ...storage.experts import Expert
from ...storage.people import LANGUAGES, Person

LONGEST_NAME = 120
_ZONES = available_timezones()
# What a person is besides, in the statement that reads them with an outer join of their expert: every
# request of somebody logged in asks it.
STANDING = (
    Expert.id,
    Expert.status,
    sa.select(
        sa.func.jsonb_object_agg(
            sa.cast(Membership.company_id, sa.Text), sa.func.to_jsonb(Membership.roles), type_=JSONB
        )
    )
    .where(Membership.person_id == Person.id)
    .correlate(Person)
    .scalar_subquery(),
)


def actor_for(session: Session, person_id: uuid.UUID | None) -> Actor:
    """The person as `domain.policy` sees them, read now; ANONYMOUS for nobody and for the suspended."""
    if person_id is None:
        return ANONYMOUS
    row = session.execute(
        sa.select(Person.id, Person.operator, *STANDING)
        .outerjoin(Expert, Expert.person_id == Person.id)
        .where(Person.id == person_id, Person.suspended_at.is_(None))
    ).one_or_none()
    return ANONYMOUS if row is None else as_actor(*row)


def as_actor(
    person_id: uuid.UUID,
    operator: bool,
    expert_id: uuid.UUID | None,
    status: str | None,
    companies: dict[str, list[str]] | None,
) -> Actor:
    """An actor of what was read: the person, and the columns of STANDING."""
    return Actor(
        person_id=person_id, operator=operator, expert_id=expert_id, applying=status not in (None, "admitted"),
        companies={uuid.UUID(company): frozenset(roles) for company, roles in (companies or {}).items()},
    )  # fmt: skip


def roles_of(actor: Actor) -> frozenset[str]:
    """What the pages lead by: "operator", "expert" (or "applicant" before admission), and the roles in companies."""
    found = {role for roles in actor.companies.values() for role in roles}
    if actor.operator:
        found.add("operator")
    if actor.expert_id is not None:
        found.add("applicant" if actor.applying else "expert")
    return frozenset(found)


def change_preferences(
    db: Database,
    actor: Actor,
    *,
    name: str | None = None,
    language: str | None = None,
    zone: str | None = None,
) -> None:
    """Change one's own name, language or time zone; None leaves as it is. TextRefused for what cannot be kept."""
    with db.transaction() as tx:
        person = tx.session.get(Person, actor.person_id) if actor.person_id else None
        if person is None:
            raise NotFound
        if name is not None:
            person.name = _name(name)
        if language is not None:
            if language not in LANGUAGES:
                raise TextRefused(why="language", most=2)
            person.language = language
        if zone is not None:
            if zone not in _ZONES:
                raise TextRefused(why="zone", most=64)
            person.zone = zone


def _name(text: str) -> str:
    name = clean_line(text, LONGEST_NAME)
    if not name:
        raise TextRefused(why="empty", most=LONGEST_NAME)
    return name

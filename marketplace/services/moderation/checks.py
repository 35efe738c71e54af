"""What machines checked before a person decides: each check with what it looked at and what it found.

Read anew each time a case is opened, by a fixed number of statements. Nothing here decides: form and
check digits are compared, no register is asked.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.addresses import domain_of, is_free_mail
from ...domain.checks import SAME_TEXT, contacts, same_site, shared, vat_says_company
from ...domain.errors import RegistrationWrong, TextRefused, VatNumberWrong
from ...domain.search import MOST_CHARACTERS
from ...storage.experts import Expert, ProfileDraft
from ...storage.files import File
from ...storage.offers import Offer, OfferDraft, OfferVersion
from ...storage.people import Person
from ..companies import check_vat
from ..experts.checking import check_registration
from ..search import find

# So many of the nearest live offers, and of the newest drafts of others, are read for the same text.
NEAREST, DRAFTS = 12, 200
OFFER_TEXTS = (
    "title",
    "problem",
    "failed",
    "unlocked",
    "takeaways",
    "for_whom",
    "not_for_whom",
    "area",
    "questions",
)
PROFILE_TEXTS = ("headline", "startup", "startup_role", "bio")
_STORY = ("problem", "failed", "unlocked")


@dataclass(frozen=True)
class Check:
    """One check. state: "good", "look" (a person should), "none" (nothing to compare).

    `looked_at` is what was read; `why` a code; `found` lines of what speaks for a look.
    """

    name: str
    state: str
    why: str = ""
    looked_at: str = ""
    found: tuple[tuple[str, ...], ...] = ()


def profile_checks(
    session: Session, expert_id: uuid.UUID, content: Mapping[str, Any], now: datetime
) -> list[Check]:
    """Of an application or a changed profile: numbers, mail domain, doubles, contact details, same text."""
    person = session.scalars(
        sa.select(Person).join(Expert, Expert.person_id == Person.id).where(Expert.id == expert_id)
    ).one()
    return [
        _registration(content),
        _vat(content),
        _vat_of_company(content),
        _mail(person.email, str(content.get("website") or "")),
        _doubles(session, expert_id, person, content),
        _contacts(content, PROFILE_TEXTS),
        _same_text(session, expert_id, str(content.get("bio") or ""), "bio", now),
    ]


def offer_checks(
    session: Session, expert_id: uuid.UUID, content: Mapping[str, Any], now: datetime
) -> list[Check]:
    """Of an offer: contact details in its texts, and the same story elsewhere."""
    story = "\n".join(str(content.get(name) or "") for name in _STORY)
    return [_contacts(content, OFFER_TEXTS), _same_text(session, expert_id, story, "story", now)]


def text_checks(text: str) -> list[Check]:
    """Of a reported text."""
    return [_contacts({"text": text}, ("text",))]


def _registration(content: Mapping[str, Any]) -> Check:
    number, country = str(content.get("registration") or ""), str(content.get("country") or "")
    if not number:
        return Check("registration", "none", "missing")
    try:
        check_registration(number, country)
    except RegistrationWrong as wrong:
        return Check("registration", "look", str(wrong.facts["why"]), number)
    return Check("registration", "good", "form", number)


def _vat(content: Mapping[str, Any]) -> Check:
    number, country = str(content.get("vat_number") or ""), str(content.get("country") or "")
    if content.get("vat_status") == "exempt":
        return Check("vat", "good", "exempt", str(content.get("vat_ground") or ""))
    if not number or not country:
        return Check("vat", "look", "missing")
    try:
        check_vat(number, country)
    except (VatNumberWrong, TextRefused) as wrong:
        return Check("vat", "look", str(wrong.facts["why"]), number)
    return Check("vat", "good", "form", number)


def _vat_of_company(content: Mapping[str, Any]) -> Check:
    number, vat = str(content.get("registration") or ""), str(content.get("vat_number") or "")
    same = vat_says_company(vat, number, str(content.get("country") or ""))
    if same is None:
        return Check("vat_company", "none", "not_held")
    return Check("vat_company", "good" if same else "look", "same" if same else "other", f"{vat} · {number}")


def _mail(email: str, website: str) -> Check:
    domain = domain_of(email)
    if is_free_mail(domain):
        return Check("mail", "look", "free", domain)
    if website and same_site(domain, website):
        return Check("mail", "good", "website", domain)
    return Check("mail", "good", "company", domain)


def _doubles(session: Session, expert_id: uuid.UUID, person: Person, content: Mapping[str, Any]) -> Check:
    """Other accounts of the same name, legal name, company number, VAT number or photograph; one statement."""
    same = _sameness(person, content)
    looked_at = [name for name, _clause in same]
    rows = session.execute(
        sa.select(Person.name, *(clause.label(name) for name, clause in same))
        .join(Expert, Expert.person_id == Person.id)
        .outerjoin(ProfileDraft, ProfileDraft.expert_id == Expert.id)
        .where(Expert.id != expert_id, sa.or_(*(clause for _name, clause in same)))
        .order_by(Person.name, Person.id)
        .limit(10)
    ).all()
    found = tuple(
        (row[0], *(name for name, hit in zip(looked_at, row[1:], strict=True) if hit)) for row in rows
    )
    return Check("doubles", "look" if found else "good", "", " ".join(looked_at), found)


def _sameness(person: Person, content: Mapping[str, Any]) -> list[tuple[str, sa.ColumnElement[bool]]]:
    def plain(text: Any) -> Any:
        return sa.func.lower(sa.func.unaccent(text))

    def said(name: str) -> Any:
        return ProfileDraft.content[name].astext

    clauses: list[tuple[str, Any]] = [("name", plain(Person.name) == plain(person.name))]
    for name, column in (
        ("legal_name", Expert.legal_name), ("registration", Expert.registration), ("vat_number", Expert.vat_number),
    ):  # fmt: skip
        given = str(content.get(name) or "")
        if given:
            clauses.append((name, sa.or_(plain(column) == plain(given), plain(said(name)) == plain(given))))
    photo = str(content.get("photo_id") or "")
    if photo:
        mine = sa.select(File.digest).where(File.id == uuid.UUID(photo)).scalar_subquery()
        theirs = sa.exists().where(File.person_id == Person.id, File.digest == mine)
        clauses.append(("photo_id", theirs))
    return [(name, sa.func.coalesce(clause, sa.false())) for name, clause in clauses]


def _contacts(content: Mapping[str, Any], names: Sequence[str]) -> Check:
    found = [
        (name, one.kind, one.text)
        for name in names
        for text in _texts(content.get(name))
        for one in contacts(text)
    ]
    return Check("contacts", "look" if found else "good", "", str(len(names)), tuple(found[:20]))


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return [str(value)] if value else []


def _same_text(session: Session, expert_id: uuid.UUID, text: str, which: str, now: datetime) -> Check:
    """The nearest live offers by the words of the text, and the newest drafts of others, read run by run."""
    text = text[:MOST_CHARACTERS]
    if not text.strip():
        return Check("same_text", "none", which)
    near = [hit.offer_id for hit in find(session, text, now=now, limit=NEAREST).hits]
    others: list[tuple[str, str, str]] = [
        (name, title, f"{story}\n{bio}")
        for name, title, story, bio in session.execute(
            sa.select(
                Person.name,
                OfferVersion.title,
                OfferVersion.problem + "\n" + OfferVersion.failed + "\n" + OfferVersion.unlocked,
                Expert.bio,
            )
            .join(Offer, Offer.id == OfferVersion.offer_id)
            .join(Expert, Expert.id == Offer.expert_id)
            .join(Person, Person.id == Expert.person_id)
            .where(OfferVersion.live, Offer.id.in_(near), Expert.id != expert_id)
        )
    ]
    others += [
        (name, str(content.get("title") or ""), "\n".join(str(content.get(part) or "") for part in _STORY))
        for name, content in session.execute(
            sa.select(Person.name, OfferDraft.content)
            .join(Offer, Offer.id == OfferDraft.offer_id)
            .join(Expert, Expert.id == Offer.expert_id)
            .join(Person, Person.id == Expert.person_id)
            .where(Expert.id != expert_id, OfferDraft.state != "published")
            .order_by(OfferDraft.saved_at.desc())
            .limit(DRAFTS)
        )
    ]
    found = sorted(
        (
            (share, name, title)
            for name, title, other in others
            if (share := shared(text, other)) >= SAME_TEXT
        ),
        reverse=True,
    )
    return Check(
        "same_text", "look" if found else "good", which, str(len(others)),
        tuple((name, title, str(round(share * 100))) for share, name, title in found[:5]),
    )  # fmt: skip

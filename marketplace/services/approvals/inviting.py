"""Becoming a company's approver: invited by mail, joining by accepting; a known account or a new one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.addresses import domain_of
from ...domain.approvals import invitation_until
from ...domain.errors import (
    ApproverStands,
    ApproverWrong,
    LinkSpent,
    NotFound,
    TermsNotAccepted,
    TooManyTries,
)
from ...domain.events import ApproverInvited
from ...domain.ids import new_id
from ...domain.passwords import check_password
from ...domain.policy import Actor
from ...domain.terms import AT_SIGN_UP
from ...domain.words import clean_line
from ...storage import locks
from ...storage.approvals import ApproverInvitation
from ...storage.companies import Company, Membership
from ...storage.db import Database, Tx
from ...storage.people import Person
from ..people import accept_documents, write_audit
from ..people.hashing import hash_password
from ..people.joining import cleaned_words
from ..people.limits import MAILS, account_key, count_tries
from ..people.links import hashed, is_kept
from ..people.log_ins import SignedIn, open_log_in
from ..people.passwords import PRODUCT_WORDS
from .rules import administered, approvers, open_invitation


@dataclass(frozen=True)
class Invited:
    """An invitation behind its link: for which company, from whom, and whether the address has an account."""

    invitation: ApproverInvitation
    company: Company
    inviter: str
    has_account: bool


def invite_approver(db: Database, actor: Actor, *, email: str, real_now: datetime) -> TooManyTries | None:
    """Invite somebody of the company's mail domain to approve; an invitation still open ends with it.

    Raises NotFound, ApproverWrong for other domains and for oneself, ApproverStands where somebody approves already. TooManyTries is returned, so that its count stands.
    """
    email = clean_line(email, 254).lower()
    with db.transaction() as tx:
        company = administered(tx.session, actor)
        locks.take(tx, company=company.id)
        if domain_of(email) != company.domain:
            raise ApproverWrong(why="elsewhere", domain=company.domain)
        if tx.session.get_one(Person, actor.person_id).email == email:
            raise ApproverWrong(why="self", domain=company.domain)
        standing = approvers(tx.session, company.id)
        if standing:
            raise ApproverStands(name=standing[0].name)
        until = count_tries(tx.session, [(f"mail:{account_key(email)}", MAILS)], real_now)
        if until is not None:
            return TooManyTries(until=until)
        _revoke(tx, company.id)
        invitation = ApproverInvitation(
            company_id=company.id, email=email, invited_by=actor.person_id, made_at=tx.now,
            until=invitation_until(tx.now),
        )  # fmt: skip
        tx.session.add(invitation)
        tx.session.flush()  # Its id goes into the announcement.
        write_audit(tx, actor_id=actor.person_id, act="approver.invited", subject=str(company.id))
        tx.announce(ApproverInvited(invitation.id))
        return None


def cancel_invitation(db: Database, actor: Actor) -> None:
    """Take the open invitation back: its link is worth nothing from here on. Raises NotFound."""
    with db.transaction() as tx:
        company = administered(tx.session, actor)
        locks.take(tx, company=company.id)
        _revoke(tx, company.id)


def _revoke(tx: Tx, company_id: uuid.UUID) -> None:
    standing = open_invitation(tx.session, company_id)
    if standing is not None:
        standing.revoked_at = tx.now
        tx.session.flush()  # One open at a time: before another is written.


def remove_approver(db: Database, actor: Actor, *, person_id: uuid.UUID) -> None:
    """Somebody no longer approves; what waits for them is decided by the next one, or runs out. NotFound."""
    with db.transaction() as tx:
        company = administered(tx.session, actor)
        locks.take(tx, company=company.id)
        place = _place(tx.session, company.id, person_id)
        if place is None or "approver" not in place.roles:
            raise NotFound
        left = [role for role in place.roles if role != "approver"]
        if left:
            place.roles = left
        else:
            tx.session.delete(place)
        write_audit(tx, actor_id=actor.person_id, act="approver.removed", subject=str(person_id))


def give_invitation_token(invitation: ApproverInvitation, token: str) -> None:
    """The letter with this token is written: from here on it opens the invitation (part of a use-case)."""
    invitation.token_hash = hashed(token)


def invitation_of(session: Session, token: str, now: datetime) -> Invited | None:
    """The invitation of this link while it can be taken; looking does not take it."""
    row = session.execute(
        sa.select(ApproverInvitation, Company, Person.name)
        .join(Company, Company.id == ApproverInvitation.company_id)
        .join(Person, Person.id == ApproverInvitation.invited_by)
        .where(
            ApproverInvitation.token_hash == hashed(token),
            ApproverInvitation.revoked_at.is_(None),
            ApproverInvitation.accepted_at.is_(None),
            ApproverInvitation.until > now,
        )
    ).one_or_none()
    if row is None:
        return None
    invitation, company, inviter = row
    known = session.scalar(
        sa.select(Person.id).where(
            Person.email == invitation.email, Person.email_verified_at.is_not(None) | Person.demo
        )
    )
    return Invited(invitation, company, inviter, known is not None)


def join_as_approver(db: Database, actor: Actor, *, token: str) -> Company:
    """Accept with the account of the invited address. LinkSpent, NotFound for anybody else's account."""
    with db.transaction() as tx:
        found = _locked(tx, token)
        person = tx.session.get(Person, actor.person_id) if actor.person_id else None
        if person is None or person.email != found.invitation.email:
            raise NotFound
        _join(tx, found, person)
        return found.company


def join_as_newcomer(
    db: Database, *, token: str, name: str, password: str, accepted: tuple[str, ...], language: str, zone: str,
    address: str, user_agent: str, real_now: datetime,
) -> SignedIn:  # fmt: skip
    """Accept with a new account: who opened the mail has proven the address, and chooses the password.

    Raises LinkSpent (also where the address has an account by now), TermsNotAccepted, WeakPassword, TextRefused.
    """
    _email, name = cleaned_words("", name)
    missing = tuple(document for document in AT_SIGN_UP if document not in accepted)
    if missing:
        raise TermsNotAccepted(missing=missing)
    with db.reading() as session:
        known = invitation_of(session, token, db.clock())
    if known is None:
        raise LinkSpent
    # Hashing takes its time: before any lock is held.
    check_password(
        password, operator=False, own_words=(*PRODUCT_WORDS, name, known.invitation.email, known.company.name)
    )
    fresh = hash_password(password)
    with db.transaction() as tx:
        found = _locked(tx, token)
        person = _newcomer(tx, found.invitation.email, name, language, zone)
        person.password_hash, person.email_verified_at = fresh, tx.now
        accept_documents(tx, person.id, AT_SIGN_UP, None, address)
        write_audit(tx, actor_id=person.id, act="sign_up", subject=str(person.id), address=address)
        _join(tx, found, person)
        return open_log_in(tx, person, address=address, user_agent=user_agent, real_now=real_now)


def _newcomer(tx: Tx, email: str, name: str, language: str, zone: str) -> Person:
    """The account of this address, made, or found unproven; LinkSpent where it is somebody's already."""
    if is_kept(tx.session, email, tx.now):
        raise LinkSpent
    tx.session.execute(
        insert(Person)
        .values(id=new_id(), email=email, name=name, language=language, zone=zone, operator=False, demo=False,
                created_at=tx.now)
        .on_conflict_do_nothing(index_elements=[Person.email])
    )  # fmt: skip
    person = tx.session.scalars(sa.select(Person).where(Person.email == email).with_for_update()).one()
    if person.email_verified_at is not None or person.demo or person.suspended_at is not None:
        raise LinkSpent
    person.name, person.language, person.zone = name, language, zone
    return person


def _locked(tx: Tx, token: str) -> Invited:
    """The invitation behind its company's lock: of two acceptances at once one wins. LinkSpent."""
    before = invitation_of(tx.session, token, tx.now)
    if before is None:
        raise LinkSpent
    locks.take(tx, company=before.company.id)
    tx.session.refresh(before.invitation)
    found = invitation_of(tx.session, token, tx.now)
    if found is None:
        raise LinkSpent
    return found


def _join(tx: Tx, found: Invited, person: Person) -> None:
    found.invitation.accepted_at, found.invitation.person_id = tx.now, person.id
    place = _place(tx.session, found.company.id, person.id)
    if place is None:
        tx.session.add(
            Membership(person_id=person.id, company_id=found.company.id, roles=["approver"], joined_at=tx.now)
        )
    elif "approver" not in place.roles:
        place.roles = [*place.roles, "approver"]
    write_audit(tx, actor_id=person.id, act="approver.joined", subject=str(found.company.id))


def _place(session: Session, company_id: uuid.UUID, person_id: uuid.UUID) -> Membership | None:
    return session.scalar(
        sa.select(Membership)
        .where(Membership.company_id == company_id, Membership.person_id == person_id)
        .with_for_update()
    )

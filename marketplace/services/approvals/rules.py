"""A company's rule: when an approver is asked, and who that is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import approvals as law
from ...domain.errors import NotFound
from ...domain.policy import Actor
from ...storage.approvals import ApprovalRule, ApproverInvitation
from ...storage.companies import Company, Membership
from ...storage.db import Database
from ...storage.people import Person
from ..people import write_audit


@dataclass(frozen=True)
class Approvals:
    """What an administrator's page shows. `invitation`: the open one, whose time may have passed."""

    company: Company
    rule: ApprovalRule | None
    approvers: Sequence[Person]
    invitation: ApproverInvitation | None


def administered(session: Session, actor: Actor) -> Company:
    """The company the actor administers; its founder does (services/people/joining.py). NotFound."""
    mine = [company for company, roles in actor.companies.items() if "admin" in roles]
    found = session.scalar(
        sa.select(Company).where(Company.id.in_(mine)).order_by(Company.created_at, Company.id).limit(1)
    )
    if found is None:
        raise NotFound
    return found


def approvals_of(session: Session, actor: Actor) -> Approvals:
    """Rule, approver and invitation of the company the actor administers. NotFound."""
    company = administered(session, actor)
    return Approvals(
        company, rule_of(session, company.id), approvers(session, company.id), open_invitation(session, company.id)
    )  # fmt: skip


def rule_of(session: Session, company_id: uuid.UUID) -> ApprovalRule | None:
    """The company's rule; None where nobody is asked."""
    return session.get(ApprovalRule, company_id)


def asks_for(session: Session, company_id: uuid.UUID, total: int) -> bool:
    """Whether the company's rule asks an approver for this total with VAT (minor units)."""
    rule = rule_of(session, company_id)
    return rule is not None and law.asks(rule.kind, rule.above_minor, total)


def approvers(session: Session, company_id: uuid.UUID) -> list[Person]:
    """Who approves for the company: one person, as long as the simple rule is all there is."""
    return list(
        session.scalars(
            sa.select(Person)
            .join(Membership, Membership.person_id == Person.id)
            .where(Membership.company_id == company_id, sa.literal("approver") == sa.any_(Membership.roles))
            .where(Person.suspended_at.is_(None))
            .order_by(Membership.joined_at, Person.id)
        )
    )


def approver_for(session: Session, company_id: uuid.UUID, lead_id: uuid.UUID) -> Person | None:
    """Who may approve what this lead asks for: never the lead."""
    return next((one for one in approvers(session, company_id) if one.id != lead_id), None)


def open_invitation(session: Session, company_id: uuid.UUID) -> ApproverInvitation | None:
    """The invitation that was neither taken nor taken back."""
    return session.scalar(
        sa.select(ApproverInvitation).where(
            ApproverInvitation.company_id == company_id,
            ApproverInvitation.revoked_at.is_(None),
            ApproverInvitation.accepted_at.is_(None),
        )
    )


def set_rule(db: Database, actor: Actor, *, kind: str, above_minor: int | None = None) -> None:
    """Keep the company's rule: "none", "always", or "above" an amount with VAT (minor units).

    It holds from now on: a payment page opened before stays open. Raises NotFound, ApprovalRuleWrong.
    """
    above = law.check_rule(kind, above_minor)
    with db.transaction() as tx:
        company = administered(tx.session, actor)
        tx.session.get(Company, company.id, with_for_update=True)
        rule = rule_of(tx.session, company.id)
        if kind == "none":
            if rule is not None:
                tx.session.delete(rule)
        elif rule is None:
            tx.session.add(
                ApprovalRule(company_id=company.id, kind=kind, above_minor=above, changed_at=tx.now)
            )
        else:
            rule.kind, rule.above_minor, rule.changed_at = kind, above, tx.now
        write_audit(tx, actor_id=actor.person_id, act="company.approvals", subject=str(company.id))

"""Who may do what: one table, action → any of [all of predicates]; unlisted or empty means no.

*Who may* answers 404 to others; *when it can* is the transition table and answers a sentence
(docs/architecture.md, rule 8). Predicates take the actor and the thing's parties.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """Who acts: a person with what they are, read anew for each request."""

    person_id: uuid.UUID | None
    operator: bool = False
    expert_id: uuid.UUID | None = None
    # An expert not yet admitted: their own pages are the application's.
    applying: bool = False
    companies: Mapping[uuid.UUID, frozenset[str]] = field(default_factory=dict)


ANONYMOUS = Actor(None)


@dataclass(frozen=True)
class Parties:
    """Who stands on which side of a booking."""

    lead_id: uuid.UUID | None
    company_id: uuid.UUID | None
    expert_id: uuid.UUID | None


Predicate = Callable[[Actor, Parties | None], bool]


def signed_in(actor: Actor, thing: Parties | None) -> bool:
    """Anybody with an account."""
    return actor.person_id is not None


def is_operator(actor: Actor, thing: Parties | None) -> bool:
    """An operator of the platform."""
    return actor.person_id is not None and actor.operator


def is_expert(actor: Actor, thing: Parties | None) -> bool:
    """Somebody who sells sessions."""
    return actor.person_id is not None and actor.expert_id is not None


def leads_somewhere(actor: Actor, thing: Parties | None) -> bool:
    """A project lead of some company."""
    return actor.person_id is not None and any("lead" in roles for roles in actor.companies.values())


def is_its_lead(actor: Actor, thing: Parties | None) -> bool:
    """The project lead of this booking."""
    return thing is not None and actor.person_id is not None and actor.person_id == thing.lead_id


def administers_its_company(actor: Actor, thing: Parties | None) -> bool:
    """An administrator of the company this booking is for: with the lead, the buyer's side."""
    if thing is None or thing.company_id is None or actor.person_id is None:
        return False
    return "admin" in actor.companies.get(thing.company_id, frozenset())


def buys_for_the_company(actor: Actor, thing: Parties | None) -> bool:
    """A project lead, a finance person or an administrator of the company."""
    if thing is None or thing.company_id is None or actor.person_id is None:
        return False
    return bool(actor.companies.get(thing.company_id, frozenset()) & {"lead", "finance", "admin"})


def administers_somewhere(actor: Actor, thing: Parties | None) -> bool:
    """An administrator of some company."""
    return actor.person_id is not None and any("admin" in roles for roles in actor.companies.values())


def approves_somewhere(actor: Actor, thing: Parties | None) -> bool:
    """An approver of some company."""
    return actor.person_id is not None and any("approver" in roles for roles in actor.companies.values())


def approves_for_its_company(actor: Actor, thing: Parties | None) -> bool:
    """An approver of the company this booking is for, never its lead."""
    if thing is None or thing.company_id is None or actor.person_id in (None, thing.lead_id):
        return False
    return "approver" in actor.companies.get(thing.company_id, frozenset())


def is_its_expert(actor: Actor, thing: Parties | None) -> bool:
    """The expert of this booking, never also its lead."""
    if thing is None or actor.expert_id is None or actor.person_id is None:
        return False
    return actor.expert_id == thing.expert_id and actor.person_id != thing.lead_id


_BUYERS_SIDE = ((is_its_lead,), (administers_its_company,))

# The expert's yes and no, the lead's words, the operator's stop: each line is one action of a route.
ACTIONS: Mapping[str, tuple[tuple[Predicate, ...], ...]] = {
    "account.own": ((signed_in,),),
    "company.bill": ((buys_for_the_company,),),
    "bookings.list_own": ((signed_in,),),
    "payments.list_own": ((signed_in,),),
    "booking.hold": ((leads_somewhere,),),
    "booking.write_brief": ((is_its_lead,),),
    "booking.extend": _BUYERS_SIDE,
    "booking.let_go": _BUYERS_SIDE,
    "booking.pick_slot": _BUYERS_SIDE,
    "booking.reschedule_as_lead": _BUYERS_SIDE,
    "booking.pay": ((is_its_lead,),),
    "booking.approve": ((approves_for_its_company,),),
    "approvals.list_own": ((approves_somewhere,),),
    "company.approvals": ((administers_somewhere,),),
    "booking.view_as_buyer": _BUYERS_SIDE,
    "booking.withdraw": _BUYERS_SIDE,
    "booking.cancel_as_lead": _BUYERS_SIDE,
    "booking.confirm": _BUYERS_SIDE,
    "booking.review_as_lead": ((is_its_lead,),),
    "booking.rescue": ((is_its_lead,),),
    "shortlist.own": ((signed_in,),),
    "saved_searches.list_own": ((signed_in,),),
    "saved_search.manage": ((is_its_lead,),),
    "question.ask": ((leads_somewhere,),),
    "questions.list_own": ((signed_in,),),
    "question.view_as_lead": ((is_its_lead,),),
    "questions.take": ((is_expert,),),
    "question.answer": ((is_its_expert,),),
    "queue.join": ((leads_somewhere,),),
    "places.list_own": ((signed_in,),),
    "place.leave": ((is_its_lead,),),
    "times.ask": ((leads_somewhere,),),
    "times.withdraw": ((is_its_lead,),),
    "times.take": ((is_expert,),),
    "times.answer": ((is_its_expert,),),
    "enquiry.publish": ((leads_somewhere,),),
    "enquiries.list_own": ((signed_in,),),
    "enquiry.manage": ((is_its_lead,),),
    "enquiries.read": ((is_expert,),),
    "account.export": ((signed_in,),),
    "expert.become": ((signed_in,),),
    # Also while applying: the task list, the profile, the first offer, the hours.
    "expert.apply": ((is_expert,),),
    "expert.hours": ((is_expert,),),
    "offers.list_own": ((is_expert,),),
    "offer.edit": ((is_its_expert,),),
    "expert.home": ((is_expert,),),
    "booking.view_as_expert": ((is_its_expert,),),
    "booking.accept": ((is_its_expert,),),
    "booking.decline": ((is_its_expert,),),
    "booking.cancel_as_expert": ((is_its_expert,),),
    "booking.reschedule_as_expert": ((is_its_expert,),),
    "booking.review_as_expert": ((is_its_expert,),),
    "booking.dispute_as_lead": _BUYERS_SIDE,
    "booking.dispute_as_expert": ((is_its_expert,),),
    "booking.dispute_as_operator": ((is_operator,),),
    "booking.decide": ((is_operator,),),
    "booking.refund": ((is_operator,),),
    "booking.repay": ((is_operator,),),
    "booking.write_off": ((is_operator,),),
    "operator.disputes": ((is_operator,),),
    "operator.chargebacks": ((is_operator,),),
    "chargeback.answer": ((is_operator,),),
    "operator.queue": ((is_operator,),),
    "operator.decide": ((is_operator,),),
    "operator.people": ((is_operator,),),
    "operator.restrict": ((is_operator,),),
    "operator.grant": ((is_operator,),),
    "operator.offers": ((is_operator,),),
    "operator.search": ((is_operator,),),
    "operator.journal": ((is_operator,),),
    "operator.bookings": ((is_operator,),),
    "operator.ledger": ((is_operator,),),
    "operator.close_month": ((is_operator,),),
    "operator.pay_out": ((is_operator,),),
    "booking.stop": ((is_operator,),),
    "booking.cancel_as_operator": ((is_operator,),),
}


def may(action: str, actor: Actor, thing: Parties | None = None) -> bool:
    """Whether the table lets this actor do this to this thing."""
    return any(all(holds(actor, thing) for holds in rule) for rule in ACTIONS.get(action, ()) if rule)

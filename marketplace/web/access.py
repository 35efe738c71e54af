"""Deny by default: each view says its rule, each object is loaded through its one door.

`@rule("public")` lets everybody in; `@rule("<action>")` asks `domain.policy`. An action that needs
a thing (its lead, its expert) is decided at the door, which loads the thing and answers 404 to
whoever may not, with the same bytes as for what does not exist.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask, g

from ..domain.errors import NotFound
from ..domain.policy import ACTIONS, ANONYMOUS, Actor, Parties, may
from ..services.people.factors import RECENT
from ..storage.bookings import Booking
from ..storage.enquiries import Enquiry
from ..storage.experts import Expert
from ..storage.offers import Offer
from ..storage.questions import Question
from ..storage.queues import AskedTimes, QueuePlace
from ..storage.saved_searches import SavedSearch
from .house import house, real_now

PUBLIC = "public"
# Flask's own file route; the files there are everybody's.
OPEN_ENDPOINTS = frozenset({"static"})
_NOBODY_KNOWS = uuid.UUID(int=0)

View = TypeVar("View", bound=Callable[..., Any])
Thing = TypeVar("Thing")


class SignInFirst(Exception):
    """A page for people met a guest; `web/errors.py` leads to the log-in and back."""


class ProveFirst(Exception):
    """The log-in owes a proof of the second factor, or its setting up, or a recent proof; `errors.py` leads there and back.

    `step` is "prove", "set_up" or "confirm".
    """

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


def rule(name: str) -> Callable[[View], View]:
    """Mark a view with its rule: "public", or an action of the policy table. Unknown names raise."""
    if name != PUBLIC and name not in ACTIONS:
        raise ValueError(f"{name} is no action of domain/policy.py")

    def mark(view: View) -> View:
        if name == PUBLIC:
            view.rule = name  # type: ignore[attr-defined]
            return view

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            _let_in(name, guarded)
            answer = view(*args, **kwargs)
            if needs_a_thing(name) and not g.get("door_passed"):
                # Nobody decided whether this person may: say nothing, and be found by the first test.
                raise RuntimeError(f"a view ruled {name} loaded its thing by no door")
            return answer

        guarded.rule = name  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return mark


def needs_a_thing(action: str) -> bool:
    """Whether the action is decided only at a door: someone standing nowhere near may try, then 404."""
    everything = Actor(_NOBODY_KNOWS, operator=True, expert_id=uuid.UUID(int=1), companies={
        uuid.UUID(int=1): frozenset({"lead", "approver", "finance", "admin"}),
    })  # fmt: skip
    return not may(action, everything, None)


def open_while(*due: str) -> Callable[[View], View]:
    """A page of the way to a whole log-in: reached while "prove" or "set_up" is due. Put it below `rule`."""

    def mark(view: View) -> View:
        view.open_while = due  # type: ignore[attr-defined]
        return view

    return mark


def recent(view: View) -> View:
    """Only where the log-in proved itself in the last 15 minutes; else /confirm and back. Put it below `rule`."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        prove_recently()
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def prove_recently() -> None:
    """What `recent` asks, where only part of what a view does weighs so much; what was posted waits."""
    if real_now() - g.log_in.proved_at > RECENT:
        raise ProveFirst("confirm")


def _let_in(action: str, view: Callable[..., Any]) -> None:
    due = g.get("due")
    if due is not None and due not in getattr(view, "open_while", ()):
        raise ProveFirst(due)
    if actor() is ANONYMOUS:
        raise SignInFirst
    if not needs_a_thing(action) and not may(action, actor()):
        raise NotFound


def actor() -> Actor:
    """Who asks; read from the records for each request (web/gate.py)."""
    found: Actor = g.get("actor", ANONYMOUS)
    return found


def refuse_unruled(app: Flask) -> None:
    """Start-up stops when a route says no rule: forgetting one must not mean letting all in."""
    bare = sorted(
        str(route)
        for route in app.url_map.iter_rules()
        if route.endpoint not in OPEN_ENDPOINTS and not hasattr(app.view_functions[route.endpoint], "rule")
    )
    if bare:
        raise RuntimeError(f"routes without a rule (web/access.py): {', '.join(bare)}")


def door_booking(reference: str, action: str) -> Booking:
    """The booking of this public reference, if the actor may do `action` to it; else NotFound."""
    with house().db.reading() as session:
        booking = session.scalar(sa.select(Booking).where(Booking.reference == reference[:64]))
        if booking is None or not may(action, actor(), _parties(booking)):
            raise NotFound
        g.door_passed = True
        session.expunge(booking)
        return booking


def door_offer(slug: str) -> Offer:
    """The offer at this address, live or once live; drafts and hidden ones are nobody's page."""
    with house().db.reading() as session:
        offer = session.scalar(sa.select(Offer).where(Offer.slug == slug[:200]))
        if offer is None or offer.status in ("draft", "hidden"):
            raise NotFound
        session.expunge(offer)
        return offer


def _by_id(kind: type[Thing], key: uuid.UUID, action: str, parties: Callable[[Thing], Parties]) -> Thing:
    """What every door by id does: load, ask who may, let go of the session; else NotFound."""
    with house().db.reading() as session:
        thing = session.get(kind, key)
        if thing is None or not may(action, actor(), parties(thing)):
            raise NotFound
        g.door_passed = True
        session.expunge(thing)
        return thing


def door_own_offer(offer_id: uuid.UUID, action: str) -> Offer:
    """An offer for its own expert, whatever its status; else NotFound."""
    return _by_id(Offer, offer_id, action, lambda it: Parties(None, None, it.expert_id))


def door_question(question_id: uuid.UUID, action: str) -> Question:
    """A question asked before booking, for its asker or its expert; else NotFound."""
    return _by_id(Question, question_id, action, lambda it: Parties(it.asker_id, it.company_id, it.expert_id))


def door_enquiry(enquiry_id: uuid.UUID, action: str) -> Enquiry:
    """An enquiry for the lead who published it; else NotFound."""
    return _by_id(Enquiry, enquiry_id, action, lambda it: Parties(it.lead_id, it.company_id, None))


def door_place(place_id: uuid.UUID, action: str) -> QueuePlace:
    """A place in the queue for whoever waits in it; else NotFound."""
    return _by_id(QueuePlace, place_id, action, lambda it: Parties(it.lead_id, it.company_id, None))


def door_times(times_id: uuid.UUID, action: str) -> AskedTimes:
    """Times a buyer proposed, for who proposed them or for the expert; else NotFound."""
    return _by_id(AskedTimes, times_id, action, lambda it: Parties(it.lead_id, it.company_id, it.expert_id))


def door_saved_search(search_id: uuid.UUID, action: str) -> SavedSearch:
    """A saved search for whoever saved it; else NotFound."""
    return _by_id(SavedSearch, search_id, action, lambda it: Parties(it.person_id, None, None))


def door_expert(slug: str) -> Expert:
    """The expert at this address; else NotFound."""
    with house().db.reading() as session:
        expert = session.scalar(sa.select(Expert).where(Expert.slug == slug[:200]))
        if expert is None:
            raise NotFound
        session.expunge(expert)
        return expert


def _parties(booking: Booking) -> Parties:
    return Parties(lead_id=booking.lead_id, company_id=booking.company_id, expert_id=booking.expert_id)

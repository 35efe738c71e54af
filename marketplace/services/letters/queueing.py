"""Letters about places in the queue, and about times that a buyer proposes."""

from __future__ import annotations

import uuid
from typing import Any

from ...domain.bookings import State
from ...storage.bookings import Proposal
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.people import Person
from ..bookings.holding import last_clock_move
from ..queues import AskedPage, asked_page, place_page
from .desk import put, put_about
from .facts import Party, booking_facts, party
from .stationery import Stationery


def times_asked(db: Database, stationery: Stationery, *, times_id: uuid.UUID) -> None:
    """Tell the expert that somebody proposes three times, unless it is closed already."""
    with db.transaction() as tx:
        page = asked_page(tx.session, times_id)
        if page.asked.state == "open":
            expert = tx.session.get_one(Expert, page.asked.expert_id)
            _about_times(
                tx, stationery, page, party(tx.session.get_one(Person, expert.person_id)), "times_asked"
            )


def times_closed(db: Database, stationery: Stationery, *, times_id: uuid.UUID) -> None:
    """Tell the lead what became of their three times; who withdrew them knows."""
    with db.transaction() as tx:
        page = asked_page(tx.session, times_id)
        if page.asked.state == "taken" and page.asked.booking_id is not None:
            _held(tx, stationery, page.asked.booking_id, "times_taken")
        elif page.asked.state in ("declined", "unanswered"):
            me = party(tx.session.get_one(Person, page.asked.lead_id))
            _about_times(tx, stationery, page, me, f"times_{page.asked.state}")


def _held(tx: Tx, stationery: Stationery, booking_id: uuid.UUID, event: str) -> None:
    """A time is held for the lead; nothing is written once it is not."""
    facts = booking_facts(tx.session, booking_id)
    if facts is not None and facts.state == State.HELD and facts.deadline is not None:
        put_about(tx, stationery, facts, "lead", event, subject=str(booking_id), until=facts.deadline)


def _about_times(tx: Tx, stationery: Stationery, page: AskedPage, me: Party, event: str) -> None:
    links = stationery.links
    facts: dict[str, Any] = {
        "me": me,
        "a": page.asked,
        "slots": page.slots,
        "title": page.version.title,
        "expert_name": page.expert_name,
        "expert_first": page.expert_name.split(" ", 1)[0],
        "company": page.company,
        "until": page.asked.deadline,
        "url": links.asked_times(str(page.asked.id), me.language)
        if event == "times_asked"
        else links.slots(page.slug, me.language),
        "home": links.home(me.language),
    }
    put(tx, stationery, event=event, subject=str(page.asked.id), to=me, facts=facts)


def place_moved(db: Database, stationery: Stationery, *, place_id: uuid.UUID, state: str) -> None:
    """Tell who waits that it is their turn, that they let it go by, or that their place is over."""
    with db.transaction() as tx:
        one = place_page(tx.session, place_id)
        place = one.place
        if place.state != state:
            return
        if state == "offered" and place.booking_id is not None:
            _held(tx, stationery, place.booking_id, "place_held")
            return
        me = party(tx.session.get_one(Person, place.lead_id))
        links = stationery.links
        proposal = tx.session.get(Proposal, place.proposal_id) if place.proposal_id else None
        facts: dict[str, Any] = {
            "me": me,
            "title": one.title,
            "expert_name": one.expert_name,
            "expert_first": one.expert_name.split(" ", 1)[0],
            "first": place.begins_at,
            "last": one.last_instant,
            "place_zone": place.zone,
            "start": proposal.starts_at if proposal else None,
            "end": proposal.ends_at if proposal else None,
            "old_start": proposal.from_starts_at if proposal else None,
            "old_end": proposal.from_ends_at if proposal else None,
            "until": one.until,
            "url": links.booking(one.reference, me.language)
            if state == "offered" and one.reference
            else links.slots(one.slug, me.language),
            "home": links.home(me.language),
        }
        event = {"offered": "place_proposed", "passed": "place_passed"}.get(state, "place_over")
        if state == "passed" and (proposal is not None or not _ran_out(tx, place.booking_id)):
            return  # The letters of another time say it; and who let go knows.
        put(tx, stationery, event=event, subject=str(place.id), to=me, facts=facts)


def _ran_out(tx: Tx, booking_id: uuid.UUID | None) -> bool:
    """Whether a hold lapsed because time ran out; an approver's time too has a letter of its own."""
    return booking_id is not None and last_clock_move(tx.session, booking_id) == "clock"

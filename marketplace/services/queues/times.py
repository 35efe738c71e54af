"""No slot suits: a lead proposes three times, the expert takes one within 72 hours, which is a yes, or says no."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain import queues as law
from ...domain.availability import Interval, padded
from ...domain.contacts import is_masked, mask_contacts
from ...domain.errors import NotFound, QueueRefused, TermsNotAccepted
from ...domain.events import TimesAsked, TimesClosed
from ...domain.policy import Actor, Parties, may
from ...domain.words import clean_text
from ...storage import locks
from ...storage.bookings import Booking
from ...storage.briefs import Brief
from ...storage.companies import Company
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferVersion
from ...storage.people import Person
from ...storage.queues import AskedTimes
from ..availability import taken_of
from ..bookings.answering import EXPERT_DOCUMENTS, checked_place
from ..bookings.holding import Agreed, hold_in
from ..bookings.wanted import Wanted, instant_now, lead_of, refuse_own, wanted_offer
from ..people import accept_documents

log = logging.getLogger(__name__)
A_PAGE = 20
MOST_SHOWN = 10


def ask(
    db: Database,
    actor: Actor,
    *,
    offer_id: uuid.UUID,
    starts: Sequence[datetime],
    format: str,
    words: str,
    token: str,
) -> AskedTimes:
    """Propose three times for a session of an offer, with a few words; 72 h to answer, three open a person.

    `token` is the form's own: sent twice it is one. Raises NotFound, NotBookable, OwnOffer, QueueRefused
    (why: many_asked, number, quarter, early, late, words), and what cleaning a text refuses.
    """
    with db.transaction() as tx:
        wanted = wanted_offer(tx.session, offer_id)
        person, company = lead_of(tx.session, actor)
        refuse_own(wanted, person, company)
        # A person's own are counted behind their company's lock.
        locks.take(tx, company=company.id)
        key = f"{person.id}/{token}"
        already = tx.session.scalar(sa.select(AskedTimes).where(AskedTimes.token == key))
        if already is not None:
            return already
        told = mask_contacts(clean_text(words, law.LONGEST_WORDS))
        if not told:
            raise QueueRefused(why="words")
        notice = _notice(tx.session, wanted, company, tx.now)
        horizon = timedelta(days=wanted.calendar.horizon_days)
        chosen = law.asked_starts(starts, tx.now, notice, horizon)
        law.refuse_too_many_asked(_open_of(tx.session, person.id, tx.now))
        asked = AskedTimes(
            lead_id=person.id, company_id=company.id, expert_id=wanted.expert.id, offer_id=offer_id,
            version_id=wanted.version.id, token=key, state="open", starts=chosen, words=told, asked_at=tx.now,
            format=_format(wanted, format), deadline=law.answer_until(tx.now, chosen, notice),
        )  # fmt: skip
        tx.session.add(asked)
        tx.session.flush()  # Its id goes into the announcement.
        tx.announce(TimesAsked(asked.id))
        return asked


def _notice(session: Session, wanted: Wanted, company: Company, now: datetime) -> int:
    instant = instant_now(session, wanted, now) and not wanted.excludes(company)
    # As the slots page counts: the calendar's own notice is a floor under offers on request.
    return int(wanted.rules(instant).notice / timedelta(hours=1))


def earliest_of(session: Session, offer_id: uuid.UUID, now: datetime) -> datetime:
    """The first start that may be proposed now. NotFound, NotBookable."""
    wanted = wanted_offer(session, offer_id)
    notice = wanted.rules(instant_now(session, wanted, now)).notice
    return now + notice + law.LEAST_TO_ANSWER


def _open_of(session: Session, person_id: uuid.UUID, now: datetime) -> int:
    return session.scalar(
        sa.select(sa.func.count()).where(AskedTimes.lead_id == person_id, AskedTimes.state == "open",
                                         AskedTimes.deadline > now)
    ) or 0  # fmt: skip


def _format(wanted: Wanted, asked: str) -> str:
    if wanted.version.format != "both":
        return wanted.version.format
    return asked if asked in ("remote", "on_site") else "remote"


def take(
    db: Database,
    actor: Actor,
    *,
    times_id: uuid.UUID,
    start: datetime,
    place: str,
    accepted: Sequence[str],
) -> Booking:
    """Take one of the three, also outside one's published hours: a yes to this slot at the offer's price now.

    It is held for the lead for four hours. Raises NotFound, QueueRefused (why: over), TermsNotAccepted,
    MeetingPlaceMissing, NotBookable, SlotTaken, and SlotNotOffered where N is no longer left.
    """
    with db.transaction() as tx:
        asked = _known(tx, actor, times_id)
        locks.take(tx, calendar=asked.expert_id, company=asked.company_id)
        asked = _open_for(tx, actor, times_id)
        if start not in asked.starts:
            raise NotFound
        unaccepted = tuple(name for name in EXPERT_DOCUMENTS if name not in accepted)
        if unaccepted:
            raise TermsNotAccepted(missing=unaccepted)
        wanted = wanted_offer(tx.session, asked.offer_id)
        agreed = Agreed(tx.now, wanted.version.price_minor, checked_place(asked.format, place), anywhere=True)
        booking = hold_in(
            tx, Actor(asked.lead_id), offer=asked.offer_id, start=start, format=asked.format,
            token=f"times/{asked.id}", agreed=agreed,
        )  # fmt: skip
        tx.session.get_one(Brief, booking.brief_id).context = asked.words
        accept_documents(
            tx, person_id=wanted.person.id, documents=EXPERT_DOCUMENTS, booking_id=booking.id, at=tx.now
        )
        asked.booking_id = booking.id
        _close(tx, asked, "taken")
        return booking


def decline(db: Database, actor: Actor, *, times_id: uuid.UUID, words: str) -> AskedTimes:
    """None of them: with a few words the lead reads. Raises NotFound, QueueRefused (why: over, words)."""
    with db.transaction() as tx:
        asked = _open_for(tx, actor, times_id)
        told = mask_contacts(clean_text(words, law.LONGEST_WORDS))
        if not told:
            raise QueueRefused(why="words")
        asked.answer = told
        _close(tx, asked, "declined")
        return asked


def withdraw(db: Database, actor: Actor, *, times_id: uuid.UUID) -> AskedTimes:
    """The lead no longer asks. Raises NotFound, QueueRefused (why: over)."""
    with db.transaction() as tx:
        asked = tx.session.get(AskedTimes, times_id, with_for_update=True)
        if asked is None or not may("times.withdraw", actor, parties_of(asked)):
            raise NotFound
        if asked.state == "withdrawn":
            return asked
        if asked.state != "open":
            raise QueueRefused(why="over")
        _close(tx, asked, "withdrawn")
        return asked


def run_clock(db: Database) -> int:
    """Times nobody answered are closed; how many."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(AskedTimes.id)
            .where(AskedTimes.deadline <= db.clock())
            .order_by(AskedTimes.deadline)
            .limit(200)
        ).all()
    return sum(_run_out(db, times_id) for times_id in due)


def _run_out(db: Database, times_id: uuid.UUID) -> bool:
    try:
        with db.transaction() as tx:
            asked = tx.session.get(AskedTimes, times_id, with_for_update=True)
            if asked is None or asked.deadline is None or asked.deadline > tx.now:
                return False
            _close(tx, asked, "unanswered")
            return True
    except Exception:
        log.exception("the clock could not close the asked times %s", times_id)
        return False


def _known(tx: Tx, actor: Actor, times_id: uuid.UUID) -> AskedTimes:
    asked = tx.session.get(AskedTimes, times_id)
    if asked is None or not may("times.answer", actor, parties_of(asked)):
        raise NotFound
    return asked


def _open_for(tx: Tx, actor: Actor, times_id: uuid.UUID) -> AskedTimes:
    """Locked, for its expert while it is open."""
    _known(tx, actor, times_id)
    asked = tx.session.get_one(AskedTimes, times_id, with_for_update=True, populate_existing=True)
    if asked.state != "open" or asked.deadline is None or asked.deadline <= tx.now:
        raise QueueRefused(why="over")
    return asked


def _close(tx: Tx, asked: AskedTimes, state: str) -> None:
    asked.state, asked.deadline, asked.closed_at = state, None, tx.now
    tx.session.flush()  # The reactions read it.
    tx.announce(TimesClosed(asked.id))


def parties_of(asked: AskedTimes) -> Parties:
    """Who stands on which side of it."""
    return Parties(asked.lead_id, asked.company_id, asked.expert_id)


@dataclass(frozen=True)
class AskedPage:
    """Asked times with everybody they name, by the offer's version of then."""

    asked: AskedTimes
    version: OfferVersion
    slug: str
    expert_name: str
    company: str
    reference: str | None

    @property
    def slots(self) -> list[Interval]:
        """The three, each with its end."""
        length = timedelta(minutes=self.version.minutes)
        return [(start, start + length) for start in self.asked.starts]

    @property
    def masked(self) -> bool:
        """Whether contact details were taken out."""
        return is_masked(self.asked.words) or is_masked(self.asked.answer)


def _pages() -> sa.Select[AskedTimes, OfferVersion, str, str, str, str]:
    return (
        sa.select(AskedTimes, OfferVersion, Offer.slug, Person.name, Company.name, Booking.reference)
        .join(OfferVersion, OfferVersion.id == AskedTimes.version_id)
        .join(Offer, Offer.id == AskedTimes.offer_id)
        .join(Expert, Expert.id == AskedTimes.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .join(Company, Company.id == AskedTimes.company_id)
        .outerjoin(Booking, Booking.id == AskedTimes.booking_id)
    )


def asked_page(session: Session, times_id: uuid.UUID) -> AskedPage:
    """One statement. NotFound."""
    row = session.execute(_pages().where(AskedTimes.id == times_id)).one_or_none()
    if row is None:
        raise NotFound
    return AskedPage(*row)


def answerable(session: Session, page: AskedPage, now: datetime) -> list[tuple[Interval, str]]:
    """The three with why one cannot be taken now: soon, busy, or nothing. NotFound, NotBookable."""
    asked = page.asked
    wanted = wanted_offer(session, asked.offer_id)
    rules = wanted.rules(False)
    earliest = now + timedelta(
        hours=_notice(session, wanted, session.get_one(Company, asked.company_id), now)
    )
    taken = taken_of(session, asked.expert_id, now)
    in_the_way = [*taken.busy, *(during for during, _start in taken.claims)]
    found = []
    for slot in page.slots:
        begin, end = padded(*slot, rules.before, rules.after)
        busy = any(begin < theirs[1] and theirs[0] < end for theirs in in_the_way)
        found.append((slot, "soon" if slot[0] < earliest else "busy" if busy else ""))
    return found


@dataclass(frozen=True)
class ListedTimes:
    """A page of a list; `after` leads to the next one."""

    rows: Sequence[AskedPage]
    after: tuple[datetime, uuid.UUID] | None


def list_asked(
    session: Session,
    *,
    lead_id: uuid.UUID | None = None,
    expert_id: uuid.UUID | None = None,
    after: tuple[datetime, uuid.UUID] | None = None,
) -> ListedTimes:
    """Newest first, keyset-paged, of one lead or of one expert."""
    query = _pages().order_by(AskedTimes.asked_at.desc(), AskedTimes.id.desc()).limit(A_PAGE + 1)
    query = query.where(
        AskedTimes.expert_id == expert_id if lead_id is None else AskedTimes.lead_id == lead_id
    )
    if after is not None:
        query = query.where(sa.tuple_(AskedTimes.asked_at, AskedTimes.id) < after)
    rows = [AskedPage(*row) for row in session.execute(query)]
    last = rows[A_PAGE - 1].asked if len(rows) > A_PAGE else None
    return ListedTimes(rows[:A_PAGE], (last.asked_at, last.id) if last else None)


def asked_to_answer(session: Session, expert_id: uuid.UUID) -> list[AskedPage]:
    """What waits for this expert's yes or no, the most urgent first."""
    waiting = _pages().where(AskedTimes.expert_id == expert_id, AskedTimes.state == "open")
    return [
        AskedPage(*row) for row in session.execute(waiting.order_by(AskedTimes.deadline).limit(MOST_SHOWN))
    ]

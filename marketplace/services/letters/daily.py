"""The one mail a day: enquiries that fit an expert's offers, and offers that answer somebody's saved searches.

One mail a person carries whatever there is of both; its one click ends both (RFC 8058).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.errors import NotFound
from ...domain.ids import new_reference
from ...storage.db import Database, Tx
from ...storage.enquiries import Enquiry
from ...storage.experts import Expert
from ...storage.letters import DailyMail
from ...storage.people import Person
from .. import saved_searches
from ..enquiries import fitting_now, mail_of, mails_on
from ..saved_searches import Listed
from .desk import put
from .facts import party
from .stationery import Stationery

# It leaves from this hour on (UTC), and catches up on so much of the enquiries.
FROM_HOUR = 6
LOOKS_BACK = timedelta(days=3)


def news_today(db: Database, stationery: Stationery) -> None:
    """One mail a day to everybody who wants one and for whom something is new."""
    now = db.clock()
    if now.hour < FROM_HOUR:
        return
    with db.reading() as session:
        fitting = fitting_now(session, now, now - LOOKS_BACK)
        people = {
            row.person_id: row.id
            for row in session.execute(sa.select(Expert.person_id, Expert.id).where(Expert.id.in_(fitting)))
        }
        found = saved_searches.to_tell(session, now)
    for person_id in sorted({*people, *found}):
        expert_id = people.get(person_id)
        with db.transaction() as tx:
            _tell(
                tx, stationery, person_id, expert_id, fitting[expert_id] if expert_id else (),
                found.get(person_id, ()),
            )  # fmt: skip


def _tell(
    tx: Tx,
    stationery: Stationery,
    person_id: uuid.UUID,
    expert_id: uuid.UUID | None,
    enquiries: Sequence[Enquiry],
    searches: Sequence[Listed],
) -> None:
    row = mail_of(tx, expert_id) if expert_id else None
    new = [one for one in enquiries if row and not row.off and one.published_at > row.told_until]
    if not new and not searches:
        return
    me, links = party(tx.session.get_one(Person, person_id)), stationery.links
    unsubscribe = links.unsubscribe(mail_token(tx, person_id), me.language)
    # The day is the letter's token: a second one today is not written, and what is new waits for tomorrow.
    letter = put(
        tx,
        stationery,
        event="news_today",
        subject=tx.now.date().isoformat(),
        to=me,
        facts={
            "me": me,
            "enquiries": [(one, links.enquiry(str(one.id), me.language, "expert")) for one in new],
            "searches": [
                (
                    one,
                    links.saved_search(str(one.search.id), me.language),
                    [(line, links.offer(line.slug, me.language)) for line in one.new],
                )
                for one in searches
            ],
            "offers": sum(one.number for one in searches),
            "unsubscribe": unsubscribe,
            "home": links.home(me.language),
        },
        unsubscribe=unsubscribe,
    )
    if letter is None:
        return
    if row and new:
        row.told_until = max(one.published_at for one in new)
    saved_searches.told(tx, [one.search for one in searches])


def mail_token(tx: Tx, person_id: uuid.UUID) -> str:
    """The token of a person's daily mails, drawn with the first one."""
    made = insert(DailyMail).values(person_id=person_id, token=new_reference())
    tx.session.execute(made.on_conflict_do_nothing(index_elements=[DailyMail.person_id]))
    return tx.session.get_one(DailyMail, person_id).token


def mails_off(session: Session, token: str) -> bool:
    """Whether this token's mails are off already. Raises NotFound for no token of ours."""
    person_id = _person_of(session, token)
    expert_id = session.scalar(sa.select(Expert.id).where(Expert.person_id == person_id))
    told = expert_id is not None and mails_on(session, expert_id)
    return not told and not saved_searches.mails_wanted(session, person_id)


def unsubscribe(db: Database, token: str) -> None:
    """Switch them off by the token of a mail, signed in or not; twice is once. Raises NotFound."""
    with db.transaction() as tx:
        person_id = _person_of(tx.session, token)
        expert_id = tx.session.scalar(sa.select(Expert.id).where(Expert.person_id == person_id))
        if expert_id is not None:
            mail_of(tx, expert_id).off = True
        saved_searches.no_more_mails(tx, person_id)


def _person_of(session: Session, token: str) -> uuid.UUID:
    person_id = session.scalar(sa.select(DailyMail.person_id).where(DailyMail.token == token))
    if person_id is None:
        raise NotFound
    return person_id

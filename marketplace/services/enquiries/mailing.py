"""Who reads of enquiries in their daily mail (services/letters/daily.py), and up to where they have."""

from __future__ import annotations

import uuid
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.policy import Actor
from ...storage.db import Database, Tx
from ...storage.enquiries import EnquiryMail

DAY = timedelta(days=1)


def mail_of(tx: Tx, expert_id: uuid.UUID) -> EnquiryMail:
    """The expert's row, locked; made where there is none, told of nothing before yesterday."""
    made = insert(EnquiryMail).values(expert_id=expert_id, off=False, told_until=tx.now - DAY)
    tx.session.execute(made.on_conflict_do_nothing())
    return tx.session.get_one(EnquiryMail, expert_id, with_for_update=True)


def mails_on(session: Session, expert_id: uuid.UUID) -> bool:
    """Whether the expert gets the daily mail; they do until they say no."""
    return not session.scalar(sa.select(EnquiryMail.off).where(EnquiryMail.expert_id == expert_id))


def set_mails(db: Database, actor: Actor, *, on: bool) -> None:
    """The expert's own switch."""
    assert actor.expert_id is not None  # The policy table lets experts alone through.
    with db.transaction() as tx:
        mail_of(tx, actor.expert_id).off = not on

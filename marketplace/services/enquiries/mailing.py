"""Who gets the daily mail of enquiries, and how it is switched off: on a page, or in one click from the mail."""

from __future__ import annotations

import uuid
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain.errors import NotFound
from ...domain.ids import new_reference
from ...domain.policy import Actor
from ...storage.db import Database, Tx
from ...storage.enquiries import EnquiryMail

DAY = timedelta(days=1)


def mail_of(tx: Tx, expert_id: uuid.UUID) -> EnquiryMail:
    """The expert's row, locked; made where there is none, told of nothing before yesterday."""
    made = insert(EnquiryMail).values(
        expert_id=expert_id, token=new_reference(), off=False, told_until=tx.now - DAY
    )
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


def mails_off(session: Session, token: str) -> bool:
    """Whether this token's mails are off already. Raises NotFound for no token of ours."""
    off = session.scalar(sa.select(EnquiryMail.off).where(EnquiryMail.token == token))
    if off is None:
        raise NotFound
    return off


def unsubscribe(db: Database, token: str) -> None:
    """Switch them off by the token of a mail, signed in or not; twice is once. Raises NotFound."""
    with db.transaction() as tx:
        row = tx.session.scalar(sa.select(EnquiryMail).where(EnquiryMail.token == token).with_for_update())
        if row is None:
            raise NotFound
        row.off = True

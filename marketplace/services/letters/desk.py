"""The desk: a letter is written, enveloped and put into the tray once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from ...domain.ids import new_id
from ...gateways.letters import Attached, compose
from ...storage.db import Tx
from ...storage.letters import Letter
from .facts import BookingFacts, Party, for_side
from .stationery import Stationery


def put(
    tx: Tx,
    stationery: Stationery,
    *,
    event: str,
    subject: str,
    to: Party,
    facts: Mapping[str, Any],
    attached: Attached | None = None,
    known: bool = True,
    unsubscribe: str | None = None,
) -> uuid.UUID | None:
    """Write the letter `event` about `subject` to a person; None where it exists already.

    `known`: whether the person has an account; who reports a text need not.
    `unsubscribe`: the address that ends letters of this kind in one click.

    The row and the job that sends it come with the transaction, or not at all.
    """
    letter_id = new_id()
    written = stationery.press.render(event, to.language, facts)
    message = compose(
        written,
        sender_name=stationery.site_name,
        sender_email=stationery.mail_from,
        recipient_name=to.name,
        recipient_email=to.email,
        message_id=f"{letter_id}@{stationery.site_host}",
        made_at=tx.now,
        answers_to=stationery.contact,
        attached=attached,
        unsubscribe=unsubscribe,
    )
    row = (
        insert(Letter)
        .values(
            id=letter_id,
            token=f"{event}/{subject}/{to.id}",
            event=event,
            person_id=to.id if known else None,
            recipient=to.email,
            subject=written.subject,
            message=message,
            made_at=tx.now,
            tries=0,
        )
        .on_conflict_do_nothing(index_elements=[Letter.token])
        .returning(Letter.id)
    )
    if tx.session.execute(row).scalar_one_or_none() is None:
        return None
    tx.defer("letters.send", letter_id=str(letter_id))
    return letter_id


def put_about(
    tx: Tx,
    stationery: Stationery,
    facts: BookingFacts,
    side: str,
    event: str,
    *,
    subject: str,
    attached: Attached | None = None,
    unsubscribe: str | None = None,
    **more: Any,
) -> uuid.UUID | None:
    """The letter `event` about a booking to its lead or its expert; `more` are facts of this letter."""
    context = dict(for_side(stationery, facts, side)) | more
    me: Party = context["me"]
    context["when_line"] = stationery.press.line("email/when_line.txt", me.language, context)
    return put(
        tx, stationery, event=event, subject=subject, to=me, facts=context, attached=attached,
        unsubscribe=unsubscribe,
    )  # fmt: skip

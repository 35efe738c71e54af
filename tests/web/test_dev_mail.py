"""The mailbox of demo mode: the parts of a letter that are served by themselves."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.gateways.letters import Attached, Written, compose
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.web import dev_mail

FILE = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
MADE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def site(db: Database, *, demo: bool) -> FlaskClient:
    app = Flask("site")
    app.extensions["declic"] = SimpleNamespace(db=db, config=SimpleNamespace(demo=demo, smtp_url=""))
    app.register_blueprint(dev_mail.bp)
    return app.test_client()


def letter(db: Database, *, kept: bool = True, invited: bool = True) -> uuid.UUID:
    message = compose(
        Written("Séance confirmée", "Bonjour", "<!doctype html><script>alert(1)</script><p>Bonjour</p>"),
        sender_name="Déclic",
        sender_email="noreply@declic.example",
        recipient_name="Camille",
        recipient_email="camille@eaux.example",
        message_id="1@declic.example",
        made_at=MADE,
        attached=Attached("REQUEST", FILE, "D-1.ics") if invited else None,
    )
    with db.transaction() as tx:
        row = Letter(
            token=uuid.uuid4().hex,
            event="confirmed_lead",
            recipient="camille@eaux.example",
            subject="Séance confirmée",
            message=message if kept else b"",
            made_at=MADE,
        )
        tx.session.add(row)
        tx.session.flush()
        return row.id


def test_a_letters_html_is_shown_and_can_do_nothing(db: Database) -> None:
    answer = site(db, demo=True).get(f"/dev/mail/{letter(db)}/html")
    assert answer.status_code == 200
    assert "<p>Bonjour</p>" in answer.text
    rules = answer.headers["Content-Security-Policy"]
    assert rules.startswith("sandbox")
    assert "allow-scripts" not in rules
    assert "allow-same-origin" not in rules
    assert "default-src 'none'" in rules


def test_the_invitation_and_the_source_are_the_letters_own(db: Database) -> None:
    client, made = site(db, demo=True), letter(db)
    file = client.get(f"/dev/mail/{made}/invitation.ics")
    assert (file.data, file.mimetype) == (FILE, "text/calendar")
    source = client.get(f"/dev/mail/{made}/source")
    assert source.mimetype == "text/plain"
    assert b"Message-ID: <1@declic.example>" in source.data


def test_a_letter_without_invitation_offers_none(db: Database) -> None:
    assert site(db, demo=True).get(f"/dev/mail/{letter(db, invited=False)}/invitation.ics").status_code == 404


@pytest.mark.parametrize("part", ["html", "invitation.ics", "source"])
def test_an_emptied_letter_has_no_parts(db: Database, part: str) -> None:
    assert site(db, demo=True).get(f"/dev/mail/{letter(db, kept=False)}/{part}").status_code == 404


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/html", "/{id}/invitation.ics", "/{id}/source"])
def test_in_production_there_is_no_mailbox(db: Database, path: str) -> None:
    made = letter(db)
    assert site(db, demo=False).get(f"/dev/mail{path.format(id=made)}").status_code == 404

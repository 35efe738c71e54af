"""An expert calls a session off; too late, they are told so."""

from __future__ import annotations

from typing import Any

from marketplace.storage.db import Database
from tests import factories as make
from tests.clock import FakeClock
from tests.web.conftest import form_token


def test_too_late_is_said_and_not_sent_back_as_if_it_were_done(
    browser: Any, db: Database, clock: FakeClock
) -> None:
    made = make.booking(db, state="confirmed")
    guest, booking = browser(made.seller.person), make.read(db, made)
    where = f"/en/expert/bookings/{booking.reference}/cancel"
    typed = {"csrf_token": form_token(guest), "token": "t", "reason": "ill"}
    clock.move_to(booking.starts_at)
    assert guest.get(where).status_code == 303  # Nothing to be called off is shown.
    answer = guest.post(where, data=typed)
    assert answer.status_code == 409
    assert make.read(db, made).state == "confirmed"


def test_pressed_twice_it_is_done_once(browser: Any, db: Database) -> None:
    made = make.booking(db, state="confirmed")
    guest = browser(made.seller.person)
    where = f"/en/expert/bookings/{make.read(db, made).reference}/cancel"
    typed = {"csrf_token": form_token(guest), "token": "t", "reason": "ill"}
    assert [guest.post(where, data=typed).status_code for _ in range(2)] == [303, 303]
    assert make.read(db, made).state == "cancelled"

"""A person's own calendar file for one booking, as a download."""

from __future__ import annotations

from flask import Response

from ..domain.errors import NotFound
from ..services.bookings.reading import BookingPage
from ..services.letters import invitation_for
from .house import house


def invitation_file(page: BookingPage, side: str) -> Response:
    """The iCalendar file of a confirmed session for one side; NotFound before and after."""
    if page.booking.state not in ("confirmed", "delivered"):
        raise NotFound
    with house().db.reading() as session:
        body = invitation_for(session, house().stationery, page.booking.id, side, now=house().clock())
    answer = Response(body, mimetype="text/calendar")
    answer.headers["Content-Disposition"] = f'attachment; filename="{page.booking.number}.ics"'
    return answer

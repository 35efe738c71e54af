"""One booking's page data through its door: what the buyer's, the expert's and the operator's rooms share."""

from __future__ import annotations

from ..domain.errors import NotFound
from ..services.bookings.reading import BookingPage, booking_page
from ..storage.bookings import Booking
from .access import door_booking
from .house import house


def load(reference: str, action: str) -> BookingPage:
    """The booking behind `reference` for somebody who may do `action`; else NotFound."""
    booking = door_booking(reference, action)
    with house().db.reading() as session:
        found = session.get(Booking, booking.id)
        if found is None:
            raise NotFound
        return booking_page(session, found)

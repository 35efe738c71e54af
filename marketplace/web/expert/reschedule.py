"""Another time for a session, from the expert's side."""

from __future__ import annotations

from typing import Any

from .. import reschedule as other
from ..access import rule
from . import blueprint


@blueprint.route("/bookings/<reference>/reschedule", methods=["GET", "POST"])
@rule("booking.reschedule_as_expert")
def reschedule(reference: str) -> Any:
    """Propose another time."""
    return other.propose(reference, "expert")


@blueprint.post("/bookings/<reference>/reschedule/answer")
@rule("booking.reschedule_as_expert")
def answer_reschedule(reference: str) -> Any:
    """Accept or refuse the buyer's proposal."""
    return other.answer(reference, "expert")


@blueprint.post("/bookings/<reference>/reschedule/withdraw")
@rule("booking.reschedule_as_expert")
def withdraw_reschedule(reference: str) -> Any:
    """Take one's own proposal back."""
    return other.withdraw(reference, "expert")

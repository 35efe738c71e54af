"""Another slot for the buyer's hold, another time for their made booking."""

from __future__ import annotations

from typing import Any

from .. import reschedule as other
from ..access import rule
from . import blueprint
from .pay import platform_tax


@blueprint.route("/bookings/<reference>/slot", methods=["GET", "POST"])
@rule("booking.pick_slot")
def change_slot(reference: str) -> Any:
    """Pick another slot while one is held."""
    return other.change_slot(reference, platform_tax())


@blueprint.route("/bookings/<reference>/reschedule", methods=["GET", "POST"])
@rule("booking.reschedule_as_lead")
def reschedule(reference: str) -> Any:
    """Propose another time."""
    return other.propose(reference, "lead")


@blueprint.post("/bookings/<reference>/reschedule/answer")
@rule("booking.reschedule_as_lead")
def answer_reschedule(reference: str) -> Any:
    """Accept or refuse the expert's proposal."""
    return other.answer(reference, "lead")


@blueprint.post("/bookings/<reference>/reschedule/withdraw")
@rule("booking.reschedule_as_lead")
def withdraw_reschedule(reference: str) -> Any:
    """Take one's own proposal back."""
    return other.withdraw(reference, "lead")

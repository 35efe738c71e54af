"""The buyer’s side of a problem: reporting it, answering, agreeing, appealing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from .. import disputes
from ..access import rule
from . import blueprint


@blueprint.route("/bookings/<reference>/report", methods=["GET", "POST"])
@rule("booking.dispute_as_lead")
def report(reference: str) -> Any:
    """Report a problem with the session."""
    return disputes.report(reference, "lead")


@blueprint.get("/bookings/<reference>/dispute")
@rule("booking.dispute_as_lead")
def dispute(reference: str) -> Any:
    """What was reported, answered and decided."""
    return disputes.dispute(reference, "lead")


@blueprint.post("/bookings/<reference>/dispute/<any(answer, agree, withdraw, appeal, accept):act>")
@rule("booking.dispute_as_lead")
def dispute_act(reference: str, act: str) -> Any:
    """Answer, agree, take back, appeal or accept."""
    return disputes.act(reference, "lead", act)


@blueprint.get("/bookings/<reference>/evidence/<uuid:file_id>")
@rule("booking.dispute_as_lead")
def evidence(reference: str, file_id: UUID) -> Response:
    """A file given with a statement."""
    return disputes.evidence(reference, "lead", file_id)

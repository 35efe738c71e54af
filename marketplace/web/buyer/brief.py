"""The brief: a task list, one part a page, saved as one writes; theirs even when the hold is lost."""

from __future__ import annotations

from typing import Any

from flask import g, jsonify, redirect, render_template, request, url_for

from ...domain.errors import NotFound, Refusal
from ...services import bookings, briefs
from ...services.bookings.reading import BookingPage
from ..access import door_booking, rule
from ..forms import form_token
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..refusals import sentence
from . import blueprint


def parts_of(page: BookingPage) -> list[tuple[str, str]]:
    """(part, state) in the task list's order."""
    questions = tuple(page.version.questions)
    return [(part, briefs.part_state(page.brief, part, questions)) for part in briefs.parts_for(questions)]


@blueprint.get("/bookings/<reference>/brief")
@rule("booking.write_brief")
def brief(reference: str) -> str:
    """The parts of the brief and how far each is."""
    page = load(reference, "booking.write_brief")
    parts = parts_of(page)
    return render_template(
        "buyer/brief.html",
        page=page,
        parts=parts,
        missing=briefs.missing_parts(page.brief, tuple(page.version.questions)),
        zone=current_zone_name(page.calendar_zone),
        token=form_token(),
    )


@blueprint.route("/bookings/<reference>/brief/<part>", methods=["GET", "POST"])
@rule("booking.write_brief")
def brief_part(reference: str, part: str) -> Any:
    """One part: shown, and saved by POST; a script saves the same form as one writes."""
    page = load(reference, "booking.write_brief")
    if part not in briefs.parts_for(tuple(page.version.questions)):
        raise NotFound
    error = ""
    if request.method == "POST":
        quiet = request.headers.get("X-Autosave") == "1"
        try:
            saved = briefs.save_brief(
                house().db,
                g.actor,
                brief_id=page.brief.id,
                fields=_fields(part),
                revision=request.form.get("revision", type=int),
                complete_for=tuple(page.version.questions) if page.booking.quote else None,
            )
        except Refusal as refusal:
            if isinstance(refusal, NotFound):
                raise
            error = sentence(refusal)
            if quiet:
                return jsonify(error=error), 422
        else:
            if quiet:
                return jsonify(revision=saved.revision, saved_at=saved.saved_at.isoformat())
            return redirect(url_for("buyer.brief", reference=reference), 303)
    status = 422 if error else 200
    return render_template(
        "buyer/brief_part.html", page=page, part=part, typed=_typed(page, part), error=error,
        most=briefs.MOST_ATTENDEES,
    ), status  # fmt: skip


def _fields(part: str) -> dict[str, Any]:
    form = request.form
    if part == "attendees":
        columns = [form.getlist(name) for name in ("name", "role", "email")]
        rows = zip(*columns, strict=False)
        return {"attendees": [dict(zip(("name", "role", "email"), row, strict=True)) for row in rows]}
    if part == "questions":
        return {"answers": form.getlist("answers")}
    if part == "confidentiality":
        return {
            "firms_concerned": form.get("firms_concerned", ""),
            "needs": form.get("needs", ""),
            "confidential_done": "confidential_done" in form,
        }
    return {name: form.get(name, "") for name in briefs.PARTS[part]}


def _typed(page: BookingPage, part: str) -> dict[str, Any]:
    """What stands in the fields: what was typed and refused, else what is kept."""
    if request.method == "POST":
        return _fields(part)
    return {name: getattr(page.brief, name) for name in briefs.PARTS[part]}


@blueprint.post("/bookings/<reference>/extend")
@rule("booking.extend")
def extend(reference: str) -> Any:
    """Fifteen minutes more for the hold."""
    booking = door_booking(reference, "booking.extend")
    bookings.extend(house().db, g.actor, booking_id=booking.id, token=request.form.get("token", "")[:64])
    return redirect(url_for("buyer.brief", reference=reference), 303)


@blueprint.post("/bookings/<reference>/let-go")
@rule("booking.let_go")
def let_go(reference: str) -> Any:
    """Give the slot back."""
    booking = door_booking(reference, "booking.let_go")
    bookings.let_go(house().db, g.actor, booking_id=booking.id, token=request.form.get("token", "")[:64])
    return redirect(url_for("buyer.booking", reference=reference), 303)

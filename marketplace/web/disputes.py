"""Reports and disputes as both sides and operators meet them: the same pages, each from where they stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, redirect, render_template, request, url_for

from ..domain.errors import NotFound, Refusal, ReportRefused
from ..domain.refunds import KINDS
from ..services import disputes, files
from ..services.bookings.reading import BookingPage
from ..services.disputes.reading import DisputePage, dispute_page
from ..storage.bookings import Booking
from .forms import form_token, posted_token
from .house import house
from .language import current_zone_name
from .one_booking import load
from .refusals import sentence, status
from .reschedule import other_time

ROOMS = {"lead": "buyer", "expert": "expert", "operator": "operator"}
# What a kind has to be asked besides.
ASKS_MINUTES = ("ended_early", "confidentiality")


def action(side: str) -> str:
    """The policy's name for taking part in a dispute as this side."""
    return f"booking.dispute_as_{side}"


def report(reference: str, side: str) -> Any:
    """Report a problem: what happened, then the words and the share with its amount, then it is sent."""
    page = load(reference, action(side))
    now, room = house().clock(), ROOMS[side]
    with house().db.reading() as session:
        kinds = disputes.kinds_open(session, page.booking, side, now)
        closes = disputes.report_closes(session, page.booking)
    if not kinds:
        return redirect(url_for(f"{room}.booking", reference=reference), 303)
    kind, unread = request.values.get("kind", ""), _unread_minutes(page)
    refused = _send_report(page, side) if request.method == "POST" and unread is None else unread
    if request.method == "POST" and refused is None:
        return redirect(_dispute_url(reference, side), 303)
    if unread is not None:
        kind = ""  # Back to where the minutes are asked.
    answer = render_template(
        "ui/_report.html", page=page, side=side, room=room, kinds=kinds, closes=closes, now=now,
        kind=kind if kind in kinds else "", typed=request.values, asks_minutes=ASKS_MINUTES,
        zone=current_zone_name(page.calendar_zone), token=form_token(), most_files=disputes.MOST_FILES,
        error=sentence(refused) if refused else "", about=refused.facts.get("why") if refused else "",
        held=_minutes(page), unread=unread is not None,
        **_money(page, kind if kind in kinds else ""),
    )  # fmt: skip
    return (answer, status(refused)) if refused else answer


def _money(page: BookingPage, kind: str) -> dict[str, Any]:
    """The share a report starts from, and what each share one can choose means."""
    with house().db.reading() as session:
        booking = session.get_one(Booking, page.booking.id)
        start = (
            disputes.share_for(
                session, booking, kind, buyers_fault="fault" in request.values, held=_minutes(page) or 0
            )
            if kind
            else 0
        )
        quote, before, _payment = disputes.quote_and_before(session, booking)
        least = disputes.least_of(session, booking)
    splits = [
        disputes.split_of(quote, page.booking.expert_id, before, percent) for percent in range(least, 101)
    ]
    return {"start": start, "splits": splits}


def _minutes(page: BookingPage) -> int | None:
    text = request.values.get("held", "")
    whole = page.version.minutes
    return min(int(text), whole) if text.isascii() and text.isdigit() and len(text) < 5 else None


def _unread_minutes(page: BookingPage) -> Refusal | None:
    """What is wrong with the minutes typed, where the kind asks for them."""
    asked = request.values.get("kind", "") in ASKS_MINUTES and request.values.get("held", "").strip()
    return (
        ReportRefused(why="minutes", most=page.version.minutes) if asked and _minutes(page) is None else None
    )


def _send_report(page: BookingPage, side: str) -> Refusal | None:
    try:
        disputes.report(
            house().db, g.actor, booking_id=page.booking.id, side=side, said=_words(page, kind=True),
            token=posted_token(),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return refusal
    return None


def _words(page: BookingPage, *, kind: bool = False) -> disputes.Words:
    form = request.form
    asked = form.get("kind", "") if kind or form.get("kind") else None
    return disputes.Words(
        words=form.get("words", ""), share=_percent(form.get("share", "")), kind=asked,
        buyers_fault="fault" in form, held=_minutes(page) if asked in ASKS_MINUTES else None, files=_files(),
    )  # fmt: skip


def _files() -> list[files.Evidence]:
    given = [one for one in request.files.getlist("files") if one.filename][: disputes.MOST_FILES + 1]
    return [files.read_evidence(one.filename or "", one.stream.read(files.MOST_BYTES + 1)) for one in given]


def _percent(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def _dispute_url(reference: str, side: str) -> str:
    return url_for(f"{ROOMS[side]}.dispute", reference=reference)


def dispute(reference: str, side: str, *, refused: Refusal | None = None) -> Any:
    """What both sides say and ask, what that means in money, and what this side can do now."""
    page = load(reference, action(side))
    found = found_dispute(page)
    if found is None:
        raise NotFound
    now = house().clock()
    with house().db.reading() as session:
        other = other_time(session, page, now)
    answer = render_template(
        "ui/_dispute_page.html", page=page, d=found, side=side, room=ROOMS[side], now=now, other_time=other,
        zone=current_zone_name(page.calendar_zone), kinds=KINDS, token=form_token(), typed=request.form,
        error=sentence(refused) if refused else "", about=refused.facts.get("why") if refused else "",
        most_files=disputes.MOST_FILES, splits=[found.split(percent) for percent in range(found.least, 101)],
    )  # fmt: skip
    return (answer, status(refused)) if refused else answer


def found_dispute(page: BookingPage) -> DisputePage | None:
    """The booking's last dispute, for its pages."""
    with house().db.reading() as session:
        return dispute_page(session, session.get_one(Booking, page.booking.id))


def act(reference: str, side: str, deed: str) -> Any:
    """One side's answer, agreement, withdrawal, appeal or acceptance; a refusal comes back to the page."""
    page = load(reference, action(side))
    told: dict[str, Any] = {"booking_id": page.booking.id, "side": side, "token": posted_token()}
    try:
        match deed:
            case "answer":
                disputes.answer(house().db, g.actor, said=_words(page), **told)
            case "agree":
                disputes.agree(
                    house().db, g.actor, share=_percent(request.form.get("share", "")) or 0, **told
                )
            case "withdraw":
                disputes.withdraw_report(house().db, g.actor, **told)
            case "appeal":
                disputes.appeal(house().db, g.actor, words=request.form.get("words", ""), **told)
            case "accept":
                disputes.accept_decision(house().db, g.actor, **told)
            case _:
                raise NotFound
    except NotFound:
        raise
    except Refusal as refusal:
        return dispute(reference, side, refused=refusal)
    return redirect(_dispute_url(reference, side), 303)


def evidence(reference: str, side: str, file_id: UUID) -> Response:
    """A file of the dispute, as a download that no browser runs."""
    page = load(reference, action(side))
    with house().db.reading() as session:
        file, name = disputes.evidence_file(session, page.booking.id, file_id)
        answer = Response(file.content, mimetype=file.media_type)
    answer.headers.set("Content-Disposition", "attachment", filename=_file_name(name, file.media_type))
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _file_name(name: str, media_type: str) -> str:
    """As its owner called it, with the ending of what it is."""
    stem = name.rsplit(".", 1)[0].replace("/", "-").replace("\\", "-") or "file"
    return f"{stem}.{'pdf' if media_type == 'application/pdf' else 'webp'}"

"""The operators' queue: list and case side by side, and every answer a plain form."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from ...domain.checks import contacts, marked
from ...domain.errors import NotFound, Refusal
from ...domain.moderation import DECISIONS, SNOOZES, word_changes
from ...domain.words import clean_line
from ...services import moderation
from ...services.moderation import reading
from ...storage.moderation import GROUNDS
from ..access import prove_recently, rule
from ..cursor import read_cursor, write_cursor
from ..house import house, real_now
from ..language import current_language, current_zone_name
from ..refusals import sentence, status
from . import blueprint, ready

NOTE = "note."


@blueprint.get("/queue", endpoint="queue")
@rule("operator.queue")
def queue_page() -> Any:
    """A tab of cases, and one of them: the one asked for, else the first."""
    return _page(request.args.get("case", ""), request.args)


def _page(asked: str, args: Any, *, refused: Refusal | None = None) -> Any:
    tab = args.get("tab") if args.get("tab") in reading.TABS else "open"
    now, me = house().clock(), g.actor.person_id
    with house().db.reading() as session:
        counts = reading.counts(session, me, now)
        cursor = read_cursor(args.get("after"))
        listed = reading.queue(session, tab=tab, person_id=me, now=now, after=cursor)
        number = _number(asked) if asked else listed.lines[0].number if listed.lines else None
        case = reading.case_page(session, number, person_id=me, now=now) if number is not None else None
        names = reading.names_of_subjects(session, current_language())
        last = reading.last_decided(session, me, now)
        offered = (
            _ready(session, case.line.number) if case and not case.own and case.line.state == "open" else {}
        )
    after = write_cursor(listed.after) if listed.after else None
    answer = render_template(
        "operator/queue.html", tab=tab, tabs=reading.TABS, counts=counts, queue_count=counts["open"],
        listed=listed, case=case, chosen=bool(asked), here=args.get("after") or None, next_after=after,
        last=last, now=now, zone=current_zone_name(), names=names, left=_left, around=_around(listed, case),
        decisions=DECISIONS, grounds=GROUNDS, snoozes=SNOOZES, refused=refused,
        error=sentence(refused) if refused else "", typed=request.form, pieces=_pieces, changed=word_changes,
        ready=offered,
    )  # fmt: skip
    return (answer, status(refused)) if refused else answer


def _ready(session: Session, number: int) -> dict[str, tuple[str, ready.Sentences]]:
    """Decision → (the language of who is told, the sentences to choose from)."""
    kind, author, reporter = reading.receivers(session, number)
    here = current_language()
    languages = {
        decision: (reporter if decision == "keep" else author) or here
        for answers in DECISIONS.values()
        for decision in answers
    }
    found = {one: (language, ready.sentences(kind, one, language)) for one, language in languages.items()}
    return {decision: pair for decision, pair in found.items() if pair[1]}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise NotFound
    return int(text)


def _left(target: datetime, now: datetime) -> tuple[bool, timedelta]:
    """Whether the target has passed, and how far it is away."""
    return target < now, abs(target - now)


def _pieces(text: str) -> Any:
    """A public text with what looks like a contact marked."""
    return marked(text, contacts(text))


def _around(listed: reading.Queue, case: reading.CasePage | None) -> tuple[int | None, int | None]:
    """The numbers before and after the open case in this page of the list."""
    numbers = [line.number for line in listed.lines]
    if case is None or case.line.number not in numbers:
        return None, numbers[0] if numbers and case is not None else None
    at = numbers.index(case.line.number)
    return numbers[at - 1] if at else None, numbers[at + 1] if at + 1 < len(numbers) else None


def _back(number: int | None) -> Any:
    """To the list one came from, with the case or, once it is decided, with the next one."""
    tab, after = request.form.get("tab", "open"), request.form.get("after") or None
    return redirect(url_for("operator.queue", tab=tab, after=after, case=number), 303)


def _again(number: int, refusal: Refusal) -> Any:
    """The same page with the sentence, what was typed kept."""
    if isinstance(refusal, NotFound):
        raise refusal
    return _page(str(number), request.form, refused=refusal)


@blueprint.post("/cases/<int:number>/claim")
@rule("operator.decide")
def case_claim(number: int) -> Any:
    """Make it mine."""
    try:
        moderation.claim(house().db, g.actor, number=number)
    except Refusal as refusal:
        return _again(number, refusal)
    return _back(number)


@blueprint.post("/cases/<int:number>/release")
@rule("operator.decide")
def case_release(number: int) -> Any:
    """Leave it to all."""
    try:
        moderation.release(house().db, g.actor, number=number)
    except Refusal as refusal:
        return _again(number, refusal)
    return _back(number)


@blueprint.post("/cases/<int:number>/snooze")
@rule("operator.decide")
def case_snooze(number: int) -> Any:
    """Put it aside for some days; 0 takes it up again."""
    days = request.form.get("days", "1")
    try:
        if days == "0":
            moderation.wake(house().db, g.actor, number=number)
            return _back(number)
        moderation.snooze(house().db, g.actor, number=number, days=_revision(days))
    except Refusal as refusal:
        return _again(number, refusal)
    return _back(None)


@blueprint.post("/cases/<int:number>/decide")
@rule("operator.decide")
def case_decide(number: int) -> Any:
    """Answer it: effects at once, the people told in a minute."""
    form = request.form
    # The button below the fields says it by itself, whatever is chosen above.
    decision = "changes" if form.get("send_back") else form.get("decision", "")
    with house().db.reading() as session:
        kind, *_languages = reading.receivers(session, number)
        _language, offered = _ready(session, number).get(decision, ("", ()))
    if kind == "report_profile" and decision == "hide":
        prove_recently()  # It suspends the person, as the desk does.
    try:
        moderation.decide(
            house().db, g.actor, number=number, decision=decision,
            revision=_revision(form.get("revision", "")), ground=form.get("ground", ""),
            reason=ready.said(form.get("reason", ""), form.get("ready", ""), offered),
            notes={clean_line(name[len(NOTE) :], 40): text for name, text in form.items() if name.startswith(NOTE)},
            real_now=real_now(),
        )  # fmt: skip
    except Refusal as refusal:
        return _again(number, refusal)
    return _back(None)


@blueprint.post("/cases/<int:number>/undo")
@rule("operator.decide")
def case_undo(number: int) -> Any:
    """Take one's own decision back within the minute."""
    try:
        moderation.undo(house().db, g.actor, number=number)
    except Refusal as refusal:
        return _again(number, refusal)
    return _back(number)


def _revision(text: str) -> int:
    """A whole number as our own forms send it; -1, which is none of anything, for what they do not."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1

"""Where the expert's money is: sums, session by session, why a transfer waits, and all of it as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g, render_template, request, url_for
from flask_babel import gettext as _

from ...domain import postings
from ...services import ledger
from ...services.chargebacks import chargebacks_about
from ...services.payouts import MoneyRow, expert_money, money_row, money_sums
from ...services.sessions import sessions_of
from ...storage.experts import Expert
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..formats import lang
from ..house import house
from ..language import current_zone_name
from ..money_course import course
from ..one_booking import load
from . import blueprint

A_PAGE = 20
# Explained below the table: the first that wait on this page.
MOST_WHY = 3
# Rows read at once for the file.
A_CHUNK = 500


@blueprint.get("/money")
@rule("expert.home")
def money() -> str:
    """Held, due, transferred: when, and why not yet."""
    now, zone = house().clock(), current_zone_name()
    with house().db.reading() as session:
        after = read_cursor(request.args.get("after"))
        found = expert_money(session, g.actor.expert_id, A_PAGE, after)
        sessions = sessions_of(session, [row.subject for row in found.rows])
        sums = money_sums(session, g.actor.expert_id, year_begin(now, zone))
        account = session.get_one(Expert, g.actor.expert_id)
        owes = ledger.balance(session, postings.receivable(account.id))
        others = sessions_of(session, [subject for row in found.rows for subject, _minor in row.set_off_for])
    waiting = [row for row in found.rows if row.subject in sessions and _waits(row, sessions)]
    return render_template(
        "expert/money.html",
        money=found,
        sums=sums,
        sessions=sessions,
        waiting=waiting[:MOST_WHY],
        account=account,
        owes=owes,
        others=others,
        year=now.astimezone(ZoneInfo(zone)).year,
        now=now,
        zone=zone,
        first_page=after is None,
        next_url=url_for("expert.money", after=write_cursor(found.after)) if found.after else None,
    )


@blueprint.get("/money/<reference>")
@rule("booking.view_as_expert")
def booking_money(reference: str) -> str:
    """One session's money: its parts, where it is and why, and its course with dates and the provider's ids."""
    page, now = load(reference, "booking.view_as_expert"), house().clock()
    zone = current_zone_name(page.calendar_zone)
    with house().db.reading() as session:
        row = money_row(session, page.booking.expert_id, page.booking.id)
        groups = ledger.entries_of(session, page.booking.id)
        contested = chargebacks_about(session, page.booking.id)
        others = sessions_of(session, [subject for subject, _minor in row.set_off_for] if row else [])
    return render_template(
        "expert/booking_money.html", page=page, row=row, others=others, now=now, zone=zone,
        frozen=[one for one in contested if one.ended_at is None],
        items=course(page, row, groups, contested, now=now, zone=zone),
    )  # fmt: skip


@blueprint.get("/money.csv")
@rule("expert.home")
def money_file() -> Response:
    """All rows with their dates, in the reader's zone; in French as French spreadsheets read it."""
    zone = ZoneInfo(current_zone_name())
    text = io.StringIO()
    written = csv.writer(text, delimiter=";" if lang() == "fr" else ",", lineterminator="\r\n")
    written.writerow(
        [
            _("Session"), _("Number"), _("Client"), _("Offer"), _("Price excl. VAT"), _("VAT"), _("Commission"),
            _("VAT on the commission"), _("For you"), _("Currency"), _("Where the money is"), _("Taken on"),
            _("Due on"), _("Transferred on"), _("Transfer"), _("Kept for refunds"),
        ]
    )  # fmt: skip
    for row, session_of in _all_rows():
        written.writerow([_cell(value) for value in _line(row, session_of, zone)])
    answer = Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=declic-money.csv"
    return answer


def _all_rows() -> Iterator[tuple[MoneyRow, Any]]:
    after = None
    with house().db.reading() as session:
        while True:
            found = expert_money(session, g.actor.expert_id, A_CHUNK, after)
            sessions: Mapping[Any, Any] = sessions_of(session, [row.subject for row in found.rows])
            for row in found.rows:
                yield row, sessions.get(row.subject)
            after = found.after
            if after is None:
                return


def _line(row: MoneyRow, session_of: Any, zone: ZoneInfo) -> list[Any]:
    quote = row.quote
    named = (
        [_day(session_of.starts_at, zone), session_of.number, session_of.company, session_of.title]
        if session_of
        else ["", "", "", ""]
    )
    amounts = (quote.price, quote.seller_vat, -quote.commission, -quote.vat_commission, row.share)
    days = (row.paid_at, row.due_at, row.done_at)
    return [
        *named, *(_amount(minor) for minor in amounts), "EUR", state_words(row.state),
        *(_day(at, zone) for at in days), row.provider_id or "", _amount(row.set_off),
    ]  # fmt: skip


def state_words(state: str) -> str:
    """Where a session's money is, in words."""
    return {
        "authorised": _("Authorised"),
        "held": _("With the provider"),
        "due": _("Due"),
        "transferred": _("Transferred"),
        "returned": _("Refunded to the client"),
    }[state]


def _amount(minor: int) -> str:
    text = f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"
    return text.replace(".", ",") if lang() == "fr" else text


def _day(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).date().isoformat() if at else ""


def _cell(value: Any) -> str:
    """A text that a spreadsheet would take for a formula stays a text; amounts are ours."""
    text = str(value)
    if text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not text[1:2].isdigit()):
        return f"'{text}"
    return text


def _waits(row: MoneyRow, sessions: Mapping[Any, Any]) -> bool:
    if row.frozen and row.state in ("held", "due"):
        return True
    if row.state == "due":
        return row.held_up_by is not None or row.why != "due"
    return row.state == "held" and sessions[row.subject].state in (
        "delivered",
        "disputed",
        "resolved",
        "cancelled",
    )


def year_begin(now: datetime, zone: str) -> datetime:
    """The first instant of this year there."""
    place = ZoneInfo(zone)
    return datetime(now.astimezone(place).year, 1, 1, tzinfo=place).astimezone(UTC)

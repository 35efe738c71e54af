"""The books as operators see them: what the check says, months, accounts, every entry, and all of it as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Response, g, redirect, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _

from ...domain.errors import MonthRefused, NotFound
from ...domain.months import BOOKS_ZONE, begins, month_after, month_of, read_month
from ...services import ledger
from ...services.moderation.books import every_line, names_of
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..formats import lang
from ..formats.codes import ledger_words
from ..formats.ledger import account_class, account_words, group_why
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence, status
from . import blueprint

# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@blueprint.get("/ledger", endpoint="ledger")
@rule("operator.ledger")
def ledger_page() -> Any:
    """What the last check says, where money stands by class of accounts, and the months."""
    return _overview()


def _overview(refused: MonthRefused | None = None) -> Any:
    now = house().clock()
    with house().db.reading() as session:
        run = ledger.last_check(session)
        month, to_close = month_of(now), ledger.next_to_close(session)
        answer = render_template(
            "operator/ledger.html", run=run, findings=ledger.findings_of(run) if run else [], now=now,
            sums=ledger.month_by_class(session, month), months=ledger.months_of(session, now),
            to_close=to_close if to_close and now >= begins(month_after(to_close)) + ledger.SETTLED else None,
            zone=current_zone_name(), error=sentence(refused) if refused else "",
            wrong_schedule=run is not None and ledger.wrong_schedule(run),
        )  # fmt: skip
    return (answer, status(refused)) if refused else answer


@blueprint.post("/ledger/check")
@rule("operator.ledger")
def ledger_check() -> Any:
    """Check now: also ends a stop whose cause is cured, without waiting five minutes."""
    ledger.watch(house().db, house().payments)
    return redirect(url_for("operator.ledger"), 303)


@blueprint.post("/ledger/close")
@rule("operator.close_month")
def close_month() -> Any:
    """Close the month the form names, for ever."""
    try:
        ledger.close_month(house().db, g.actor, _month(request.form.get("month", "")))
    except MonthRefused as refused:
        return _overview(refused)
    return redirect(url_for("operator.ledger"), 303)


@blueprint.get("/ledger/<month>")
@rule("operator.ledger")
def ledger_month(month: str) -> str:
    """A month by class of accounts: what stood at its beginning, what came and went, what stands."""
    first = _month(month)
    with house().db.reading() as session:
        return render_template(
            "operator/ledger_month.html", month=first, at=begins(first), zone=BOOKS_ZONE.key,
            sums=ledger.month_by_class(session, first), closed=ledger.closing_of(session, first),
        )  # fmt: skip


@blueprint.get("/ledger/<month>/<cls>")
@rule("operator.ledger")
def ledger_accounts(month: str, cls: str) -> str:
    """The accounts of a class in a month."""
    first, after = _month(month), request.args.get("after", "")
    if cls not in ledger.CLASSES:
        raise NotFound
    if account_class(after) != cls or "\0" in after:
        after = ""
    with house().db.reading() as session:
        rows, last = ledger.month_accounts(session, first, cls, after=after)
        names = names_of(session, [row.name for row in rows])
    return render_template(
        "operator/ledger_accounts.html", month=first, at=begins(first), zone=BOOKS_ZONE.key, cls=cls,
        rows=rows, names=names,
        next_url=url_for("operator.ledger_accounts", month=month, cls=cls, after=last) if last else None,
    )  # fmt: skip


@blueprint.get("/ledger/<month>/<cls>/<account>")
@rule("operator.ledger")
def ledger_account(month: str, cls: str, account: str) -> str:
    """One account's entries in a month, each with what happened."""
    first = _month(month)
    if cls not in ledger.CLASSES or account_class(account) != cls:
        raise NotFound
    with house().db.reading() as session:
        rows, last = ledger.account_lines(
            session, account, first, after=read_cursor(request.args.get("after"))
        )
        names = names_of(session, [account], [row.subject for row in rows])
    return render_template(
        "operator/ledger_account.html", month=first, at=begins(first), zone=current_zone_name(), cls=cls,
        account=account, rows=rows, names=names,
        next_url=url_for(
            "operator.ledger_account", month=month, cls=cls, account=account, after=write_cursor(last)
        ) if last else None,
    )  # fmt: skip


@blueprint.get("/ledger/<month>.csv")
@rule("operator.ledger")
def ledger_export(month: str) -> Response:
    """Every entry of a month as CSV, streamed; cells that a spreadsheet would run begin with an apostrophe."""
    first = _month(month)
    answer = Response(stream_with_context(_csv(first, lang())), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="ledger-{first:%Y-%m}.csv"'
    return answer


def _csv(month: date, language: str) -> Iterator[str]:
    """Lines as spreadsheets of the reader's country read them: French ones want semicolons and decimal commas."""
    text = io.StringIO()
    french = language == "fr"
    writer = csv.writer(text, delimiter=";" if french else ",")

    def taken() -> str:
        said = text.getvalue()
        text.seek(0)
        text.truncate()
        return said

    text.write("\ufeff")
    writer.writerow(
        [
            _("Time, UTC"), _("Time, Paris"), _("What happened"), _("Kind"), _("Why"), _("Object"), _("Booking"),
            _("Account"), _("What the account is"), _("Debit"), _("Credit"), _("Currency"), _("Entry"),
        ]
    )  # fmt: skip
    yield taken()
    for line, names in every_line(house().db, month):
        booking = names.get(str(line.subject))
        cells = [
            f"{line.at:%Y-%m-%d %H:%M:%S}", f"{line.at.astimezone(BOOKS_ZONE):%Y-%m-%d %H:%M:%S}",
            ledger_words(line.kind), line.kind, group_why_of(line) or line.why, line.source,
            booking.name if booking else "", line.account, account_words(line.account, names),
            _amount(line.amount_minor, french), _amount(-line.amount_minor, french), line.currency,
            str(line.entry_id),
        ]  # fmt: skip
        writer.writerow([safe_cell(cell) for cell in cells])
        if text.tell() > 65_536:
            yield taken()
    yield taken()


def group_why_of(line: ledger.Line) -> str:
    """Why, in words, of the group an entry is in."""
    return group_why(ledger.Group(line.source, line.kind, line.at, line.why, line.currency, ()))


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _amount(minor: int, french: bool) -> str:
    return ledger.amount(minor).replace(".", "," if french else ".") if minor > 0 else ""


def _month(text: str) -> date:
    month = read_month(text)
    if month is None:
        raise NotFound
    return month

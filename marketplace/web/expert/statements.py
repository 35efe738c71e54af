"""Monthly statements: which there are, and each as a PDF whose amounts are the ledger's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _

from ...domain.errors import NotFound
from ...domain.months import BOOKS_ZONE, begins, month_of, read_month
from ...gateways.statements import Column, Paper, Row, Table
from ...services import ledger, statements
from ...services.sessions import sessions_of
from ...services.statements import Line, Statement
from ...storage.experts import Expert
from ..access import rule
from ..formats.amounts import money, money_bare
from ..formats.places import country_name
from ..formats.times import date_long, day_month, month
from ..house import house
from ..papers import paper, pdf, plain, platform_lines
from . import blueprint

ZONE = BOOKS_ZONE.key


@blueprint.get("/money/statements", endpoint="statements")
@rule("expert.home")
def statements_list() -> str:
    """The months in which something was due, newest first."""
    now = house().clock()
    with house().db.reading() as session:
        months = statements.months_with_entries(session, g.actor.expert_id, now)
    return render_template(
        "expert/statements.html",
        months=[(one, begins(one)) for one in months],
        zone=ZONE,
        running=month_of(now),
    )


@blueprint.get("/money/statements/<month>.pdf")
@rule("expert.home")
def statement_file(month: str) -> Response:
    """One month: what stood, each session, refund and transfer, what stands."""
    wanted, now = read_month(month), house().clock()
    if wanted is None or wanted > month_of(now):
        raise NotFound
    with house().db.reading() as session:
        found = statements.statement(session, g.actor.expert_id, wanted, now)
        expert = session.get_one(Expert, g.actor.expert_id)
        names = sessions_of(session, [line.subject for line in found.lines if line.subject])
    return pdf(statement_paper(found, expert, names), f"declic-{wanted:%Y-%m}")


def statement_paper(found: Statement, expert: Expert, names: Mapping[Any, Any]) -> Paper:
    """The statement in words; its running balance is the ledger's."""
    first, until = begins(found.month), found.until
    title = _("Statement, %(month)s", month=month(first, ZONE))
    lines = [
        _("From %(first)s to the end of the month, days of Paris.", first=plain(date_long(first, ZONE)))
        if found.over
        else _("Not over yet: from %(first)s to %(now)s, days of Paris.", first=plain(date_long(first, ZONE)), now=plain(date_long(until, ZONE)))
    ]  # fmt: skip
    return paper(
        title, lines=lines, parties=[(_("Expert"), _expert_lines(expert)), (_("Made by"), platform_lines())],
        tables=[_table(found, names), _sums(found)], notes=_notes(found),
    )  # fmt: skip


def _expert_lines(expert: Expert) -> list[str]:
    lines = [expert.legal_name or "", *(expert.address or "").split("\n")]
    lines.append(country_name(expert.country) if expert.country else "")
    if expert.vat_number:
        lines.append(_("VAT number %(number)s", number=expert.vat_number))
    return [line for line in lines if line]


def _table(found: Statement, names: Mapping[Any, Any]) -> Table:
    columns = (
        Column(_("Day"), 15), Column(_("What happened"), 56), Column(_("Price excl. VAT"), 20, True),
        Column(_("VAT"), 18, True), Column(_("Commission"), 22, True), Column(_("VAT on the commission"), 22, True),
        Column(_("For you"), 21, True), Column(_("Due to you"), 21, True),
    )  # fmt: skip
    stands = found.opening
    rows = [_standing(_("Stood at the beginning"), stands)]
    for line in found.lines:
        stands += line.change
        parts = (line.price, line.vat, line.commission, line.vat_commission)
        rows.append(
            Row([
                plain(day_month(line.at, ZONE)), _what(line, names),
                *(money_bare(minor) if line.has_parts else "" for minor in parts),
                money_bare(line.change) if line.change else "", money_bare(stands),
            ])
        )  # fmt: skip
    rows.append(_standing(_("Stands at the end") if found.over else _("Stands now"), stands))
    return Table(_("Day by day, in euros"), columns, rows)


def _standing(words: str, minor: int) -> Row:
    return Row(["", words, "", "", "", "", "", money_bare(minor)], "total")


def _what(line: Line, names: Mapping[Any, Any]) -> str:
    session = names.get(line.subject)
    about = f"{session.company}, {session.number}" if session else ""
    said = _SAYS.get(line.kind, lambda moved: _("Correction"))(money(line.moved))
    return "\n".join(part for part in (said, about, line.source if line.kind in _WITH_ID else "") if part)


# Whose source is the provider's own object.
_WITH_ID = (ledger.TRANSFER, ledger.REFUND)
_SAYS: Mapping[str, Callable[[str], str]] = {
    ledger.SHARE_DUE: lambda moved: _("Your share fell due"),
    ledger.REFUND: lambda moved: _("Refund to the client"),
    ledger.REDECIDED: lambda moved: _("Refund taken back, to be decided again"),
    ledger.TRANSFER: lambda moved: _("Transfer to your account"),
    ledger.REVERSAL: lambda moved: _("Brought back from your account, for a refund"),
    ledger.NOT_REVERSED: lambda moved: _("%(amount)s could not be brought back: you owe them", amount=moved),
    ledger.SET_OFF: lambda moved: _("%(amount)s kept of this transfer for what you owed", amount=moved),
}


def _sums(found: Statement) -> Table:
    rows = [
        (_("Prices without VAT"), found.sum_of("price")),
        (_("Your VAT on them, for you to declare"), found.sum_of("vat")),
        (_("Our commission without VAT"), found.sum_of("commission")),
        (_("VAT on our commission"), found.sum_of("vat_commission")),
        (_("Transferred to you, less what came back"), found.left),
    ]
    columns = (Column(_("Together"), 120), Column(_("Euros"), 40, True))
    return Table(_("The month in sums"), columns, [Row([words, money_bare(minor)]) for words, minor in rows])


def _notes(found: Statement) -> list[str]:
    notes = [
        _(
            "Refunds decided before a share fell due have made that share smaller; they have no line of their own."
        )
    ]
    if found.closing < 0:
        notes.append(
            _(
                "Below zero: you owe this for refunds that could not be brought back; it is kept of your next transfers."
            )
        )
    notes.append(
        _(
            "This statement is not an invoice. The numbers that begin with tr_ and re_ are the payment provider’s."
        )
    )
    return notes

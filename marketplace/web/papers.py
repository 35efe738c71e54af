"""What every paper has: who made it, the warning where no money moved, and the way to the reader as a PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, get_template_attribute
from flask_babel import gettext as _
from markupsafe import Markup

from ..gateways.statements import Paper, Table
from .formats import lang
from .formats.places import country_name
from .house import house


def pdf(paper: Paper, name: str) -> Response:
    """The drawn paper, to be kept under a name."""
    answer = Response(house().statements.draw(paper), content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return answer


def paper(
    title: str,
    *,
    lines: Sequence[str],
    parties: Sequence[tuple[str, Sequence[str]]],
    tables: Sequence[Table],
    notes: Sequence[str],
) -> Paper:
    """A paper of ours in the reader's language, made now."""
    config, now = house().config, house().clock()
    return Paper(
        language=lang(), title=title, lines=lines, parties=parties, tables=tables, notes=notes,
        footer=f"{config.site_name} · {title}", page_words=_("Page %(number)s of %(all)s", number="%d", all="%s"),
        made_at=now, warning=_("Demonstration: no money moved.") if config.sandbox else "",
    )  # fmt: skip


def platform_lines() -> list[str]:
    """The platform's legal identity."""
    config = house().config
    return [
        config.platform_name, *config.platform_address.split("\n"), country_name(config.platform_country),
        _("VAT number %(number)s", number=config.platform_vat),
    ]  # fmt: skip


def party_lines(party: Mapping[str, Any]) -> list[str]:
    """A side of a frozen quote, as it stood then."""
    lines = [party.get("name") or "", *(party.get("address") or "").split("\n")]
    lines.append(country_name(party["country"]) if party.get("country") else "")
    if party.get("vat_number"):
        lines.append(_("VAT number %(number)s", number=party["vat_number"]))
    if party.get("demo"):
        lines.append(_("Demo data: invented seller"))
    return [line for line in lines if line]


def vat_words(rate_bp: int, with_rate: str, ground: str | None) -> str:
    """A VAT line's name, in the very words of the pages."""
    return plain(get_template_attribute("ui/money.html", "vat_line")(rate_bp, with_rate, ground))


def plain(text: Any) -> str:
    """A formatted date or name without its markup."""
    return text.striptags() if isinstance(text, Markup) else str(text).strip()

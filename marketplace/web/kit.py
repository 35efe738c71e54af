"""The living style page: every macro in every state, in both languages and themes. Demo mode only.

`/_kit?lang=en&theme=dark`. Its people and figures are samples of the look and stand in no table.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, abort, g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Optional, ValidationError

from .forms import choices_of
from .house import house
from .language import LANGUAGES

bp = Blueprint("kit", __name__)

COLOURS = (
    "paper", "surface", "sunk", "ink", "ink-2", "hair", "edge", "blue", "blue-hover", "mark", "mark-ink",
    "pick", "red", "red-wash",
)  # fmt: skip
STATES = (
    "held", "awaiting_approval", "requested", "accepted", "confirmed", "delivered", "completed", "disputed",
    "resolved", "settled", "lapsed", "refused", "declined", "expired", "cancelled",
)  # fmt: skip
NOW = datetime(2026, 11, 30, 8, 40, tzinfo=UTC)
START = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)
PARIS, REUNION = "Europe/Paris", "Indian/Reunion"


def two_digits_missing(form: Form, field: Any) -> None:
    """The sample's refusal: what is wrong and how to mend it."""
    raise ValidationError(_("Two digits are missing: a French number has eleven after FR."))


class Sample(Form):
    """One field of each kind, some of them in error."""

    order = StringField(validators=[Optional()])
    vat = StringField(validators=[two_digits_missing])
    text = TextAreaField(validators=[DataRequired()])
    place = SelectField(choices=[])
    agree = BooleanField(validators=[DataRequired(_l("Without it we cannot go on."))])
    kind = RadioField(choices=[])
    score = RadioField(choices=choices_of(*((str(n), str(n)) for n in range(1, 6))))


def sample_form(*, bad: bool) -> Sample:
    """The form, filled in; validated where its errors are to be seen."""
    form = Sample(
        prefix="bad-" if bad else "",
        data={
            "order": "2026-1147",
            "vat": "FR 12 345 678",
            "text": _("Tenants refuse entry."),
            "agree": not bad,
            "kind": "yes",
            "score": "4",
            "place": "remote",
        },
    )
    labels = {
        "order": _("Purchase order"),
        "vat": _("VAT number"),
        "text": _("Context"),
        "place": _("Place"),
        "agree": _("I accept the charter."),
        "kind": _("Is your problem unlocked?"),
        "score": _("Usefulness"),
    }
    for name, words in labels.items():
        form[name].label.text = words
    form["order"].description = _("If there is one.")
    form["place"].choices = choices_of(("remote", _("By video")), ("on_site", _("On site")))
    form["kind"].choices = choices_of(
        ("yes", _("Unlocked")), ("partly", _("Partly unlocked")), ("no", _("Not unlocked"))
    )
    if bad:
        form.validate()
    return form


@bp.url_value_preprocessor
def _take_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if request.args.get("lang") in LANGUAGES:
        g.lang = request.args["lang"]


@bp.get("/_kit")
def page() -> str:
    """Every macro in every state; 404 outside the demo."""
    if house().config.env != "demo":
        abort(404)
    other = "fr" if g.get("lang") == "en" else "en"
    theme = request.args.get("theme", "system")
    return render_template(
        "kit.html", theme=theme, other_lang_url=f"/_kit?lang={other}&theme={theme}", colours=COLOURS, states=STATES,
        now=NOW, start=START, end=START + timedelta(hours=3), zone=PARIS, other_zone=REUNION, first=date(2026, 12, 7),
        last=date(2026, 12, 13), good=sample_form(bad=False), bad=sample_form(bad=True), steps=_steps(),
        slots=_slots(), moments=_moments(), tasks=_tasks(), hit=_hit(), said=_review(),
    )  # fmt: skip


page.rule = "public"  # type: ignore[attr-defined]


def _steps() -> list[tuple[datetime, int, int]]:
    return [
        (START - timedelta(hours=72), 100, 158_400),
        (START - timedelta(hours=24), 50, 79_200),
        (START, 0, 0),
    ]


def _slots() -> list[dict[str, Any]]:
    return [
        {
            "value": f"s{n}",
            "start": START + timedelta(hours=n),
            "end": START + timedelta(hours=n + 3),
            "taken": n == 1,
        }
        for n in (-6, 1, 0)
    ]


def _moments() -> list[dict[str, Any]]:
    return [
        {"at": NOW - timedelta(days=5, hours=23), "state": "requested", "title": _("Waiting for the expert")},
        {"at": NOW - timedelta(days=5), "state": "confirmed", "title": _("Confirmed")},
        {"at": NOW, "when": "now", "title": _("Now")},
        {
            "at": START - timedelta(hours=72),
            "when": "future",
            "title": _("Last hour to cancel free of charge"),
        },
        {"at": START, "when": "future", "title": _("The session")},
    ]


def _tasks() -> list[dict[str, Any]]:
    words = {
        "done": _("Context"),
        "doing": _("Decision"),
        "todo": _("Participants"),
        "optional": _("Documents"),
        "fix": _("Confidentiality"),
        "blocked": _("Payment"),
    }
    return [
        {"title": t, "status": s, "href": None if s == "blocked" else "#", "note": None}
        for s, t in words.items()
    ]


def _hit() -> SimpleNamespace:
    return SimpleNamespace(
        offer_url="#", title="Poser 38 000 compteurs communicants malgré pancartes et refus de porte", lang="fr",
        expert_name="Solène Castagnères", startup_role="cofondatrice et directrice terrain", startup="Aquafouine",
        city="Saint-Denis de La Réunion", price_minor=120_000, minutes=180, format="both", languages=["fr", "en"],
        snippet=[("… Les courriers recommandés ont braqué deux quartiers. ", False), ("Le porte-à-porte", True),
                 (" a tout changé …", False)],
        days_median=10, review_count=3, first_slot=(START, START + timedelta(hours=3)), bookable=True,
    )  # fmt: skip


def _review() -> SimpleNamespace:
    return SimpleNamespace(
        author_name="Fabrice Entraygues", author_role="Directeur industriel", author_company="Biscuiterie Malvaut",
        text="Signal trouvé en vingt minutes, validé au comptage. Devis initial de l’intégrateur : 94 000 euros. "
        "Facture finale : 6 200.", lang="fr", unlocked="yes", days_saved=50, usefulness=5,
        session_month=datetime(2026, 6, 15, tzinfo=UTC), review_month=datetime(2026, 6, 20, tzinfo=UTC),
    )  # fmt: skip

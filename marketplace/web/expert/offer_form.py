"""The offer editor's form: the shape of what arrives, and how it becomes a draft's content and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from ...domain import offers as rules
from ...domain.profiles import SPOKEN
from ...services.offers import Taxonomy
from ..formats import lang
from ..formats.offers import notice_words
from ..formats.places import language_name
from ..forms import Form, Most, choices_of

_SPACES = re.compile(r"[\s\u00a0\u202f€]")
# 1150 · 1 150 · 1.150 · 1,150.50: groups of three are thousands, a last group of one or two is cents.
_AMOUNT = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{3})+|[0-9]{1,10})(?:[.,]([0-9]{1,2}))?")


def price_of(text: str) -> int | None:
    """Minor units of an amount in euros as people type it; None for nothing typed. ValueError for no amount."""
    bare = _SPACES.sub("", text)
    if not bare:
        return None
    found = _AMOUNT.fullmatch(bare)
    if found is None:
        raise ValueError(text)
    whole, cents = found.groups()
    return int(re.sub("[.,]", "", whole)) * 100 + int((cents or "0").ljust(2, "0"))


def price_text(minor: int | None) -> str:
    """The amount as the field shows it."""
    if minor is None:
        return ""
    whole, cents = divmod(minor, 100)
    return f"{whole}{',' if lang() == 'fr' else '.'}{cents:02d}" if cents else str(whole)


def _line(label: Any, most: int, *, optional: bool = False, rows: int = 1) -> TextAreaField:
    """One line, in a box that grows: a narrow screen shows all of it. Line ends become spaces when kept."""
    return TextAreaField(
        label, validators=[*([Optional()] if optional else []), Most(most)], render_kw={"rows": rows}
    )


def _takeaway(label: Any, *, optional: bool = False) -> TextAreaField:
    return _line(label, rules.LONGEST_TAKEAWAY, optional=optional)


def _question(label: Any) -> TextAreaField:
    return _line(label, rules.LONGEST_QUESTION, optional=True)


def _text(name: str, label: Any, rows: int) -> TextAreaField:
    fewest, most = rules.TEXTS[name]
    return _line(label, most, optional=not fewest, rows=rows)


def _at_most_five(form: Any, field: SelectMultipleField) -> None:
    if len(field.data or ()) > rules.MOST_TOPICS:
        raise ValidationError(_("Choose at most %(num)d.", num=rules.MOST_TOPICS))


def _an_amount(form: Any, field: StringField) -> None:
    try:
        price_of(field.data or "")
    except ValueError:
        raise ValidationError(_("Write an amount in euros, such as 1150.")) from None


class OfferForm(Form):
    """All fields of an offer. A draft may leave any open; whether it can be submitted is the domain's to say."""

    title = _text("title", _l("Title"), 2)
    problem = _text("problem", _l("The problem as it was"), 6)
    failed = _text("failed", _l("What failed first"), 4)
    unlocked = _text("unlocked", _l("What unlocked it"), 7)
    takeaway_1 = _takeaway(_l("First point"))
    takeaway_2 = _takeaway(_l("Second point"))
    takeaway_3 = _takeaway(_l("Third point"))
    takeaway_4 = _takeaway(_l("Fourth point"), optional=True)
    takeaway_5 = _takeaway(_l("Fifth point"), optional=True)
    for_whom = _text("for_whom", _l("For whom"), 2)
    not_for_whom = _text("not_for_whom", _l("Not for whom"), 2)
    topics = SelectMultipleField(_l("Topics"), validators=[_at_most_five])
    industries = SelectMultipleField(_l("Industries"), validators=[_at_most_five])
    language = RadioField(_l("Language of the text"))
    minutes = RadioField(_l("Length"), coerce=int)
    languages = SelectMultipleField(_l("Languages of the session"))
    format = RadioField(
        _l("Where"),
        choices=choices_of(("remote", _l("By video")), ("on_site", _l("On site")), ("both", _l("Either"))),
    )
    area = StringField(_l("Area you travel to"), validators=[Optional(), Most(rules.TEXTS["area"][1])])
    price = StringField(
        _l("Price without VAT"),
        validators=[Most(20), _an_amount],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    instant = RadioField(
        _l("Confirmation"), choices=choices_of(("0", _l("On request")), ("1", _l("Instant")))
    )
    notice_hours = SelectField(_l("Shortest notice"), coerce=int)
    policy = RadioField(
        _l("Cancellation"),
        choices=choices_of(
            ("flexible", _l("Flexible")), ("moderate", _l("Moderate")), ("strict", _l("Strict"))
        ),
    )
    promises_plan = BooleanField(_l("I send a written plan after the session"))
    question_1 = _question(_l("First question"))
    question_2 = _question(_l("Second question"))
    question_3 = _question(_l("Third question"))
    question_4 = _question(_l("Fourth question"))
    question_5 = _question(_l("Fifth question"))

    def offer_choices(self, names: Taxonomy, spoken: Iterable[str], notice_hours: int) -> None:
        """Give the choices that depend on the reader, the expert and what is stored."""
        for field, found in ((self.topics, names.topics), (self.industries, names.industries)):
            field.choices = sorted(
                ((slug, said[lang()]) for slug, said in found.items()), key=lambda one: one[1]
            )
        self.language.choices = [(code, language_name(code).capitalize()) for code in rules.LANGUAGES]
        wanted = {*rules.LANGUAGES, *spoken}
        self.languages.choices = [
            (code, language_name(code).capitalize()) for code in SPOKEN if code in wanted
        ]
        self.minutes.choices = [(minutes, str(minutes)) for minutes in rules.LENGTHS]
        self.notice_hours.choices = [
            (hours, notice_words(hours)) for hours in sorted({*rules.NOTICES, notice_hours})
        ]

    @property
    def content(self) -> dict[str, Any]:
        """The draft's content as typed; call it on a valid form."""
        found = {name: self[name].data for name in rules.FIELDS if name in self}
        for name, one in (("takeaways", "takeaway"), ("questions", "question")):
            found[name] = [self[f"{one}_{n}"].data or "" for n in range(1, 6)]
        found["price_minor"] = price_of(self.price.data or "")
        found["instant"] = self.instant.data == "1"
        return {name: "" if value is None and name in rules.TEXTS else value for name, value in found.items()}


def typed_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of a draft's content."""
    typed = {name: value for name, value in content.items() if name in OfferForm.__dict__}
    for name, one in (("takeaways", "takeaway"), ("questions", "question")):
        typed |= {f"{one}_{n}": line for n, line in enumerate(content[name], 1)}
    return typed | {
        "price": price_text(content["price_minor"]),
        "instant": "1" if content["instant"] else "0",
    }


# Field of a draft → the form's field that an address (#…) leads to.
ANCHORS = {"takeaways": "takeaway_1", "questions": "question_1", "price_minor": "price"}


def anchor(name: str) -> str:
    """The id of the element that holds a draft's field."""
    at = ANCHORS.get(name, name)
    return f"{at}-box" if at in ("topics", "industries", "languages") else at

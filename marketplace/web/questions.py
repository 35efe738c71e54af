"""The forms of a question before booking and of its answer; the lines both sides' pages share."""

from __future__ import annotations

import uuid

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from ..domain.questions import LONGEST_ASKED, LONGEST_SUMMARY, LONGEST_WORDS, MOST_ASKED, MOST_PER_WEEK
from .forms import Form, Most, choices_of, required

OTHER = "other"


class AskForm(Form):
    """A summary, and one to three closed questions."""

    summary = TextAreaField(
        _l("Your problem in a few sentences"),
        description=_l(
            "Nothing confidential: nothing is signed yet. The expert also reads your company’s name."
        ),
        validators=[required(_l("Say in a few sentences what the problem is.")), Most(LONGEST_SUMMARY)],
    )
    first = StringField(
        _l("First question"),
        description=_l("One that can be answered with yes, partly or no."),
        validators=[required(_l("Ask at least one question.")), Most(LONGEST_ASKED)],
    )
    second = StringField(_l("Second question"), validators=[Optional(), Most(LONGEST_ASKED)])
    third = StringField(_l("Third question"), validators=[Optional(), Most(LONGEST_ASKED)])

    @property
    def asked(self) -> list[str]:
        """The questions as typed; empty ones among them."""
        return [field.data or "" for field in (self.first, self.second, self.third)]


def _verdict() -> RadioField:
    return RadioField(
        _l("Your answer"),
        choices=choices_of(("yes", _l("Yes")), ("partly", _l("Partly")), ("no", _l("No"))),
        validators=[InputRequired(_l("Choose yes, partly or no."))],
    )


def _words() -> TextAreaField:
    return TextAreaField(_l("In a few words"), validators=[Optional(), Most(LONGEST_WORDS)])


class AnswerForm(Form):
    """A verdict and words for each question; the fields of questions not asked are taken out."""

    verdict0, words0 = _verdict(), _words()
    verdict1, words1 = _verdict(), _words()
    verdict2, words2 = _verdict(), _words()

    def only(self, number: int) -> AnswerForm:
        """The form for so many questions."""
        for index in range(number, MOST_ASKED):
            del self[f"verdict{index}"], self[f"words{index}"]
        self.number = number
        return self

    @property
    def answers(self) -> list[tuple[str, str]]:
        """(verdict, words) of each question."""
        return [
            (self[f"verdict{index}"].data, self[f"words{index}"].data or "") for index in range(self.number)
        ]


class PassOnForm(Form):
    """Another offer: one of those shown, or by its address."""

    named = RadioField(
        _l("The offer that fits better"),
        coerce=str,
        validators=[DataRequired(_l("Choose an offer, or give the address of another one."))],
    )
    address = StringField(_l("Its address"), validators=[Optional(), Most(500)])
    words = TextAreaField(_l("Why that one"), validators=[Optional(), Most(LONGEST_WORDS)])

    @property
    def slug(self) -> str:
        """The last part of the address typed, which is the offer's own."""
        return (self.address.data or "").split("?")[0].split("#")[0].rstrip("/").rpartition("/")[2]

    @property
    def offer_id(self) -> uuid.UUID | None:
        """The offer chosen among those shown."""
        return None if self.named.data == OTHER else uuid.UUID(self.named.data)


class LimitForm(Form):
    """How many questions an expert takes."""

    per_week = IntegerField(
        _l("Questions a week, at most"),
        validators=[
            InputRequired(_l("Give a whole number.")),
            NumberRange(1, MOST_PER_WEEK, _l("Between 1 and 50.")),
        ],
    )
    paused = BooleanField(_l("Take no questions for now"))

"""The two review forms: a lead's and an expert's."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from .forms import Form, choices_of

FIVE = choices_of(*((str(n), str(n)) for n in range(1, 6)))


def _mark(label: object) -> RadioField:
    return RadioField(label, choices=FIVE, validators=[InputRequired(_l("Choose from 1 to 5."))])


class LeadReviewForm(Form):
    """Shape only: whether the review is open is the service's to say."""

    unlocked = RadioField(
        _l("Is your problem unlocked?"),
        choices=choices_of(
            ("yes", _l("Unlocked")), ("partly", _l("Partly unlocked")), ("no", _l("Not unlocked"))
        ),
        validators=[InputRequired(_l("Say whether the problem is unlocked."))],
    )
    days_saved = IntegerField(
        _l("How many working days do you think it saved you?"),
        validators=[
            InputRequired(_l("Give a whole number of days; zero is an answer.")),
            NumberRange(0, 999, _l("Between 0 and 999 days.")),
        ],
    )
    prepared = _mark(_l("Preparation"))
    expertise = _mark(_l("Expertise"))
    usefulness = _mark(_l("Usefulness"))
    clarity = _mark(_l("Clarity"))
    text = TextAreaField(
        _l("What would you tell somebody who hesitates?"),
        validators=[
            InputRequired(_l("Write at least 30 characters.")),
            Length(30, 2000, _l("Between 30 and 2,000 characters.")),
        ],
    )
    note_to_other = TextAreaField(
        _l("A word for the expert alone"), validators=[Optional(), Length(max=2000)]
    )
    note_to_operators = TextAreaField(
        _l("A word for the operators alone"), validators=[Optional(), Length(max=2000)]
    )


class ExpertReviewForm(Form):
    """Of the buyer: the brief, punctuality, openness."""

    brief_mark = _mark(_l("The brief"))
    punctuality = _mark(_l("Punctuality"))
    openness = _mark(_l("Openness"))
    text = TextAreaField(_l("What would you tell another expert?"), validators=[Optional(), Length(max=2000)])
    note_to_other = TextAreaField(
        _l("A word for the project lead alone"), validators=[Optional(), Length(max=2000)]
    )
    note_to_operators = TextAreaField(
        _l("A word for the operators alone"), validators=[Optional(), Length(max=2000)]
    )

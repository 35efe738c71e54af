"""The forms of waiting for a slot, and of times that a buyer proposes."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired

from ..domain.queues import LONGEST_WORDS
from .forms import Form, Most, choices_of, required

FORMATS = (("remote", _l("By video")), ("on_site", _l("On your premises")))


def _where() -> RadioField:
    return RadioField(_l("Where?"), choices=choices_of(*FORMATS), default="remote")


class JoinForm(Form):
    """Between which days somebody waits; `where` is taken out unless the offer leaves the choice."""

    first = DateField(_l("First day"), validators=[InputRequired(_l("Choose the first day."))])
    last = DateField(_l("Last day"), validators=[InputRequired(_l("Choose the last day."))])
    where = _where()


def _time(label: object) -> DateTimeLocalField:
    return DateTimeLocalField(
        label,
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[InputRequired(_l("Propose a time."))],
    )


class TimesForm(Form):
    """Three times on the reader's clock, and a few words."""

    first = _time(_l("First time"))
    second = _time(_l("Second time"))
    third = _time(_l("Third time"))
    where = _where()
    words = TextAreaField(
        _l("A few words for them"),
        description=_l("Why none of the slots suits, and what it is about. Nothing confidential."),
        validators=[required(_l("A few words are needed.")), Most(LONGEST_WORDS)],
    )

    def starts(self, zone: str) -> list[datetime]:
        """The instants; a time the clocks pass over twice is the first (RFC 5545)."""
        return [
            field.data.replace(tzinfo=ZoneInfo(zone), fold=0)
            for field in (self.first, self.second, self.third)
        ]


class TakeTimeForm(Form):
    """The expert's yes: which of the three, where one meets, and the three declarations."""

    start = RadioField(_l("Which of the three?"), validators=[DataRequired(_l("Choose a time."))])
    place = StringField(_l("Where one meets"), validators=[required(_l("Say where one meets.")), Most(500)])
    charter = BooleanField(
        _l("I keep to the charter: I tell how I unlocked it, what failed first included, and sell nothing.")
    )
    confidentiality = BooleanField(_l("What I read and hear stays between us."))
    conflict = BooleanField(_l("I work for none of the companies concerned and have not for six months."))

    @property
    def accepted(self) -> list[str]:
        """The declarations ticked."""
        return [name for name in ("charter", "confidentiality", "conflict") if self[name].data]


class DeclineTimesForm(Form):
    """The expert's no, with words."""

    words = TextAreaField(
        _l("A few words for them"), validators=[required(_l("A few words are needed.")), Most(LONGEST_WORDS)]
    )

"""The forms of an enquiry, and of an expert's answer to one."""

from __future__ import annotations

import re
import uuid
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DecimalField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from ..domain.enquiries import (
    LONGEST_DETAILS,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    LONGEST_WORDS,
)
from ..domain.offers import LEAST_PRICE, MOST_PRICE
from .forms import Form, Most, required


class EnquiryForm(Form):
    """What every expert may read, and what those invited read."""

    title = StringField(
        _l("The problem in one line"),
        validators=[required(_l("Give your problem a title.")), Most(LONGEST_TITLE)],
    )
    summary = TextAreaField(
        _l("In a few sentences"),
        description=_l("Every expert may read title and sentences: nothing confidential, no names."),
        validators=[required(_l("Say in a few sentences what the problem is.")), Most(LONGEST_SUMMARY)],
    )
    details = TextAreaField(
        _l("The details"),
        description=_l("Only the experts you invite read them, with your company’s name."),
        validators=[Optional(), Most(LONGEST_DETAILS)],
    )


# Whole euros, or with one or two digits of cents: "1,234" would be a thousand to one and one euro to another.
_CENTS = re.compile(r"-?\d+(\.\d{1,2})?", re.ASCII)


class Euros(DecimalField):
    """An amount as people type it: a comma for the point, spaces between thousands."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read "1 234,50" as 1234.50; refuse "1,234" and "1e3", which could mean another amount."""
        plain = ["".join(text.replace(",", ".").split()) for text in valuelist]
        if any(text and not _CENTS.fullmatch(text) for text in plain):
            raise ValueError(_("Give an amount such as 1500 or 1500.50."))
        super().process_formdata(plain)


class ProposalForm(Form):
    """An expert's yes: offer and price, two or three slots, where one meets, and the three declarations."""

    price = Euros(
        _l("Your price for this session, excl. VAT, in euros"),
        places=2,
        validators=[
            InputRequired(_l("Give a price.")),
            NumberRange(LEAST_PRICE // 100, MOST_PRICE // 100, _l("Between 200 and 20,000 euros.")),
        ],
    )
    first = SelectField(_l("First slot"), validators=[DataRequired(_l("Choose a slot."))])
    second = SelectField(_l("Second slot"), validators=[DataRequired(_l("Choose a second slot."))])
    third = SelectField(_l("Third slot"), validators=[Optional()])
    place = StringField(_l("Where one meets"), validators=[required(_l("Say where one meets.")), Most(500)])
    words = TextAreaField(_l("A few words for them"), validators=[Optional(), Most(LONGEST_WORDS)])
    charter = BooleanField(
        _l("I keep to the charter: I tell how I unlocked it, what failed first included, and sell nothing.")
    )
    confidentiality = BooleanField(_l("What I read and hear stays between us."))
    conflict = BooleanField(_l("I work for none of the companies concerned and have not for six months."))

    @property
    def price_minor(self) -> int:
        """The price in cents."""
        return round((self.price.data or 0) * 100)

    @property
    def starts(self) -> list[datetime]:
        """The slots chosen."""
        given = (self.first.data, self.second.data, self.third.data)
        return [datetime.fromisoformat(one) for one in given if one]

    @property
    def accepted(self) -> list[str]:
        """The declarations ticked."""
        return [name for name in ("charter", "confidentiality", "conflict") if self[name].data]


class TakeForm(Form):
    """One slot of one proposal: "<proposal>/<start>"."""

    choice = RadioField(_l("Slot"), validators=[DataRequired(_l("Choose a slot."))], validate_choice=False)

    @property
    def chosen(self) -> tuple[uuid.UUID, datetime]:
        """The proposal and its start. Raises ValueError for what no page of ours sends."""
        proposal, _slash, start = (self.choice.data or "").partition("/")
        found = datetime.fromisoformat(start)
        if found.tzinfo is None:
            raise ValueError(start)
        return uuid.UUID(proposal), found

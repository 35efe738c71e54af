"""Forms of proving who one is: shape only. Each carries where to afterwards, and what waits to be sent."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired

from ..forms import Form, Most, password_field


class OnwardForm(Form):
    """Nothing to fill in: a button."""

    next = HiddenField(validators=[Most(2000)])
    again = HiddenField(validators=[Most(600_000)])


def _code_field(label: Any, missing: Any, most: int, **more: str) -> StringField:
    # Named so that it is never kept among what waits to be sent (web/again.py).
    return StringField(
        label,
        validators=[InputRequired(missing), Most(most)],
        render_kw={"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "none", **more},
    )


class ProveForm(OnwardForm):
    """Six digits, or a recovery code."""

    one_time_code = _code_field(_l("Code"), _l("Give the six digits, or a recovery code."), 60)


class ConfirmForm(OnwardForm):
    """The password again."""

    password = password_field(_l("Your password"), missing=_l("Give your password."))


class SetUpForm(OnwardForm):
    """The first code of the secret the page showed."""

    sealed = HiddenField(validators=[Most(500)])
    one_time_code = _code_field(
        _l("Code of the app"), _l("Give the six digits the app shows."), 20, inputmode="numeric"
    )

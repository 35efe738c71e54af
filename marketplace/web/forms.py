"""Forms check the shape of what arrives; the domain checks rules.

Each text passes `domain.words` on its way in, so no view sees a NUL, a lone surrogate or more than
its field takes; what is refused comes back as the field's own error, with what was typed kept.
"""

from __future__ import annotations

import secrets
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import request
from flask_babel import gettext, ngettext
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, StopValidation, ValidationError

from ..domain.errors import TextRefused
from ..domain.words import clean_line, clean_text

LINE = 200
TEXT = 5000
EMAIL = 254  # RFC 5321: a path is 256 octets with its angle brackets.
PASSWORD = 128


def form_token() -> str:
    """A fresh token for a form: the same form sent twice is one deed (history rows are unique by it)."""
    return secrets.token_urlsafe(16)


def posted_token() -> str:
    """The token of the form that was sent; a fresh one where it brought none."""
    return request.form.get("token", "")[:64] or form_token()


class Form(FlaskForm):
    """The base of all forms: CSRF by Flask-WTF, every text cleaned before its validators run."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Clean all texts, then validate; errors stand at the fields."""
        refused = {name: why for name, field in self._fields.items() if (why := _clean(field)) is not None}
        sound = bool(super().validate(extra_validators))
        for name, why in refused.items():
            self._fields[name].errors = [why]
        return sound and not refused


def _clean(field: Field) -> str | None:
    """Clean a text field in place; the sentence when it cannot be kept."""
    if isinstance(field, PasswordField) or not isinstance(field, StringField) or not field.data:
        return None
    most = most_characters(field)
    try:
        cleaner = clean_text if isinstance(field, TextAreaField) else clean_line
        field.data = cleaner(field.data, most)
    except TextRefused as refused:
        if refused.facts["why"] == "too_long":
            return too_long(most)
        field.data = "".join(c for c in field.data if c.isprintable() or c in "\n\t")
        return gettext("Some characters here cannot be kept: type them again.")
    return None


def most_characters(field: Field) -> int:
    """How many characters the field takes: what its validators say, else its kind's own limit."""
    said = [v.max for v in field.validators if isinstance(getattr(v, "max", None), int) and v.max > 0]
    return min(said) if said else (TEXT if isinstance(field, TextAreaField) else LINE)


def too_long(most: int) -> str:
    """The sentence for a text past its limit."""
    return ngettext("At most %(num)d character.", "At most %(num)d characters.", most)


class Most:
    """At most so many characters; also tells the browser."""

    def __init__(self, most: int) -> None:
        self.max = most
        self.field_flags = {"maxlength": most}

    def __call__(self, form: Any, field: Field) -> None:
        if field.data and len(field.data) > self.max:
            raise ValidationError(too_long(self.max))


def required(sentence: Any) -> InputRequired:
    """An answer is needed; the sentence says which."""
    return InputRequired(sentence)


def email_field(label: Any, *, missing: Any, description: Any = "") -> StringField:
    """An address, kept in lower case."""
    return StringField(
        label,
        description=description,
        filters=[lambda text: text.strip().lower() if isinstance(text, str) else text],
        validators=[InputRequired(missing), Most(EMAIL), an_address],
        render_kw={
            "type": "email",
            "autocomplete": "username",
            "spellcheck": "false",
            "autocapitalize": "none",
        },
    )


def an_address(form: Any, field: Field) -> None:
    """The address has the form of one; whether it exists, a mail will tell."""
    if not field.data:
        return
    try:
        # Demo and test addresses end in reserved names; refusing those is not this field's business.
        found = validate_email(field.data, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise StopValidation(gettext("This is not an address: it has the form name@company.com.")) from None
    if not found.ascii_domain or "." not in found.ascii_domain:
        raise StopValidation(gettext("This is not an address: it has the form name@company.com."))
    field.data = found.normalized.lower()


def password_field(label: Any, *, missing: Any, new: bool = False, description: Any = "") -> PasswordField:
    """A password: never trimmed, never changed; managers and pasting work."""
    return PasswordField(
        label,
        description=description,
        validators=[InputRequired(missing), Most(PASSWORD)],
        render_kw={"autocomplete": "new-password" if new else "current-password"},
    )


def choices_of(*pairs: tuple[str, Any]) -> list[SelectChoice]:
    """(value, words) pairs as a field of choices wants them."""
    return [SelectChoice(value, words) for value, words in pairs]

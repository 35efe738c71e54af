"""The account's forms: shape only."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, ValidationError

from ...domain.addresses import domain_of, is_free_mail
from ...domain.errors import FreeMailAddress
from ..forms import Form, Most, choices_of, email_field, password_field
from ..refusals import sentence

NAME = 120


class SignUpForm(Form):
    """No password yet: whoever opens the mail chooses it."""

    email = email_field(
        _l("Work address"),
        missing=_l("Give your work address."),
        description=_l("Your company’s, not a personal one."),
    )
    name = StringField(
        _l("First and last name"),
        validators=[InputRequired(_l("Give your name: experts read it.")), Most(NAME)],
        render_kw={"autocomplete": "name"},
    )
    company = StringField(
        _l("Company"),
        description=_l("Left empty, it is named after your address."),
        validators=[Most(NAME)],
        render_kw={"autocomplete": "organization"},
    )
    terms = BooleanField(
        _l("I accept the terms."), validators=[InputRequired(_l("Without the terms there is no account."))]
    )

    def validate_email(self, field: StringField) -> None:
        """Said with the rest, before anything else is right; the service says it again."""
        if field.data and is_free_mail(domain_of(field.data)):
            raise ValidationError(sentence(FreeMailAddress(domain=domain_of(field.data))))


class PasswordForm(Form):
    """A new password, once: managers fill it, and one can have it shown."""

    password = password_field(
        _l("Password"), missing=_l("Choose a password."), new=True,
        description=_l("A few words that have nothing to do with each other are long and easy to keep in mind."),
    )  # fmt: skip


class LogInForm(Form):
    """Address and password; where to afterwards, and what waits to be sent."""

    email = email_field(_l("Mail address"), missing=_l("Give your address."))
    password = password_field(_l("Password"), missing=_l("Give your password."))
    next = HiddenField(validators=[Most(2000)])
    again = HiddenField(validators=[Most(600_000)])


class ForgotForm(Form):
    """Where to mail the link."""

    email = email_field(_l("Mail address"), missing=_l("Give your address."))


class PreferencesForm(Form):
    """One's own name, the language of letters, the zone of times."""

    name = StringField(
        _l("First and last name"),
        validators=[InputRequired(_l("A name is needed here.")), Most(NAME)],
        render_kw={"autocomplete": "name"},
    )
    language = SelectField(
        _l("Language of our letters"), choices=choices_of(("fr", "français"), ("en", "English"))
    )
    zone = SelectField(_l("Time zone"), choices=[])


class AddressForm(Form):
    """Another address for the account; the password of whoever has one."""

    email = email_field(_l("New address"), missing=_l("Give the new address."))
    password = password_field(_l("Your password"), missing=_l("Give your password."))


class ChangePasswordForm(Form):
    """The password there is, and the one to come."""

    current = password_field(_l("Present password"), missing=_l("Give your present password."))
    password = password_field(
        _l("New password"), missing=_l("Choose a new password."), new=True,
        description=_l("A few words that have nothing to do with each other are long and easy to keep in mind."),
    )  # fmt: skip

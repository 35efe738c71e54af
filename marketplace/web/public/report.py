"""Anybody reports a text of ours (Regulation (EU) 2022/2065, art. 16): what, why, where, in good faith."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from ...domain.errors import NotFound, Refusal
from ...domain.moderation import LEAST_NOTICE, LONGEST_NOTICE, NAMELESS
from ...services import moderation
from ...storage.offers import Offer
from ..access import rule
from ..forms import EMAIL, Form, Most, an_address, choices_of, required
from ..house import house, real_now
from ..language import current_language
from ..refusals import sentence, status
from . import blueprint

# An offer's page, with the mark of one of its reviews or of its expert's profile.
_OFFER_PAGE = re.compile(r"^/(?:fr|en)/offers/([^/]+)/?$")
_REVIEW_MARK = re.compile(r"^review-([0-9a-f-]{36})$")
_OF_SOMEBODY = _l("Say who you are. Only who reports the abuse of a child may leave this out.")


class ReportForm(Form):
    """Who reports the abuse of a child need not say who they are; all others do."""

    where = StringField(
        _l("The page it stands on"), validators=[Most(500)],
        description=_l("The address of the page, as your browser shows it."),
        render_kw={"type": "url", "inputmode": "url", "spellcheck": "false"},
    )  # fmt: skip
    why = RadioField(
        _l("Why do you report it?"),
        choices=choices_of(
            ("untrue", _l("It is untrue or misleading")),
            ("not_held", _l("Its author did not hold the session")),
            ("insulting", _l("It insults or threatens")),
            ("private", _l("It gives away private or confidential information")),
            ("copied", _l("It is copied from somebody else")),
            ("unlawful", _l("It is against the law in another way")),
            ("child_abuse", _l("It is about the sexual abuse of a child")),
            ("other", _l("Something else")),
        ),
        validators=[InputRequired(_l("Choose what comes nearest."))],
    )
    text = TextAreaField(
        _l("What exactly, and why"),
        description=_l("Quote the words. A person reads this, and needs no more than you would."),
        validators=[
            InputRequired(_l("Say what exactly, in at least 20 characters.")),
            Length(LEAST_NOTICE, LONGEST_NOTICE, _l("Between 20 and 4,000 characters.")),
        ],
    )
    name = StringField(_l("Your name"), validators=[Most(120)], render_kw={"autocomplete": "name"})
    email = StringField(
        _l("Your mail address"), description=_l("The receipt and the outcome go there, and nothing else."),
        filters=[lambda text: text.strip().lower() if isinstance(text, str) else text],
        validators=[Most(EMAIL), an_address],
        render_kw={"type": "email", "autocomplete": "email", "spellcheck": "false", "autocapitalize": "none"},
    )  # fmt: skip
    good_faith = BooleanField(
        _l("I believe in good faith that what I say here is accurate and complete."),
        validators=[required(_l("Say that you report it in good faith."))],
    )

    def validate_name(self, field: StringField) -> None:
        _asked_of(self, field)

    def validate(self, extra_validators: Any = None) -> bool:
        """The address is optional by its own field; asked for by the reason."""
        sound = super().validate(extra_validators)
        if not self.email.data and self.why.data not in NAMELESS and not self.email.errors:
            self.email.errors = [str(_OF_SOMEBODY)]
            return False
        return sound


def _asked_of(form: ReportForm, field: StringField) -> None:
    if not (field.data or "").strip() and form.why.data not in NAMELESS:
        raise ValidationError(str(_OF_SOMEBODY))


@blueprint.route("/report", methods=["GET", "POST"])
@rule("public")
def report() -> Any:
    """The form, about the text one came from or the page whose address one gives."""
    form = ReportForm()
    thing = _thing(request.args.get("about", ""), request.args.get("id", ""))
    if thing is None and form.is_submitted():
        thing = _by_address(form)
    if thing is not None and thing.about != "review":
        form.why.choices = [choice for choice in form.why.choices or () if choice.value != "not_held"]
    me = g.get("me")
    if not form.is_submitted():
        form.name.data, form.email.data = (me.name, me.email) if me is not None else ("", "")
    if not form.validate_on_submit() or thing is None:
        if form.is_submitted() and thing is None:
            form.where.errors = [_("Give the address of an offer’s page on this site.")]
        return _shown(form, thing, 422 if form.is_submitted() else 200)
    try:
        given = moderation.give_notice(
            house().db, about=thing.about, subject_id=thing.id, why=form.why.data or "", text=form.text.data or "",
            name=form.name.data or "", email=form.email.data or "", language=current_language(),
            person_id=me.id if me is not None else None, address=request.remote_addr or "", real_now=real_now(),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _shown(form, thing, 422, sentence(refusal))
    if isinstance(given, Refusal):
        return _shown(form, thing, status(given), sentence(given))
    flash(
        _("We have your report, case %(number)s. The receipt is on its way to %(email)s.", number=given, email=form.email.data)
        if form.email.data
        else _("We have your report, case %(number)s.", number=given)
    )  # fmt: skip
    return redirect(url_for("public.offer", slug=thing.slug), 303)


def _shown(form: ReportForm, thing: moderation.Reported | None, code: int, error: str = "") -> Any:
    return render_template("public/report.html", form=form, thing=thing, error=error), code


def _thing(about: str, text: str) -> moderation.Reported | None:
    """The text of the address; None where the page was opened without one. NotFound for none of ours."""
    if not about and not text:
        return None
    try:
        subject_id = uuid.UUID(text)
    except ValueError:
        raise NotFound from None
    with house().db.reading() as session:
        return moderation.reportable(session, about, subject_id, house().clock())


def _by_address(form: ReportForm) -> moderation.Reported | None:
    try:
        parts = urlsplit(form.where.data or "")
        ours = parts.netloc in ("", request.host) and _OFFER_PAGE.match(parts.path)
    except ValueError:
        return None
    if not ours:
        return None
    mark = _REVIEW_MARK.match(parts.fragment)
    with house().db.reading() as session:
        offer = session.scalar(sa.select(Offer).where(Offer.slug == ours[1][:200]))
        try:
            if offer is None:
                return None
            if mark:
                return moderation.reportable(session, "review", uuid.UUID(mark[1]), house().clock())
            if parts.fragment == "who-head":
                return moderation.reportable(session, "profile", offer.expert_id, house().clock())
            return moderation.reportable(session, "offer", offer.id, house().clock())
        except (NotFound, ValueError):
            return None

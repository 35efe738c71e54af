"""A company's own pages: when an approver is asked, and who that is."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.validators import Optional

from ...domain.errors import ApprovalRuleWrong, ApproverStands, ApproverWrong
from ...services import approvals
from ..access import rule
from ..enquiries import Euros
from ..forms import Form, choices_of, email_field
from ..house import house, real_now
from ..language import current_zone_name
from ..refusals import sentence
from . import blueprint


class IfGiven(Optional):
    """May stay empty, without being called optional: one of the choices needs it."""

    def __init__(self) -> None:
        super().__init__()
        self.field_flags: dict[str, bool] = {}


class RuleForm(Form):
    """When an approver is asked."""

    kind = RadioField(
        _l("When does somebody have to approve a session?"),
        choices=choices_of(
            ("none", _l("Never: project leads pay on their own")),
            ("above", _l("Above an amount")),
            ("always", _l("Always")),
        ),
    )
    above = Euros(_l("Amount with VAT, in euros"), validators=[IfGiven()])

    @property
    def above_minor(self) -> int | None:
        """The amount in cents."""
        amount = self.above.data
        return round(amount * 100) if amount is not None and amount.is_finite() else None


class InvitationForm(Form):
    """Whom to invite."""

    email = email_field(_l("Their work address"), missing=_l("Give the address of whoever approves."))


@blueprint.get("/company")
@rule("company.approvals")
def company() -> Any:
    """The rule, the approver, and the open invitation."""
    return _page()


@blueprint.post("/company/rule")
@rule("company.approvals")
def approval_rule() -> Any:
    """Keep the rule."""
    form = RuleForm()
    if not form.validate():
        return _page(rule_form=form)
    try:
        approvals.set_rule(house().db, g.actor, kind=form.kind.data, above_minor=form.above_minor)
    except ApprovalRuleWrong as refusal:
        form.above.errors = [sentence(refusal)]
        return _page(rule_form=form)
    flash(_("The rule is kept. It holds from now on."))
    return redirect(url_for("buyer.company"), 303)


@blueprint.post("/company/invitation")
@rule("company.approvals")
def invite_approver() -> Any:
    """Invite the approver; the mail goes out at once."""
    form = InvitationForm()
    if not form.validate():
        return _page(form=form)
    try:
        refused = approvals.invite_approver(
            house().db, g.actor, email=form.email.data or "", real_now=real_now()
        )
    except (ApproverWrong, ApproverStands) as refusal:
        form.email.errors = [sentence(refusal)]
        return _page(form=form)
    if refused is not None:
        raise refused
    flash(_("The invitation is on its way to %(email)s.", email=form.email.data))
    return redirect(url_for("buyer.company"), 303)


@blueprint.post("/company/invitation/cancel")
@rule("company.approvals")
def cancel_invitation() -> Any:
    """Take the invitation back."""
    approvals.cancel_invitation(house().db, g.actor)
    flash(_("The invitation is taken back: its link no longer works."))
    return redirect(url_for("buyer.company"), 303)


@blueprint.post("/company/approvers/<uuid:person_id>/remove")
@rule("company.approvals")
def remove_approver(person_id: uuid.UUID) -> Any:
    """Somebody no longer approves."""
    approvals.remove_approver(house().db, g.actor, person_id=person_id)
    return redirect(url_for("buyer.company"), 303)


def _page(rule_form: RuleForm | None = None, form: InvitationForm | None = None) -> Any:
    with house().db.reading() as session:
        found = approvals.approvals_of(session, g.actor)
    bad = bool((rule_form and rule_form.errors) or (form and form.errors))
    kept = found.rule
    above = Decimal(kept.above_minor) / 100 if kept and kept.above_minor else None
    # A form that was refused shows what was typed; the other one what is kept.
    known = {"kind": kept.kind if kept else "none", "above": above}
    return render_template(
        "buyer/company.html", found=found, now=house().clock(), zone=current_zone_name(),
        rule_form=rule_form or RuleForm(formdata=None, data=known),
        form=form or InvitationForm(formdata=None),
    ), 422 if bad else 200  # fmt: skip

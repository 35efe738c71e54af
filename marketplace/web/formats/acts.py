"""What the journal's acts are called, in the order of its filter. A test holds the list to what the code writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import gettext as _

ACTS: Mapping[str, Callable[[], str]] = {
    "log_in": lambda: _("Signed in"),
    "log_in.refused": lambda: _("Sign-in refused"),
    "log_in.suspended": lambda: _("Sign-in refused: suspended"),
    "log_in.ended": lambda: _("A log-in ended"),
    "log_in.ended_others": lambda: _("All other log-ins ended"),
    "log_out": lambda: _("Signed out"),
    "sign_up": lambda: _("Account opened"),
    "address.verified": lambda: _("Address proven"),
    "address.asked": lambda: _("Another address asked for"),
    "address.changed": lambda: _("Address changed"),
    "address.forgotten": lambda: _("Change of address given up"),
    "address.kept": lambda: _("“It was not me”: address kept"),
    "password.changed": lambda: _("Password changed"),
    "password.reset": lambda: _("Password chosen anew by mail"),
    "password.proved": lambda: _("Confirmed by password"),
    "password.refused": lambda: _("Wrong password while confirming"),
    "factor.set": lambda: _("Second factor set up"),
    "factor.replaced": lambda: _("Second factor replaced"),
    "factor.removed": lambda: _("Second factor removed"),
    "factor.codes": lambda: _("New recovery codes"),
    "factor.proved": lambda: _("Second factor proved"),
    "factor.refused": lambda: _("Wrong code"),
    "factor.recovered": lambda: _("Recovery code used"),
    "factor.reset": lambda: _("Second factor taken away on the server"),
    "export": lambda: _("Data taken out"),
    "company.billing": lambda: _("Billing details changed"),
    "company.approvals": lambda: _("Rule on approvals changed"),
    "approver.invited": lambda: _("Approver invited"),
    "approver.joined": lambda: _("Became an approver"),
    "approver.removed": lambda: _("No longer an approver"),
    "expert.began": lambda: _("Application begun"),
    "expert.submitted": lambda: _("Application submitted"),
    "expert.withdrew": lambda: _("Submission taken back"),
    "profile.submitted": lambda: _("Profile submitted"),
    "hours.changed": lambda: _("Hours changed"),
    "offer.hidden": lambda: _("Offer hidden"),
    "offer.restored": lambda: _("Offer shown again"),
    "review.hidden": lambda: _("Review hidden"),
    "review.restored": lambda: _("Review shown again"),
    "person.suspended": lambda: _("Person suspended"),
    "person.restored": lambda: _("Suspension ended"),
    "operator.first": lambda: _("First operator made on the server"),
    "operator.granted": lambda: _("Made an operator"),
    "operator.revoked": lambda: _("No longer an operator"),
    "booking.cancel": lambda: _("Booking cancelled by operators"),
    "booking.stop": lambda: _("Booking stopped by operators"),
    "case.claimed": lambda: _("Case taken"),
    "case.released": lambda: _("Case left to all"),
    "case.snoozed": lambda: _("Case put aside"),
    "case.woken": lambda: _("Case taken up again"),
    "case.approve": lambda: _("Case decided: approved"),
    "case.changes": lambda: _("Case decided: changes asked"),
    "case.refuse": lambda: _("Case decided: refused"),
    "case.keep": lambda: _("Case decided: text kept"),
    "case.hide": lambda: _("Case decided: text hidden"),
    "case.undone": lambda: _("Decision taken back"),
    "synonyms.added": lambda: _("Synonyms added"),
    "synonyms.changed": lambda: _("Synonyms changed"),
    "synonyms.removed": lambda: _("Synonyms removed"),
}


def act_words(act: str) -> str:
    """An act in words; one we have no words for stands as it is."""
    return ACTS[act]() if act in ACTS else act

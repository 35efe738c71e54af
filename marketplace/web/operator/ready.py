"""Ready sentences for a decision, two or three of each, in the language of whoever reads them.

Chosen beside the text: a script writes the sentence into it, and without one a text left empty sends the one chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask_babel import force_locale
from flask_babel import gettext as _

Sentences = Sequence[tuple[str, str]]

_WORDS: Mapping[str, Callable[[], str]] = {
    "only_these": lambda: _("Almost everything is there: only what is written at the fields is missing."),
    "submit_again": lambda: _("Change what is written at the fields and submit again; the rest stays as it is."),
    "not_shown": lambda: _("What you tell does not show yet that you solved this problem yourself."),
    "not_yours": lambda: _("We could not confirm that the company number is yours."),
    "second_account": lambda: _("You already have an account here: each person keeps one."),
    "way_around": lambda: _("The text gives a way to reach you outside the site, which our terms do not allow."),
    "not_confirmed": lambda: _("What is new in it could not be confirmed."),
    "elsewhere": lambda: _("The story stands almost word for word in another text."),
    "nothing_against": lambda: _("We read the text and our records: nothing in it goes against our terms or the law."),
    "was_held": lambda: _("Our records confirm that its author held this session."),
    "an_opinion": lambda: _("It is an opinion about a session its author lived through; it may be harsh."),
    "show_more": lambda: _("What you describe could not be confirmed; write to us if you can show more."),
    "copied": lambda: _("The text repeats almost word for word what somebody else published before."),
    "names": lambda: _("The text names people or companies who did not agree to it."),
    "not_as_recorded": lambda: _("What the text says is not what our records show."),
    "not_held": lambda: _("Our records show no session that you took part in."),
    "in_confidence": lambda: _("The review gives away what was said in confidence."),
    "insults": lambda: _("The review insults a person instead of telling about the session."),
    "profile_untrue": lambda: _("What your profile says about you could not be confirmed."),
    "outside": lambda: _("You asked clients to pay outside the site, after a warning."),
    "not_you": lambda: _("Somebody other than you uses the account."),
    "does_not_hold": lambda: _("We looked at it again: the reason given does not hold."),
    "changed": lambda: _("What had to be changed has been changed."),
}  # fmt: skip
_CHANGES = ("only_these", "submit_again")
_OFFER = {"changes": _CHANGES, "refuse": ("way_around", "elsewhere", "not_shown")}
_BACK = ("does_not_hold", "changed")
# By what a case is (services/moderation/reading.py) or a deed of the desk does (operator/restrict.html), then by decision.
_OFFERED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "expert": {"changes": _CHANGES, "refuse": ("not_shown", "not_yours", "second_account")},
    "profile": {"changes": _CHANGES, "refuse": ("way_around", "not_confirmed")},
    "offer_new": _OFFER,
    "offer_changed": _OFFER,
    "report_offer": {"keep": ("nothing_against", "show_more"), "hide": ("copied", "names", "not_as_recorded")},
    "report_review": {"keep": ("was_held", "an_opinion"), "hide": ("not_held", "in_confidence", "insults")},
    "report_profile": {"keep": ("nothing_against", "show_more"), "hide": ("profile_untrue", "outside", "not_you")},
    "offer_hide": {"": ("copied", "names", "not_as_recorded")},
    "review_hide": {"": ("not_held", "in_confidence", "insults")},
    "person_suspend": {"": ("profile_untrue", "outside", "not_you")},
    "offer_restore": {"": _BACK},
    "review_restore": {"": _BACK},
    "person_restore": {"": _BACK},
}  # fmt: skip


def sentences(kind: str, decision: str, language: str) -> Sentences:
    """(code, sentence) for this decision on this kind of thing, as its receiver reads it."""
    with force_locale(language):
        return [(code, _WORDS[code]()) for code in _OFFERED.get(kind, {}).get(decision, ())]


def said(typed: str, code: str, offered: Sentences) -> str:
    """The text as typed; where it was left empty, the sentence chosen."""
    return typed if typed.strip() else dict(offered).get(code, "")

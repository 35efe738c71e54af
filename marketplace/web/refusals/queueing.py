"""Refusals around places in the queue and times that a buyer proposes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from ...domain import errors
from ...domain.errors import Refusal
from ..formats.times import moment
from ..language import current_zone_name

Facts = Mapping[str, Any]


def _dates(facts: Facts) -> str:
    if facts["why"] == "order":
        return _("The last day comes before the first.")
    if facts["why"] == "past":
        return _("These days are over.")
    if facts["why"] == "far":
        return ngettext("At most %(num)d day ahead.", "At most %(num)d days ahead.", facts["days"])
    return _("A slot is free already: no need to wait.")


def _times(facts: Facts) -> str:
    zone = current_zone_name()
    if facts["why"] == "number":
        return _("Propose three different times.")
    if facts["why"] == "quarter":
        return _("Times begin on the quarter of an hour.")
    if facts["why"] == "early":
        return _(
            "From %(when)s on: the expert needs time to answer and to prepare.",
            when=moment(facts["earliest"], zone),
        )
    if facts["why"] == "late":
        return ngettext("At most %(num)d day ahead.", "At most %(num)d days ahead.", facts["days"])
    return _("A few words are needed.")


def _refused(facts: Facts) -> str:
    why = facts["why"]
    if why == "over":
        return _("This has been answered, withdrawn, or is over.")
    if why == "twice":
        return _("You wait for this session already.")
    if why == "many_places":
        return ngettext(
            "You wait in %(num)d place: leave it first.",
            "You wait in %(num)d places: leave one first.",
            facts["limit"],
        )
    if why == "many_asked":
        return ngettext(
            "You have proposed times to %(num)d expert: wait for the answer, or withdraw them.",
            "You have proposed times to %(num)d experts: wait for an answer, or withdraw some.",
            facts["limit"],
        )
    return _dates(facts) if why in ("order", "past", "far", "free") and "at" not in facts else _times(facts)


SENTENCES: Mapping[type[Refusal], Callable[[Facts], str]] = {errors.QueueRefused: _refused}
STATUSES: Mapping[type[Refusal], int] = {}

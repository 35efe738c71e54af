"""How amounts, times, places and names are written in each language, to the exact space.

French: a narrow no-break space (U+202F) in 1 200, before % and €, in 14 h 00 and 3 h 30; « 1er » raised.
English: €1,100, 14:00. Amounts are integer minor units, instants aware UTC; a zone is an IANA name, the
reader's own where none is given. What the words cannot say without ambiguity (a time) always has its
zone beside it: that is the caller's duty, `zone_hour` gives the words.
"""

from __future__ import annotations

from flask import Flask
from lucide.jinja import lucide

from .. import assets, highlight, rulers
from ..house import house
from .acts import act_words
from .amounts import decimal, money, money_bare, money_round, number, percent, rate
from .asks import account_asks
from .chargebacks import chargeback_reason, chargeback_state, evidence_field, evidence_refused
from .codes import call_state, ledger_words, payment_state, reason_words, transfer_why
from .ledger import account_words, class_words, finding_words, group_sentence, group_why, payout_state
from .offers import lost_words, notice_words, offer_field, offer_value, policy_name
from .places import (
    country_name,
    format_name,
    in_languages,
    language_name,
    languages,
    listed,
    same_hours,
    session_words,
    zone_hour,
    zone_name,
    zone_offset,
)
from .speech import lang
from .times import (
    clock_hour,
    clock_pair,
    clock_time,
    date_long,
    day,
    day_clock,
    day_long,
    day_month,
    day_short,
    days_count,
    duration,
    elapsed,
    hours,
    iso,
    minutes_left,
    moment,
    moment_day,
    moment_short,
    month,
    session_length,
    span,
    strong_moment,
    time_left,
    week_span,
    weekday_name,
    weekday_short,
)
from .words import (
    attribute,
    capitalize_first,
    first_name,
    initials,
    marked,
    paragraphs,
    usefulness_words,
)

# What views need besides templates; the rest is reached as filters.
__all__ = [
    "FILTERS",
    "clock_time",
    "day",
    "day_long",
    "install",
    "lang",
    "moment",
    "money",
    "money_round",
    "span",
    "zone_hour",
    "zone_name",
]

FILTERS = {
    f.__name__: f
    for f in (
        money,
        money_round,
        money_bare,
        number,
        decimal,
        percent,
        rate,
        day,
        day_short,
        day_month,
        day_long,
        date_long,
        month,
        weekday_short,
        weekday_name,
        week_span,
        clock_time,
        span,
        moment,
        strong_moment,
        clock_pair,
        clock_hour,
        day_clock,
        moment_short,
        moment_day,
        duration,
        elapsed,
        hours,
        minutes_left,
        time_left,
        days_count,
        iso,
        session_length,
        zone_name,
        zone_hour,
        zone_offset,
        same_hours,
        country_name,
        language_name,
        languages,
        in_languages,
        listed,
        format_name,
        session_words,
        usefulness_words,
        first_name,
        initials,
        paragraphs,
        marked,
        capitalize_first,
        attribute,
        account_asks,
        reason_words,
        payment_state,
        call_state,
        transfer_why,
        ledger_words,
        account_words,
        class_words,
        finding_words,
        group_sentence,
        group_why,
        payout_state,
        act_words,
        chargeback_state,
        chargeback_reason,
        evidence_field,
        evidence_refused,
        lost_words,
        offer_field,
        offer_value,
        policy_name,
        notice_words,
        lost_words,
        highlight.mark_for,
        highlight.mark_sentence,
        highlight.mark_end,
    )
}


def install(app: Flask) -> None:
    """Register every filter of this module, the rulers' geometry and the addresses of the assets."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(
        timebar_view=rulers.timebar,
        days_view=rulers.days,
        refund_view=rulers.refund,
        minibar_view=rulers.minibar,
        price_view=rulers.prices,
        parts_of=rulers.parts_of,
    )
    app.jinja_env.globals["settings"] = lambda: house().config
    app.jinja_env.globals["lucide"] = lucide
    assets.install(app)

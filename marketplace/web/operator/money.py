"""The money desk: what is stuck, owed, late or refused, each number with its list; and what the books last said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template, request, url_for

from ...domain.errors import NotFound
from ...domain.months import month_of
from ...domain.pricing import fees_at
from ...services import ledger, platform_payouts
from ...services.chargebacks import chargeback_counts
from ...services.moderation import money_desk
from ...services.payments.refused import refused_events
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..house import house
from ..language import current_zone_name
from . import blueprint

# Of messages that were not believed.
REFUSED_SINCE = timedelta(days=30)
STANDS = ("provider_balance", "held", "payable", "owed", "receivable", "expert_receivable", "in_dispute")


@blueprint.get("/money", endpoint="money")
@rule("operator.ledger")
def money_page() -> str:
    """All numbers at once; a fixed number of statements, whatever the data."""
    now, config = house().clock(), house().config
    with house().db.reading() as session:
        run = ledger.last_check(session)
        sums = {one.name: one.closing for one in ledger.month_by_class(session, month_of(now))}
        refused = refused_events(session, since=(now - REFUSED_SINCE).date())
        return render_template(
            "operator/money.html", numbers=money_desk.numbers(session, now), run=run,
            findings=ledger.findings_of(run) if run else [], stands=[(name, sums.get(name, 0)) for name in STANDS],
            contested=chargeback_counts(session), refused=sum(one.number for one in refused),
            payouts=platform_payouts.recent(session)[:1], applies=fees_at(now, config.fees), fees=config.fees,
            platform=config, now=now, zone=current_zone_name(), wrong_schedule=run is not None and ledger.wrong_schedule(run),
        )  # fmt: skip


@blueprint.get("/money/refused-events")
@rule("operator.ledger")
def money_refused() -> str:
    """Messages that were not believed, by day and reason: ten rows a day at most."""
    now = house().clock()
    with house().db.reading() as session:
        rows = refused_events(session, since=(now - REFUSED_SINCE).date())
    return render_template("operator/money_refused.html", rows=rows, zone=current_zone_name())


@blueprint.get("/money/<any(calls, differs, refunds, waiting, transfers, old, owing):stuck>")
@rule("operator.ledger")
def money_list(stuck: str) -> Any:
    """What one of the numbers counts, the oldest first."""
    if stuck not in money_desk.KINDS:
        raise NotFound
    now = house().clock()
    with house().db.reading() as session:
        found = money_desk.listed(session, stuck, now, read_cursor(request.args.get("after")))
    after = write_cursor(found.after) if found.after else None
    return render_template(
        "operator/money_list.html", kind=stuck, listed=found, now=now, zone=current_zone_name(),
        next_url=url_for("operator.money_list", stuck=stuck, after=after) if after else None,
    )  # fmt: skip

"""The table of synonyms: what means the same to the search. Each change takes effect at once, with its reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import NotFound, ReasonMissing, Refusal
from ...services.search import progress_of
from ...services.search import synonyms as table
from ..access import rule
from ..house import house
from ..refusals import sentence, status
from . import blueprint


@blueprint.get("/synonyms", endpoint="synonyms")
@rule("operator.search")
def synonyms_list() -> Any:
    """All groups by their first term, and the form for a new one; how far the vectors are."""
    return _list({})


@blueprint.post("/synonyms")
@rule("operator.search")
def add_synonyms() -> Any:
    """A new group."""
    words = {name: request.form.get(name, "") for name in ("terms", "reason")}
    return _act(
        lambda: table.add_group(house().db, g.actor, **words), _("The group is added. The search knows it."), _list
    )  # fmt: skip


@blueprint.route("/synonyms/<uuid:group_id>", methods=["GET", "POST"])
@rule("operator.search")
def synonym_group(group_id: uuid.UUID) -> Any:
    """One group: its terms to change."""
    if request.method == "GET":
        return _group(group_id, {})
    words = {name: request.form.get(name, "") for name in ("terms", "reason")}
    return _act(
        lambda: table.change_group(house().db, g.actor, group_id=group_id, **words),
        _("The group is changed. The search knows it."), lambda errors: _group(group_id, errors),
    )  # fmt: skip


@blueprint.post("/synonyms/<uuid:group_id>/remove")
@rule("operator.search")
def remove_synonyms(group_id: uuid.UUID) -> Any:
    """Take a group away."""
    return _act(
        lambda: table.remove_group(house().db, g.actor, group_id=group_id, reason=request.form.get("reason", "")),
        _("The group is removed."), lambda errors: _group(group_id, errors, removing=True),
    )  # fmt: skip


def _act(act: Callable[[], object], done: str, page: Callable[[dict[str, str]], Any]) -> Any:
    """Do it; a refusal comes back on the page, at its field, with what was typed."""
    try:
        act()
    except NotFound:
        raise
    except Refusal as refusal:
        field = "reason" if isinstance(refusal, ReasonMissing) else "terms"
        return page({field: sentence(refusal)}), status(refusal)
    flash(done)
    return redirect(url_for("operator.synonyms"), 303)


def _list(errors: dict[str, str]) -> str:
    text = request.args.get("q", "")[:100]
    with house().db.reading() as session:
        listed = table.list_groups(session, text, _id(request.args.get("after", "")))
    next_url = url_for("operator.synonyms", q=text or None, after=listed.after) if listed.after else None
    return render_template(
        "operator/synonyms.html", listed=listed, text=text, next_url=next_url, errors=errors, typed=request.form,
        most=table.LONGEST_REASON, encodings=progress_of(house().db),
    )  # fmt: skip


def _group(group_id: uuid.UUID, errors: dict[str, str], *, removing: bool = False) -> str:
    with house().db.reading() as session:
        group = table.group_of(session, group_id)
        return render_template(
            "operator/synonym_group.html", group=group, errors=errors, typed=request.form, removing=removing,
            most=table.LONGEST_REASON,
        )  # fmt: skip


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

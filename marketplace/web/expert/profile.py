"""Identity and profile: two pages of one draft, saved as one writes; an admitted expert's changes go the same way."""

from __future__ import annotations

from typing import Any

from flask import flash, g, jsonify, redirect, render_template, request, url_for

from ...domain.companies import COUNTRIES
from ...domain.errors import DraftIncomplete, NotFound, PhotoRefused, Refusal
from ...domain.profiles import BIO_WORDS, IDENTITY, LISTS, PROFILE, SPOKEN, grounds_for
from ...services import experts, files
from ...services.moderation.waiting import last_decision, place_in_queue
from ..access import rule
from ..formats.places import country_name, language_name
from ..house import house, real_now
from ..language import current_zone_name
from ..refusals import sentence
from . import blueprint

PAGES = {"identity": IDENTITY, "profile": PROFILE}


@blueprint.route("/identity", methods=["GET", "POST"])
@rule("expert.apply")
def identity() -> Any:
    """Who one is for the law and the tax office."""
    return _part("identity")


@blueprint.route("/profile", methods=["GET", "POST"])
@rule("expert.apply")
def profile() -> Any:
    """What buyers read; for who is admitted also where its changes stand."""
    return _part("profile")


def _part(page: str) -> Any:
    if request.method == "GET":
        return _show(page)
    quiet = request.headers.get("X-Autosave") == "1"
    try:
        saved = experts.save_profile(
            house().db, g.actor, fields=_fields(page), revision=request.form.get("revision", type=int)
        )
    except NotFound:
        raise
    except Refusal as refusal:
        if quiet:
            return jsonify(error=sentence(refusal)), 422
        at = refusal.facts.get("field", "")
        return _show(page, errors={at: sentence(refusal)}, typed=_fields(page))
    if quiet:
        return jsonify(revision=saved.revision, saved_at=saved.saved_at.isoformat())
    wrong = experts.problems(saved.content, page)
    if wrong and "later" not in request.form:
        return _show(page, errors={name: sentence(refusal) for name, refusal in wrong.items()})
    return redirect(url_for("expert.application" if g.actor.applying else "expert.profile"), 303)


def _fields(page: str) -> dict[str, Any]:
    """The page's fields as they were sent; a choice nobody made is as telling as one made."""
    form = request.form
    found: dict[str, Any] = {}
    for name in PAGES[page]:
        if name == "conflicts":
            found[name] = form.get(name, "").splitlines()
        elif name in LISTS:
            found[name] = form.getlist(name)
        elif name == "standing":
            found[name] = name in form
        elif name != "photo_id":
            found[name] = form.get(name, "")
    return found


def _show(
    page: str, *, errors: dict[str, str] | None = None, typed: dict[str, Any] | None = None, photo: str = ""
) -> Any:
    with house().db.reading() as session:
        draft = experts.profile_of(session, g.actor.expert_id)
        diff = experts.profile_diff(session, g.actor.expert_id) if not g.actor.applying else []
        waiting = place_in_queue(session, g.actor.expert_id)
        decided = last_decision(session, g.actor.expert_id)
    if errors is None:
        # On opening, what was never answered is no mistake yet.
        found = experts.problems(draft.content, page)
        errors = {name: sentence(wrong) for name, wrong in found.items() if draft.content[name]}
        refused = bool(photo)
    else:
        refused = True
    answer = render_template(
        f"expert/application/{page}.html", page=page, draft=draft, content=draft.content | (typed or {}),
        errors=errors | ({"photo": photo} if photo else {}), refused=refused, notes=experts.notes_of(draft),
        diff=diff, waiting=waiting, decided=decided, zone=current_zone_name(), words=BIO_WORDS, **_choices(),
    )  # fmt: skip
    return answer, 422 if refused else 200


def _choices() -> dict[str, Any]:
    return {
        "countries": sorted(((code, country_name(code)) for code in COUNTRIES), key=lambda pair: pair[1]),
        "spoken": [(code, language_name(code)) for code in SPOKEN],
        # All of them: whoever changes country chooses country and ground in one go.
        "grounds": grounds_for(""),
    }


@blueprint.post("/profile/submit")
@rule("expert.apply")
def profile_submit() -> Any:
    """Changes of an admitted expert to the operators' queue; what is approved stays public meanwhile."""
    try:
        experts.submit_profile(house().db, g.actor)
    except DraftIncomplete as incomplete:
        page = "identity" if set(incomplete.facts["missing"]) & set(IDENTITY) else "profile"
        flash(sentence(incomplete), "error")
        return redirect(url_for(f"expert.{page}"), 303)
    return redirect(url_for("expert.profile"), 303)


@blueprint.post("/profile/photo")
@rule("expert.apply")
def photo() -> Any:
    """A photograph, re-made by us before it is kept; or none any more."""
    if "remove" in request.form:
        files.drop_photo(house().db, g.actor)
        return redirect(url_for("expert.profile"), 303)
    given = request.files.get("photo")
    upload = given.stream.read(files.MOST_BYTES + 1) if given else b""
    try:
        slow_down = files.give_photo(house().db, g.actor, upload=upload, real_now=real_now())
    except PhotoRefused as refusal:
        return _show("profile", photo=sentence(refusal))
    if slow_down is not None:
        raise slow_down
    return redirect(url_for("expert.profile") + "#photo", 303)

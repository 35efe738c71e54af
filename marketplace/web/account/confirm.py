"""Proving who one is: the second factor after the password, and once more before what needs it fresh."""

from __future__ import annotations

from typing import Any

from flask import g, make_response, render_template, request
from flask_wtf import FlaskForm

from ...domain.errors import Refusal, TooManyTries
from ...services import people
from ...services.people import factors
from ..access import open_while, rule
from ..gate import keep_in, let_in
from ..house import house, real_now
from ..refusals import sentence, status
from . import blueprint
from .log_in import go_on
from .proof_forms import ConfirmForm, OnwardForm, ProveForm


@blueprint.route("/prove", methods=["GET", "POST"])
@rule("account.own")
@open_while("prove")
def prove() -> Any:
    """The second step of a log-in: the authenticator's code, or a recovery code."""
    form = ProveForm()
    if request.method == "GET" or "one_time_code" not in request.form:
        return _page("account/prove.html", _carrying(form))
    if not form.validate():
        return _page("account/prove.html", form, 422)
    found = _prove(form.one_time_code.data or "")
    if not isinstance(found, people.SignedIn):
        return _refused("account/prove.html", form, found)
    return let_in(found, lambda: go_on(found, form.next.data, form.again.data))


@blueprint.route("/confirm", methods=["GET", "POST"])
@rule("account.own")
@open_while("set_up")
def confirm() -> Any:
    """Once more that it is them: by the second factor, else the password; in the demo a button may do."""
    how = _how()
    form: Any = {"code": ProveForm, "password": ConfirmForm, "button": OnwardForm}[how]()
    if request.method == "GET" or "how" not in request.form:
        return _page("account/confirm.html", _carrying(form), how=how)
    if not form.validate():
        return _page("account/confirm.html", form, 422, how=how)
    if how == "code":
        found = _prove(form.one_time_code.data or "")
    else:
        found = factors.confirm_password(
            house().db, person_id=g.me.id, log_in_id=g.log_in.id, address=request.remote_addr or "",
            password=form.password.data if how == "password" else "", real_now=real_now(),
        )  # fmt: skip
    if not isinstance(found, people.SignedIn):
        return _refused("account/confirm.html", form, found, how=how)
    return keep_in(found, lambda: go_on(found, form.next.data, form.again.data))


def _how() -> str:
    with house().db.reading() as session:
        if factors.standing_factor(session, g.me.id) is not None:
            return "code"
    return "button" if g.me.demo and g.me.password_hash is None else "password"


def _prove(code: str) -> people.SignedIn | Refusal:
    return factors.prove_factor(
        house().db, person_id=g.me.id, log_in_id=g.log_in.id, code=code, key=house().config.secret_key,
        address=request.remote_addr or "", real_now=real_now(),
    )  # fmt: skip


def _carrying(form: Any) -> Any:
    """Where one was going and what waits to be sent, from the page that led here."""
    if request.method == "GET":
        form.next.data = request.args.get("next", "")
    return form


def _refused(template: str, form: FlaskForm, refusal: Refusal, **more: Any) -> Any:
    answer = make_response(*_page(template, form, status(refusal), said=sentence(refusal), **more))
    if isinstance(refusal, TooManyTries):
        wait = (refusal.facts["until"] - real_now()).total_seconds()
        answer.headers["Retry-After"] = str(max(1, int(wait) + 1))
    return answer


def _page(template: str, form: Any, code: int = 200, *, said: str = "", **more: Any) -> tuple[str, int]:
    return render_template(template, form=form, said=said, **more), code

"""Signing in and out. Where one was going, and what one had written, wait meanwhile."""

from __future__ import annotations

from typing import Any

from flask import g, make_response, redirect, render_template, request, url_for

from ...domain.errors import TooManyTries
from ...services import people
from .. import again
from ..access import rule
from ..errors import STEPS
from ..gate import let_in, let_out, safe_next
from ..house import house, real_now
from ..refusals import sentence, status
from . import blueprint
from .forms import LogInForm


def home_of(language: str) -> str:
    """Where somebody starts who was going nowhere in particular: with what is still due, first."""
    if g.due is not None:
        return url_for(STEPS[g.due], lang=language)
    for role, endpoint in (
        ("operator", "operator.queue"),
        ("expert", "expert.home"),
        ("applicant", "expert.application"),
        ("lead", "buyer.bookings"),
        ("approver", "buyer.approvals"),
    ):
        if role in g.roles:
            return url_for(endpoint, lang=language)
    return url_for("public.home", lang=language)


@blueprint.route("/log-in", methods=["GET", "POST"])
@rule("public")
def log_in() -> Any:
    """Address and password. Reached with `again`, it keeps what was typed until one is in."""
    form = LogInForm()
    if request.method == "GET":
        if g.due is not None:
            return redirect(url_for(STEPS[g.due], next=safe_next(request.args.get("next"))), 303)
        if g.me is not None:
            return redirect(safe_next(request.args.get("next")) or home_of(g.me.language), 303)
        form.next.data = safe_next(request.args.get("next")) or ""
        return _page(form)
    if "email" not in request.form:  # From the page that says "sign in first": nothing is wrong yet.
        return _page(form)
    if not form.validate():
        return _page(form, 422)
    found = people.log_in(
        house().db, email=form.email.data or "", password=form.password.data or "",
        address=request.remote_addr or "", user_agent=request.user_agent.string, real_now=real_now(),
    )  # fmt: skip
    if not isinstance(found, people.SignedIn):
        answer = make_response(*_page(form, status(found), said=sentence(found)))
        if isinstance(found, TooManyTries):
            wait = (found.facts["until"] - real_now()).total_seconds()
            answer.headers["Retry-After"] = str(max(1, int(wait) + 1))
        return answer
    return let_in(found, lambda: go_on(found, form.next.data, form.again.data))


def go_on(login: people.SignedIn, towards: str | None, kept: str | None) -> Any:
    """After a log-in or a proof: what was typed, to be sent; else where one was going; else home.

    While a proof is due, all of it waits for that.
    """
    typed = again.unpack(kept) if kept else None
    if g.due is not None and typed is not None:
        return render_template("errors/prove.html", step=g.due, endpoint=STEPS[g.due], kept=kept, back=None)
    if g.due is not None:
        return redirect(url_for(STEPS[g.due], lang=login.language, next=safe_next(towards)), 303)
    if typed is not None:
        return render_template("account/send_again.html", typed=typed)
    return redirect(safe_next(towards) or home_of(login.language), 303)


@blueprint.post("/log-out")
@rule("public")
def log_out() -> Any:
    """Sign out of this browser."""
    return let_out(redirect(url_for("public.home"), 303))


def _page(form: LogInForm, code: int = 200, *, said: str = "") -> tuple[str, int]:
    return render_template("account/log_in.html", form=form, said=said), code

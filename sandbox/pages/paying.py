"""The pages that a buyer or an expert is led to: pay, confirm, send a bank transfer, sign up, look."""

from __future__ import annotations

from typing import cast

from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from .. import accounts, bank, checkout
from ..store import Books
from .view import View, must

MOST_TOO_MUCH = 10_000  # Minor units beyond what is asked.


def checkout_page(view: View, request: Request, id: str) -> Response:
    """Pay, or see the card declined."""
    with view.books() as books:
        session = must(books, "checkout.session", id)
        if request.method != "POST":
            return view.page("checkout.html", request, session=session, fr=session["locale"] == "fr")
        action = request.form.get("action", "")
        if session["status"] != "open":
            return _to(session["success_url"] if session["status"] == "complete" else session["cancel_url"])
        if action == "abandon":
            return _to(session["cancel_url"])
        if action == "authenticate":
            return _to(f"{request.script_root}/checkout/{id}/authenticate")
        if action not in ("succeed", "decline", "fail_later"):
            raise NotFound
        checkout.pay(books, session, action)
    view.told()
    return _to(f"{request.script_root}/checkout/{id}" if action == "decline" else session["success_url"])


def authenticate(view: View, request: Request, id: str) -> Response:
    """The bank wants a confirmation."""
    with view.books() as books:
        session = must(books, "checkout.session", id)
        if request.method != "POST":
            return view.page("authenticate.html", request, session=session, fr=session["locale"] == "fr")
        if session["status"] != "open":
            return _to(session["success_url"])
        if request.form.get("action") not in ("approve", "fail"):
            raise NotFound
        approved = request.form["action"] == "approve"
        checkout.pay(books, session, "succeed" if approved else "decline")
    view.told()
    return _to(session["success_url"] if approved else f"{request.script_root}/checkout/{id}")


def onboarding(view: View, request: Request, id: str) -> Response:
    """What the provider asks of an expert. For one use, within minutes: else its owner is sent for another."""
    with view.books() as books:
        link = must(books, "account_link", id)
        account = must(books, "v2.core.account", link["account"])
        if link.get("_used") or link.get("_until", books.unix + 1) <= books.unix:
            return _to(link["_refresh_url"])
        if request.method != "POST":
            return view.page("onboarding.html", request, account=account)
        action = request.form.get("action", "")
        if action not in accounts.ACTIONS:
            raise NotFound
        books.put("account_link", link | {"_used": True})
        accounts.becomes(books, account, action)
    view.told()
    return _to(link["_return_url"])


def bank_transfer(view: View, request: Request, id: str) -> Response:
    """Where to send the money, as the buyer sees it; and the buyer's bank at a click."""
    with view.books() as books:
        intent = must(books, "payment_intent", id)
        if not intent.get("_country"):
            raise NotFound
        if request.method == "POST":
            comes_in(books, intent, request.form.get("action", ""))
        else:
            rest = intent["amount"] - intent["_applied"]
            return view.page("transfer.html", request, intent=intent, rest=rest, more=rest + MOST_TOO_MUCH)
    view.told()
    return _to(f"{request.script_root}/transfer/{id}")


def comes_in(books: Books, intent: dict[str, object], action: str) -> None:
    """Money comes in for a payment: whole, half, too much, or once more."""
    asked, rest = (
        cast("int", intent["amount"]),
        cast("int", intent["amount"]) - cast("int", intent["_applied"]),
    )
    sums = {"whole": rest, "half": max(rest // 2, 1), "more": rest + MOST_TOO_MUCH, "again": asked}
    if action not in sums or not sums[action]:
        raise NotFound
    bank.arrives(books, str(intent["customer"]), sums[action], str(intent["_reference"]))


def express(view: View, request: Request, id: str) -> Response:
    """The expert's own view of their account."""
    with view.books() as books:
        link = must(books, "login_link", id)
        if link["_until"] <= books.unix:
            raise NotFound
        account = must(books, "v2.core.account", link["account"])
        if request.method == "POST":
            accounts.money_leaves(books, account)
            return _to(f"{request.script_root}/express/{id}")
        sent = books.page("transfer", {"destination": account["id"]}, limit=20)
        return view.page("express.html", request, account=account, sent=sent)


def _to(where: str) -> Response:
    return redirect(where, 303)

"""The desk, where one plays provider: payments, accounts, disputes, the balance, and what goes wrong."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from .. import balance, faults, payouts
from ..store import Books, Page
from ..wrong import Wrong
from . import acts
from .view import View, must

KINDS = {
    "payments": "payment_intent",
    "disputes": "dispute",
    "accounts": "v2.core.account",
    "payouts": "payout",
    "customers": "customer",
}
AT_ONCE = 25
FIRST = 6


def front(view: View, request: Request) -> Response:
    """The newest of everything."""
    with view.books() as books:
        newest = {name: books.page(kind, {}, limit=FIRST) for name, kind in KINDS.items()}
        ready, pending = balance.amounts(books)
        on = [name for name, fault in faults.dial(books.connection)[1].items() if fault.on]
        return view.page(
            "front.html",
            request,
            newest=newest,
            ready=ready,
            pending=pending,
            on=on,
            interval=_interval(books),
        )


def _interval(books: Books) -> str:
    return str(payouts.settings(books)["payments"]["payouts"]["schedule"]["interval"])


def listing(view: View, request: Request, kind: str) -> Response:
    """All of one kind, page by page."""
    if kind not in KINDS:
        raise NotFound
    after = request.args.get("after")
    with view.books() as books:
        if after is not None and (not re.fullmatch(r"\w{1,80}", after) or not books.get(KINDS[kind], after)):
            raise NotFound
        rows = books.page(KINDS[kind], {}, page=Page(after=after), limit=AT_ONCE + 1)
    return view.page("list.html", request, kind=kind, rows=rows[:AT_ONCE], more=len(rows) > AT_ONCE)


def payment(view: View, request: Request, id: str) -> Response:
    """One payment, and what the banks may do with it."""
    if request.method == "POST":
        return _pressed(view, request, f"/payment/{id}")
    with view.books() as books:
        intent = must(books, "payment_intent", id)
        charge = books.get("charge", intent["latest_charge"])
        about = {"charge": charge["id"]} if charge else {"charge": "-"}
        sent = {"source_transaction": charge["id"]} if charge else {"source_transaction": "-"}
        return view.page(
            "payment.html", request, intent=intent, charge=charge, disputes=books.page("dispute", about, limit=50),
            refunds=books.page("refund", about, limit=50), transfers=books.page("transfer", sent, limit=50),
            rest=intent["amount"] - intent.get("_applied", 0), refused=request.args.get("refused"),
        )  # fmt: skip


def account(view: View, request: Request, id: str) -> Response:
    """One expert's account."""
    if request.method == "POST":
        return _pressed(view, request, f"/account/{id}")
    with view.books() as books:
        found = must(books, "v2.core.account", id)
        sent = books.page("transfer", {"destination": id}, limit=50)
        return view.page(
            "account.html", request, account=found, transfers=sent, refused=request.args.get("refused")
        )


def customer(view: View, request: Request, id: str) -> Response:
    """One company that pays by bank transfer."""
    with view.books() as books:
        found = must(books, "customer", id)
        intents = books.page("payment_intent", {"customer": id}, limit=50)
        lines = books.page("customer_cash_balance_transaction", {"customer": id}, limit=50)
        return view.page("customer.html", request, customer=found, intents=intents, lines=lines)


def money(view: View, request: Request) -> Response:
    """The platform's balance: what is there, when the rest comes, what leaves by itself."""
    if request.method == "POST":
        return _pressed(view, request, "/balance")
    with view.books() as books:
        ready, pending = balance.amounts(books)
        return view.page(
            "balance.html", request, ready=ready, pending=pending, interval=_interval(books),
            lines=books.page("balance_transaction", {}, limit=AT_ONCE),
            payouts=books.page("payout", {}, limit=AT_ONCE), topups=books.page("topup", {}, limit=AT_ONCE),
            refused=request.args.get("refused"),
        )  # fmt: skip


def dial(view: View, request: Request) -> Response:
    """What goes wrong from now on."""
    with view.books() as books:
        if request.method == "POST":
            _turned(books, request)
            return redirect(f"{request.script_root}/dial", 303)
        seed, found = faults.dial(books.connection)
        return view.page(
            "dial.html", request, seed=seed, faults=found, events=faults.EVENTS, requests=faults.REQUESTS
        )


def _turned(books: Books, request: Request) -> None:
    said = request.form.get("action", "")
    if said == "off":
        faults.reset(books.connection, _number(request, "seed", 1))
        return
    name, _, how = said.partition(":")
    if name not in faults.NAMES or how not in ("next", "rate", "off"):
        raise NotFound
    number = min(_number(request, f"{name}_number", 1), 1000)
    faults.turn(
        books.connection, name, next=number if how == "next" else 0,
        permille=min(number, 100) * 10 if how == "rate" else 0,
    )  # fmt: skip


def _number(request: Request, name: str, otherwise: int) -> int:
    said = request.form.get(name, "")
    return int(said) if re.fullmatch(r"\d{1,6}", said, re.ASCII) else otherwise


def _pressed(view: View, request: Request, back: str) -> Response:
    """Do it, and show the page again; where things have moved on meanwhile, it says so."""
    refused: dict[str, Any] = {}
    with view.books() as books:
        try:
            with books.connection.transaction():
                if not acts.done(books, request.form.get("action", "")):
                    raise NotFound
        except Wrong:
            refused = {"refused": "1"}
    view.told()
    query = "?refused=1" if refused else ""
    return redirect(f"{request.script_root}{back}{query}", 303)

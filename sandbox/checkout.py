"""Hosted checkout: a page that stays open until somebody pays, or until it runs out."""

from __future__ import annotations

from typing import Any

from . import charges
from .store import Books


def pay(books: Books, session: dict[str, Any], how: str) -> dict[str, Any]:
    """The buyer's click. `how`: succeed, decline, or fail_later (accepted now, refused when it is taken)."""
    intent = intent_of(books, session)
    if how == "decline":
        charges.decline(books, intent)
        return session
    if how == "fail_later":
        intent["_fails_at_capture"] = True
    charges.authorise(books, intent)
    session["status"], session["_due"] = "complete", None
    session["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"
    books.put("checkout.session", session)
    books.announce("checkout.session.completed", session)
    return session


def intent_of(books: Books, session: dict[str, Any]) -> dict[str, Any]:
    """The session's payment, made at the first try."""
    if session["payment_intent"]:
        return books.must("payment_intent", session["payment_intent"])
    data = session["_intent_data"]
    intent = charges.new_intent(books, session["amount_total"], data, receipt_email=session["customer_email"])
    session["payment_intent"] = intent["id"]
    books.put("checkout.session", session)
    return books.put("payment_intent", intent)


def expire(books: Books, session: dict[str, Any]) -> dict[str, Any]:
    """The page is over."""
    session["status"], session["_due"], session["url"] = "expired", None, None
    books.put("checkout.session", session)
    books.announce("checkout.session.expired", session)
    return session

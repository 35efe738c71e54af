"""The provider's words: checked, kept as they came, applied by a job. Nothing here is believed unsigned."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from ..gateways.payments import MOST_EVENT_BYTES, NotTrusted
from ..services.payments import account_known, receive_event, refuse_event
from .access import rule
from .gate import signed
from .house import house

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/stripe")
@rule("public")
@signed
def stripe() -> Any:
    """200 once the event lies in the inbox (again: the same); 400 (413 where it is too long) for what is
    not to be believed, which is counted by reason."""
    request.max_content_length = MOST_EVENT_BYTES
    try:
        body = request.get_data(cache=False)
        event = house().payments.parse_event(body, request.headers.get("Stripe-Signature", ""))
    except RequestEntityTooLarge:
        return _refused("too_large", 413)
    except NotTrusted as refused:
        return _refused(refused.reason)
    with house().db.reading() as session:
        known = account_known(session, event.account)
    if not known:
        return _refused("wrong_account")
    receive_event(house().db, event, body)
    return jsonify(received=True)


def _refused(reason: str, status: int = 400) -> Any:
    refuse_event(house().db, reason)
    return jsonify(error=reason), status

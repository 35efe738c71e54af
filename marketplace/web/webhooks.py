"""The provider's words: checked, kept as they came, applied by a job. Nothing here is believed unsigned."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, jsonify, request

from ..gateways.payments import MOST_EVENT_BYTES, NotTrusted
from ..services.payments import receive_event
from .access import rule
from .gate import signed
from .house import house

log = logging.getLogger(__name__)
blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/stripe")
@rule("public")
@signed
def stripe() -> Any:
    """200 once the event lies in the inbox (again: the same); 400 for what is not to be believed."""
    request.max_content_length = MOST_EVENT_BYTES
    body = request.get_data(cache=False)
    try:
        event = house().payments.parse_event(body, request.headers.get("Stripe-Signature", ""))
    except NotTrusted as refused:
        # Counted in the log by reason; the sender learns no more than that.
        log.warning("webhook refused: %s", refused.reason)
        return jsonify(error=refused.reason), 400
    receive_event(house().db, event, body)
    return jsonify(received=True)

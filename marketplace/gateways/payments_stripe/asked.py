"""What the topics share: the client they ask, and the labels of what they make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import stripe

# The longest page the provider gives.
PAGE = 100


class Asked:
    """Has the package's client; the dict literals handed to it are checked against its TypedDicts."""

    _client: stripe.StripeClient


def labels(reference: str | None, metadata: Mapping[str, str] | None) -> dict[str, str]:
    """What stands with the object at the provider: others' labels, and our reference over them."""
    return {**(metadata or {}), **({"reference": reference} if reference else {})}


def unix(at: datetime) -> int:
    """Whole seconds, as the wire counts time."""
    return int(at.timestamp())

"""The payment door's one adapter, and the only place that imports `stripe`.

What it asks and how it reads the answers is written once here, by topic: `accounts` (experts'
accounts), `buying` (checkout, bank transfer, capture, refund), `paying` (transfers and what exists),
`chargebacks`, `own` (our balance, payouts, the provider's books), `events`, `reading`, `errors`.
Answers are turned into plain dicts and read strictly where money depends on it: a 2xx of unknown
shape raises `Unknown`, never a half-read value. What the description lets be absent, null or not
expanded is read as that.
"""

from .client import API_VERSION, StripePayments
from .errors import our_error

__all__ = ["API_VERSION", "StripePayments", "our_error"]

"""The published description of the operations our adapter asks, whole, copied for the tests.

    python -m tools.stripe_operations ../shared/stripe/requests.json           # does the copy still say the same?
    python -m tools.stripe_operations ../shared/stripe/requests.json --write   # copy it anew

The tests read the copy (tests/gateways/stripe_operations.json) and need nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

COPY = Path(__file__).parents[1] / "tests" / "gateways" / "stripe_operations.json"

# Every operation of the first generation that the adapter asks. Its calls of the second generation, and
# balance settings, came after the description was published: the package's classes hold those.
OPERATIONS = (
    "GET /v1/balance",
    "GET /v1/balance_transactions",
    "GET /v1/balance_transactions/{id}",
    "GET /v1/charges/{charge}",
    "GET /v1/checkout/sessions/{session}",
    "GET /v1/disputes",
    "GET /v1/disputes/{dispute}",
    "GET /v1/payment_intents/{intent}",
    "GET /v1/payouts",
    "GET /v1/payouts/{payout}",
    "GET /v1/refunds",
    "GET /v1/refunds/{refund}",
    "GET /v1/transfers",
    "GET /v1/transfers/{transfer}",
    "POST /v1/accounts/{account}/login_links",
    "POST /v1/checkout/sessions",
    "POST /v1/checkout/sessions/{session}/expire",
    "POST /v1/customers",
    "POST /v1/disputes/{dispute}",
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/{intent}/cancel",
    "POST /v1/payment_intents/{intent}/capture",
    "POST /v1/payouts",
    "POST /v1/refunds",
    "POST /v1/transfers",
    "POST /v1/transfers/{id}/reversals",
)


def cut(published: dict[str, Any]) -> dict[str, Any]:
    """Our operations out of the whole description, each as it stands there. KeyError: one is not there."""
    found = {}
    for name in OPERATIONS:
        method, path = name.split(" ")
        found[name] = published["paths"][path][method.lower()]
    return found


def digest(operations: dict[str, Any]) -> str:
    """A fingerprint of what the operations say, whatever the file's form."""
    return hashlib.sha256(json.dumps(operations, sort_keys=True).encode()).hexdigest()


def main(arguments: list[str]) -> int:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("published", type=Path)
    given.add_argument("--write", action="store_true")
    asked = given.parse_args(arguments)
    operations = cut(json.loads(asked.published.read_text("utf-8")))
    if asked.write:
        about = "Request parameters as Stripe publishes them (OpenAPI, MIT): the operations asked by our adapter, whole."
        whole = {"about": about, "sha256": digest(operations), "operations": operations}
        COPY.write_text(json.dumps(whole, sort_keys=True, separators=(",", ":")) + "\n")
        return 0
    same = json.loads(COPY.read_text("utf-8"))["operations"] == operations
    sys.stdout.write("The copy says the same.\n" if same else "The copy differs: write it anew.\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

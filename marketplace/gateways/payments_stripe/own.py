"""Our own money at the provider: the balance, payouts to our bank, and the provider's books of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from marketplace.gateways.payments import BalanceSeen, MovementSeen, PayoutSeen

from .asked import PAGE, Asked, labels, unix
from .errors import asking, in_our_currency
from .reading_books import movement_seen, payout_seen

if TYPE_CHECKING:
    from stripe import RequestOptions
    from stripe.params import BalanceTransactionListParams, PayoutCreateParams, PayoutListParams


class Own(Asked):
    """`Payments`, as far as it is about the platform's own balance."""

    def balance(self, account_id: str | None = None) -> BalanceSeen:
        whose: RequestOptions = {"stripe_account": account_id} if account_id else {}
        with asking():
            seen = self._client.v1.balance.retrieve({}, whose).to_dict()
            return BalanceSeen(
                available=_by_currency(seen["available"]), pending=_by_currency(seen["pending"])
            )

    def payout_schedule(self) -> str:
        with asking():
            # Read as plain JSON: the package's own reader breaks on a null that its types allow
            # (`automatic_transfer_rules_by_currency`, stripe 16.1.0).
            answer = self._client.raw_request("get", "/v1/balance_settings")
            return str(answer.data["payments"]["payouts"]["schedule"]["interval"])

    def pay_out(
        self,
        *,
        key: str,
        amount_minor: int,
        currency: str,
        reference: str,
        metadata: Mapping[str, str] | None = None,
    ) -> PayoutSeen:
        asked: PayoutCreateParams = {
            "amount": amount_minor,
            "currency": in_our_currency(currency),
            "metadata": labels(reference, metadata),
        }
        with asking():
            return payout_seen(self._client.v1.payouts.create(asked, {"idempotency_key": key}).to_dict())

    def payout(self, payout_id: str) -> PayoutSeen:
        with asking():
            return payout_seen(self._client.v1.payouts.retrieve(payout_id).to_dict())

    def payouts(self, *, since: datetime) -> tuple[PayoutSeen, ...]:
        asked: PayoutListParams = {"created": {"gte": unix(since)}, "limit": PAGE}
        with asking():
            found = self._client.v1.payouts.list(asked)
            return tuple(payout_seen(one.to_dict()) for one in found.auto_paging_iter())

    def movements(self, *, since: datetime, until: datetime | None = None) -> Iterator[MovementSeen]:
        asked: BalanceTransactionListParams = {"created": {"gte": unix(since)}, "limit": PAGE}
        if until is not None:
            asked["created"] = {"gte": unix(since), "lt": unix(until)}
        with asking():
            for one in self._client.v1.balance_transactions.list(asked).auto_paging_iter():
                yield movement_seen(one.to_dict())


def _by_currency(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {row["currency"].upper(): row["amount"] for row in rows}

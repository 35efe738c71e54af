"""An expert's money: transfers out of a charge, their reversals, and what exists for a payment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marketplace.gateways.payments import Found, ReversalSeen, TransferSeen

from .asked import PAGE, Asked, labels
from .errors import asking, in_our_currency
from .reading import refund_seen, reversal_seen, transfer_seen

if TYPE_CHECKING:
    from stripe.params import TransferCreateParams, TransferReversalCreateParams


class Paying(Asked):
    """`Payments`, as far as it is about an expert's share."""

    def transfer(
        self,
        *,
        key: str,
        amount_minor: int,
        currency: str,
        account_id: str,
        charge_id: str | None,
        reference: str,
        metadata: Mapping[str, str] | None = None,
    ) -> TransferSeen:
        asked: TransferCreateParams = {
            "amount": amount_minor,
            "currency": in_our_currency(currency),
            "destination": account_id,
            "transfer_group": reference,
            "metadata": labels(reference, metadata),
        }
        if charge_id is not None:
            asked["source_transaction"] = charge_id
        with asking():
            made = self._client.v1.transfers.create(asked, {"idempotency_key": key})
            return transfer_seen(made.to_dict())

    def reverse_transfer(
        self,
        *,
        key: str,
        transfer_id: str,
        amount_minor: int,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ReversalSeen:
        asked: TransferReversalCreateParams = {"amount": amount_minor}
        if reference or metadata:
            asked["metadata"] = labels(reference, metadata)
        with asking():
            made = self._client.v1.transfers.reversals.create(transfer_id, asked, {"idempotency_key": key})
            return reversal_seen(made.to_dict())

    def transfer_seen(self, transfer_id: str) -> TransferSeen:
        with asking():
            return transfer_seen(self._client.v1.transfers.retrieve(transfer_id).to_dict())

    def find(self, *, reference: str, intent_id: str | None = None) -> Found:
        with asking():
            transfers = self._client.v1.transfers.list({"transfer_group": reference, "limit": PAGE})
            found = tuple(transfer_seen(one.to_dict()) for one in transfers.auto_paging_iter())
            if intent_id is None:
                return Found(transfers=found)
            refunds = self._client.v1.refunds.list({"payment_intent": intent_id, "limit": PAGE})
            return Found(
                transfers=found,
                refunds=tuple(refund_seen(one.to_dict()) for one in refunds.auto_paging_iter()),
            )

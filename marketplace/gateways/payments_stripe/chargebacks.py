"""Chargebacks: what the payer's bank contests, and the one answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, cast

from marketplace.gateways.payments import (
    EVIDENCE_FIELDS,
    MOST_EVIDENCE,
    ChargebackSeen,
    ChargebackState,
    Refused,
)

from .asked import PAGE, Asked, labels, unix
from .errors import asking
from .reading_books import chargeback_seen

if TYPE_CHECKING:
    from stripe.params import DisputeListParams, DisputeUpdateParams, DisputeUpdateParamsEvidence

_ANSWERABLE = (ChargebackState.OPEN, ChargebackState.INQUIRY)


class Chargebacks(Asked):
    """`Payments`, as far as it is about what a bank contests."""

    def submit_evidence(
        self,
        *,
        key: str,
        chargeback_id: str,
        evidence: Mapping[str, str],
        submit: bool,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ChargebackSeen:
        asked: DisputeUpdateParams = {"evidence": _checked(evidence), "submit": submit}
        if reference or metadata:
            asked["metadata"] = labels(reference, metadata)
        try:
            with asking():
                seen = self._client.v1.disputes.update(chargeback_id, asked, {"idempotency_key": key})
                return chargeback_seen(seen.to_dict())
        except Refused as refused:
            if refused.stop or refused.reason == "resource_missing":
                raise
            # Whether it was sent already, or is over, is told by no code: the chargeback itself says.
            stands = self.chargeback(chargeback_id)
            if stands.submitted or stands.state not in _ANSWERABLE:
                raise Refused("chargeback_not_open", refused.detail, look=True) from refused
            raise

    def chargeback(self, chargeback_id: str) -> ChargebackSeen:
        with asking():
            return chargeback_seen(self._client.v1.disputes.retrieve(chargeback_id).to_dict())

    def chargebacks(
        self, *, intent_id: str | None = None, since: datetime | None = None
    ) -> tuple[ChargebackSeen, ...]:
        asked: DisputeListParams = {"limit": PAGE}
        if intent_id is not None:
            asked["payment_intent"] = intent_id
        if since is not None:
            asked["created"] = {"gte": unix(since)}
        with asking():
            found = self._client.v1.disputes.list(asked)
            return tuple(chargeback_seen(one.to_dict()) for one in found.auto_paging_iter())


def _checked(evidence: Mapping[str, str]) -> DisputeUpdateParamsEvidence:
    """The evidence, when the provider would take it: it is sent once, so a refusal late is dear."""
    for name, text in evidence.items():
        if name not in EVIDENCE_FIELDS or len(text) > EVIDENCE_FIELDS[name]:
            raise Refused("evidence_unfit", name)
    if sum(len(text) for text in evidence.values()) > MOST_EVIDENCE:
        raise Refused("evidence_unfit", "together")
    return cast("DisputeUpdateParamsEvidence", dict(evidence))

"""The real sandbox behind a real socket, asked by the real adapter; a wire between them that can fail.

Nothing of ours is replaced: faults happen on the wire (replies lost, the provider's own failures),
and what the provider does of its own accord is done in its own books.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from marketplace.domain.pricing import BuyerTax, PlatformTax, Quote, SellerTax, quote
from marketplace.gateways.payments_stripe import StripePayments
from marketplace.services import payments
from marketplace.storage import locks
from marketplace.storage.db import Database
from marketplace.storage.payments import InboxEvent, Payment, ProviderCall, Refund
from marketplace.storage.payouts import Transfer
from sandbox import accounts, balance, bank, chargebacks, checkout, clockwork, payouts, refunds
from sandbox.api import Api
from sandbox.store import Store
from tests import factories as make

SECRET, HOOK = "sk_test_wire", "whsec_wire"
TEXTS = payments.CheckoutTexts("A session", "en", "https://site.test/back", "https://site.test/away")


class Wire:
    """A WSGI middleware that spoils the next answers to POST requests, one after the other, as told.

    `away`: every request fails.
    """

    def __init__(self, api: Any) -> None:
        self._api = api
        self.faults: deque[str] = deque()
        self.asked: list[tuple[str, str]] = []
        self.away = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        fault = self.faults.popleft() if self.faults and environ["REQUEST_METHOD"] == "POST" else None
        fault = "failure" if self.away else fault
        if fault == "lost_reply":
            list(self._api(environ, lambda status, headers, info=None: lambda data: None))
        if fault is None:
            return self._api(environ, start_response)  # type: ignore[no-any-return]
        status = {"lost_reply": 500, "failure": 500, "busy": 429, "forbidden": 401}[fault]
        body = json.dumps({"error": {"type": "api_error", "message": fault}})
        # The package repeats by itself unless it is told not to; here the test says what is repeated.
        headers = {"Stripe-Should-Retry": "false"}
        return Response(body, status, headers, mimetype="application/json")(environ, start_response)


class Provider:
    """The sandbox as the tests hold it: `gateway` asks it, the rest is what happens at its side."""

    def __init__(self, dsn: str) -> None:
        self.clock: Callable[[], datetime] = lambda: datetime.max
        self.store = Store(dsn, lambda: self.clock())
        self.wire = Wire(Api(self.store, SECRET, "http://site.test/sandbox"))
        self._server = make_server("127.0.0.1", 0, self.wire, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.gateway = StripePayments(SECRET, [HOOK], api_base=self.address)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.store.close()

    def forget(self) -> None:
        """Empty books for the next test."""
        self.wire.faults.clear()
        self.wire.asked.clear()
        self.wire.away = False
        self.store.forget()

    def pay(self, payment: Payment, how: str = "succeed") -> None:
        """The buyer's click on the provider's page."""
        with self.store.transaction() as books:
            checkout.pay(books, self._get(books, "checkout.session", payment.checkout_id), how)

    def fails_at_capture(self, payment: Payment) -> None:
        """The bank will say no when the reserved money is taken."""
        self.change("payment_intent", payment.intent_id, _fails_at_capture=True)

    def change(self, kind: str, object_id: str | None, **values: Any) -> None:
        """Something changes at the provider's side, with an event of it."""
        with self.store.transaction() as books:
            changed = self._get(books, kind, object_id) | values
            books.put(kind, changed)
            books.announce(f"{kind}.updated", changed)

    def account(self, *, active: bool = True) -> str:
        """An expert's account that has gone through onboarding, or not."""
        seen = self.gateway.create_account(
            key=str(uuid.uuid4()), reference=str(uuid.uuid4()), email="e@site.test", name="E", country="FR"
        )
        if active:
            self.opens_up(seen.id)
        return seen.id

    def opens_up(self, account_id: str, status: str = "active") -> None:
        """Onboarding is gone through, or the provider restricts the account."""
        with self.store.transaction() as books:
            account = self._get(books, "v2.core.account", account_id)
            accounts.becomes(books, account, "complete" if status == "active" else "restrict")

    def money_leaves(self, account_id: str) -> None:
        """The expert's account is paid out to their own bank: a reversal finds nothing."""
        with self.store.transaction() as books:
            accounts.money_leaves(books, self._get(books, "v2.core.account", account_id))

    def settle(self) -> None:
        """Whatever is pending is available from now on."""
        with self.store.transaction() as books:
            balance.settle_now(books)
            refunds.serve_waiting(books)

    def time_acts(self) -> None:
        """What is due by the clock is done."""
        with self.store.transaction() as books:
            while clockwork.let_all_time_act(books):
                pass

    def spend(self, minor: int) -> None:
        """Everything settles, and so much of the balance is spent elsewhere."""
        self.settle()
        with self.store.transaction() as books:
            balance.add(books, "stripe_fee", f"fee_{uuid.uuid4().hex}", -minor)

    def balance(self) -> int:
        """What the platform has at the provider, settled or not."""
        seen = self.gateway.balance()
        return seen.available["EUR"] + seen.pending["EUR"]

    def dispute(self, charge_id: str | None, kind: str = "chargeback", **how: Any) -> str:
        """The buyer's bank disputes a charge; the dispute's id."""
        with self.store.transaction() as books:
            charge = self._get(books, "charge", charge_id)
            return str(chargebacks.open_dispute(books, charge, kind, **how)["id"])

    def decide(self, dispute_id: str, won: bool, *, fee_returns: bool = False) -> None:
        """The bank decides a dispute."""
        with self.store.transaction() as books:
            dispute = self._get(books, "dispute", dispute_id)
            chargebacks.decide(books, dispute, won, fee_returns=fee_returns)

    def closes(self, dispute_id: str) -> None:
        """An inquiry comes to nothing."""
        with self.store.transaction() as books:
            chargebacks.close(books, self._get(books, "dispute", dispute_id))

    def escalate(self, dispute_id: str) -> None:
        """An inquiry becomes a chargeback."""
        with self.store.transaction() as books:
            chargebacks.escalate(books, self._get(books, "dispute", dispute_id))

    def refunds_stay_pending(self, charge_id: str | None) -> None:
        """From now on the refunds of a charge take their days."""
        with self.store.transaction() as books:
            books.put("charge", self._get(books, "charge", charge_id) | {"_refunds": "pending"})

    def refund_fails(self, refund_id: str | None, why: str = "expired_or_canceled_card") -> None:
        """A refund does not arrive."""
        with self.store.transaction() as books:
            refunds.fail(books, self._get(books, "refund", refund_id), why)

    def refund_arrives(self, refund_id: str | None) -> None:
        """A refund reaches the buyer."""
        with self.store.transaction() as books:
            refunds.arrive(books, self._get(books, "refund", refund_id))

    def bank_details_given(self, refund_id: str | None) -> None:
        """The buyer says where a refund of a bank transfer is to go."""
        with self.store.transaction() as books:
            refunds.details_given(books, self._get(books, "refund", refund_id))

    def money_arrives(self, customer_id: str, minor: int, reference: str | None = None) -> None:
        """A bank transfer of a customer comes in."""
        with self.store.transaction() as books:
            bank.arrives(books, customer_id, minor, reference)

    def payout_fails(self, payout_id: str) -> None:
        """The bank sends a payout back."""
        with self.store.transaction() as books:
            payouts.fail(books, self._get(books, "payout", payout_id))

    def schedule(self, interval: str) -> None:
        """Somebody changes the platform's payout schedule in the provider's own pages."""
        with self.store.transaction() as books:
            payouts.schedule(books, interval)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        with self.store.transaction() as books:
            return books.find(kind)

    def events(self, about: Payment) -> list[bytes]:
        """The events of one payment, oldest first, as they would be posted."""
        with self.store.transaction() as books:
            rows = books.connection.execute("select event from sandbox.deliveries order by made").fetchall()
        return [json.dumps(row["event"]).encode() for row in rows if about.reference in json.dumps(row["event"])
                or (about.intent_id or about.reference) in json.dumps(row["event"])]  # fmt: skip

    def post(self, db: Database, body: bytes) -> None:
        """A posted event, from the signature to its application."""
        stamp = str(int(time.time()))
        signed = hmac.new(HOOK.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
        event = self.gateway.parse_event(body, f"t={stamp},v1={signed}")
        payments.receive_event(db, event, body)
        with db.reading() as session:
            inbox_id = session.scalars(sa.select(InboxEvent.id).where(InboxEvent.event_id == event.id)).one()
        payments.apply_event(db, self.gateway, inbox_id)

    @staticmethod
    def _get(books: Any, kind: str, object_id: str | None) -> dict[str, Any]:
        found = books.get(kind, object_id)
        assert found is not None
        return dict(found)


class Money:
    """One payment walked through the real services; its subject is nobody's booking."""

    def __init__(self, db: Database, provider: Provider, *, account: bool = True) -> None:
        self.db, self.provider = db, provider
        self.seller = make.seller(db)
        self.company = make.lead(db).company
        self.subject = uuid.uuid4()
        if account:
            self.has_account(provider.account())

    def has_account(self, account_id: str, status: str = "active") -> None:
        with self.db.transaction() as tx:
            expert = tx.session.merge(self.seller.expert)
            expert.account_id, expert.account_status = account_id, status

    def quote(self, price: int = 120_000) -> Quote:
        """The worked example of payments.md: 6 % and 12 %, French VAT."""
        return quote(
            price, service_fee_bp=600, commission_bp=1_200, seller=SellerTax("FR"), buyer=BuyerTax("FR", "FR1"),
            platform=PlatformTax("FR", "FR0"),
        )  # fmt: skip

    def open(self, *, price: int = 120_000, capture: str = "manual") -> Payment:
        """The intent, and the checkout at the provider."""
        payment_id = self.intend(price=price, capture=capture)
        payments.checkout_url(self.db, self.provider.gateway, payment_id)
        return self.read(payment_id)

    def intend(self, *, price: int = 120_000, capture: str = "manual") -> uuid.UUID:
        with self.db.transaction() as tx:
            return payments.open_payment(
                tx, subject=self.subject, company_id=self.company.id, expert_id=self.seller.expert.id,
                quote=self.quote(price), capture=capture, texts=TEXTS,
            ).id  # fmt: skip

    def authorised(self) -> Payment:
        payment = self.open()
        self.provider.pay(payment)
        payments.refresh(self.db, self.provider.gateway, payment.id)
        return self.read(payment.id)

    def captured(self) -> Payment:
        payment = self.authorised()
        with self.locked(payment) as (tx, row):
            payments.request_capture(tx, row)
        self.carry("capture")
        return self.read(payment.id)

    def refund(self, payment: Payment, percent: int, token: str = "r") -> Refund:
        """That share of every line."""
        lines = {name: minor * percent // 100 for name, minor in Quote.from_dict(payment.quote).lines.items()}
        with self.locked(payment) as (tx, row):
            return payments.decide_refund(tx, row, lines=lines, token=f"{payment.id}/{token}", why="test")

    def share_due(self, payment: Payment) -> int:
        with self.locked(payment) as (tx, row):
            return payments.post_share_due(tx, row)

    @contextmanager
    def locked(self, payment: Payment) -> Iterator[tuple[Any, Payment]]:
        """A use-case's transaction with the payment's locks held."""
        with self.db.transaction() as tx:
            locks.take(
                tx, calendar=payment.payee_expert_id, company=payment.payer_company_id, booking=payment.subject,
                payment=payment.id,
            )  # fmt: skip
            yield tx, tx.session.get_one(Payment, payment.id, populate_existing=True)

    def call(self, kind: str) -> ProviderCall:
        """The newest call of that kind for this subject."""
        with self.db.reading() as session:
            found = session.scalars(
                sa.select(ProviderCall)
                .join(Payment, Payment.id == ProviderCall.payment_id)
                .where(Payment.subject == self.subject, ProviderCall.kind == kind)
                .order_by(ProviderCall.id.desc())
            ).first()
        assert found is not None
        return found

    def carry(self, kind: str) -> None:
        payments.carry_out(self.db, self.provider.gateway, self.call(kind).id)

    def read(self, payment_id: uuid.UUID) -> Payment:
        with self.db.reading() as session:
            return session.get_one(Payment, payment_id)

    def refunds(self) -> list[Refund]:
        with self.db.reading() as session:
            return list(
                session.scalars(
                    sa.select(Refund).join(Payment, Payment.id == Refund.payment_id)
                    .where(Payment.subject == self.subject).order_by(Refund.id)
                )
            )  # fmt: skip

    def transfer(self) -> Transfer:
        with self.db.reading() as session:
            return session.scalars(sa.select(Transfer).where(Transfer.subject == self.subject)).one()

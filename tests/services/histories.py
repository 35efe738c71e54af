"""What may happen to one payment, and every way its events may come: walked over the real services, the real
adapter and the real sandbox, in this process and on two held connections that can be set back.

A *course* is what happens, in one order. Between two of its steps any of the events there are so far may be
delivered, any number of times. `Walk` explores that as a graph: a state of the records and of the provider's
books is looked at once, whatever led to it; from it each event and the next step are carried out for real.
A history (these deliveries, in this order, the others lost) is a path through that graph: each of its
transitions was carried out from exactly that state, so it ends where its last state is swept to.
"""

from __future__ import annotations

import hmac
import io
import json
import random
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import psycopg
import requests
import sqlalchemy as sa
from psycopg.rows import dict_row

from marketplace.domain.errors import ProviderBusy
from marketplace.domain.pricing import Quote
from marketplace.gateways.payments_stripe import StripePayments
from marketplace.services import bookings, ledger, payments
from marketplace.services.payouts import run_due_transfers
from marketplace.storage import locks
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import InboxEvent, Payment, ProviderCall
from sandbox.api import Api
from sandbox.store import Store
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import HOOK, SECRET, Provider, Wire

DAY = timedelta(days=1)
BASE = "http://provider.test"


class HeldPool:
    """One connection whose outer transaction never commits, in the place of a pool of them."""

    def __init__(self, dsn: str) -> None:
        self.held = psycopg.connect(dsn, row_factory=dict_row)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        with self.held.transaction():
            yield self.held

    def close(self) -> None:
        self.held.rollback()
        self.held.close()


class InProcess(requests.adapters.BaseAdapter):
    """Carries the package's requests to a WSGI application without a socket."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._app = app

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        where = urlsplit(str(request.url))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        environ = {
            "REQUEST_METHOD": request.method, "PATH_INFO": where.path, "QUERY_STRING": where.query,
            "SCRIPT_NAME": "", "SERVER_NAME": where.netloc, "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
            "wsgi.version": (1, 0), "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }  # fmt: skip
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in request.headers.items()}
        answer = requests.Response()

        def start(status: str, headers: Any, info: Any = None) -> Any:
            answer.status_code = int(status.split()[0])
            answer.headers = requests.structures.CaseInsensitiveDict(headers)

        answer.raw = io.BytesIO(b"".join(self._app(environ, start)))
        answer.request, answer.url = request, str(request.url)
        return answer

    def close(self) -> None:
        return None


class HeldProvider(Provider):
    """The sandbox of `tests.services.provider`, in this process and able to go back."""

    def __init__(self, dsn: str, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.store = Store(dsn, lambda: self.clock())
        self.store.close()
        pool = HeldPool(dsn)
        self.store._pool = pool  # type: ignore[assignment]
        self.held = pool.held
        self.wire = Wire(Api(self.store, SECRET, "http://site.test/sandbox"))
        self.gateway = StripePayments(SECRET, [HOOK], api_base=BASE)

    def stop(self) -> None:
        self.store.close()


def session_to(app: Any) -> requests.Session:
    """What the package asks through, in the place of the network."""
    made = requests.Session()
    made.trust_env = False
    made.mount(BASE, InProcess(app))
    return made


@dataclass
class World:
    """One booking whose buyer stands before the provider's page, and everything that may happen then."""

    db: Database
    clock: FakeClock
    provider: HeldProvider
    made: make.Made = field(init=False)
    payment_id: uuid.UUID = field(init=False)

    def __post_init__(self) -> None:
        self.made = make.booking(self.db, days_ahead=12)
        make.write_brief(self.db, self.made)
        account_id = self.provider.account()
        with self.db.transaction() as tx:
            expert = tx.session.get_one(Expert, self.made.seller.expert.id)
            expert.account_id, expert.account_status = account_id, "active"
        self.payment_id = bookings.open_payment(
            self.db, self.made.lead.actor, booking_id=self.made.id, accepted=make.DOCUMENTS, texts=make.TEXTS,
            platform=make.PLATFORM, ready=True, address="192.0.2.7",
        )  # fmt: skip
        payments.checkout_url(self.db, self.provider.gateway, self.payment_id)

    @property
    def payment(self) -> Payment:
        with self.db.reading() as session:
            return session.get_one(Payment, self.payment_id)

    # What the house does. It decides by what it knows: the page one comes back to has fetched the payment.

    def learn(self) -> None:
        payments.refresh(self.db, self.provider.gateway, self.payment_id)

    def jobs(self) -> None:
        """Carry out what is intended, and what follows from that."""
        for _ in range(4):
            with self.db.reading() as session:
                calls = session.scalars(
                    sa.select(ProviderCall.id)
                    .where(ProviderCall.state == "intended", ProviderCall.tries == 0)
                    .order_by(ProviderCall.id)
                ).all()
            if not calls:
                return
            for call_id in calls:
                try:
                    payments.carry_out(self.db, self.provider.gateway, call_id)
                except ProviderBusy:
                    continue

    @contextmanager
    def locked(self) -> Iterator[tuple[Any, Payment]]:
        with self.db.transaction() as tx:
            payment = tx.session.get_one(Payment, self.payment_id)
            locks.take(
                tx, calendar=payment.payee_expert_id, company=payment.payer_company_id, booking=payment.subject,
                payment=payment.id,
            )  # fmt: skip
            tx.session.refresh(payment)
            yield tx, payment

    def accept(self) -> None:
        self.learn()
        make.accept(self.db, self.made)

    def accept_unanswered(self) -> None:
        self.accept()
        self.provider.wire.faults.append("lost_reply")

    def decline_unanswered(self) -> None:
        self.decline()
        self.provider.wire.faults.append("lost_reply")

    def decline(self) -> None:
        self.learn()
        bookings.decline(
            self.db, self.made.seller.actor, booking_id=self.made.id, reason="conflict", token="no"
        )

    def give_up(self) -> None:
        """What is under way is ended, whatever the buyer does meanwhile; the job that ends it is late."""
        with self.locked() as (tx, payment):
            payments.drop_live_payment(tx, payment.subject, why="superseded")
            tx.session.execute(sa.update(ProviderCall).values(tries=1))

    def refund(self, percent: int = 50, token: str = "r") -> None:
        self.learn()
        with self.locked() as (tx, payment):
            lines = {
                name: minor * percent // 100 for name, minor in Quote.from_dict(payment.quote).lines.items()
            }
            payments.decide_refund(tx, payment, lines=lines, token=f"{payment.id}/{token}", why="test")

    def refund_again(self) -> None:
        self.refund(25, "again")

    def refund_all(self) -> None:
        self.refund(100)

    def refund_unanswered(self) -> None:
        self.refund()
        self.provider.wire.faults.append("lost_reply")

    def complete(self) -> None:
        """The session is held, and the buyer says so: the share falls due."""
        self.learn()
        self.clock.move_to(make.read(self.db, self.made).ends_at)
        bookings.run_clock(self.db, self.provider.gateway)
        bookings.confirm(self.db, self.made.lead.actor, booking_id=self.made.id, token="confirm")

    def transfer(self) -> None:
        self.learn()
        self.clock.move(8 * DAY)
        run_due_transfers(self.db, self.provider.gateway)

    # What buyer, bank and time do; nobody of ours has heard of it yet.

    def pay(self) -> None:
        self.provider.pay(self.payment)

    def card_declined(self) -> None:
        self.provider.pay(self.payment, "decline")

    def page_ends(self) -> None:
        self.clock.move(timedelta(minutes=34))
        self.provider.time_acts()

    def reserve_ends(self) -> None:
        """A week goes by, in which the sweep has looked."""
        self.learn()
        self.clock.move(7 * DAY)
        self.provider.time_acts()

    def will_fail(self) -> None:
        """The bank lets the reserved money go when it is to be taken."""
        with self.provider.store.transaction() as books:
            (intent,) = books.find("payment_intent")
            books.put("payment_intent", intent | {"_fails_at_capture": True})

    def slow_refunds(self) -> None:
        self.provider.refunds_stay_pending(self._one("charge"))

    def refund_arrives(self) -> None:
        self.provider.refund_arrives(self._one("refund"))

    def refund_fails(self) -> None:
        self.provider.refund_fails(self._one("refund"))

    def dispute(self) -> None:
        self.provider.dispute(self._one("charge"))

    def inquiry(self) -> None:
        self.provider.dispute(self._one("charge"), "inquiry")

    def prevented(self) -> None:
        self.provider.dispute(self._one("charge"), "prevented")

    def resolved(self) -> None:
        self.provider.dispute(self._one("charge"), "resolved")

    def won(self) -> None:
        self.provider.decide(self._one("dispute"), won=True)

    def lost(self) -> None:
        self.provider.decide(self._one("dispute"), won=False)

    def escalates(self) -> None:
        self.provider.escalate(self._one("dispute"))

    def comes_to_nothing(self) -> None:
        self.provider.closes(self._one("dispute"))

    def settles(self) -> None:
        self.provider.settle()

    def _one(self, kind: str) -> str:
        """The newest of its kind."""
        return str(self.provider.objects(kind)[0]["id"])

    # What is done to it from outside.

    def step(self, name: str) -> None:
        """One step of a course, and the jobs it writes down."""
        getattr(self, name)()
        if name != "give_up":
            self.jobs()

    def events(self) -> list[dict[str, Any]]:
        """All there are so far, oldest first."""
        rows = self.provider.held.execute(
            "select data from sandbox.objects where kind in ('event', 'v2.core.event') order by made"
        )
        return [row["data"] for row in rows.fetchall()]

    def deliver(self, event: dict[str, Any]) -> None:
        """Post it: from the signature to its application, and the jobs that follow."""
        body = json.dumps(event).encode()
        stamp = str(int(time.time()))
        signed = hmac.new(HOOK.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
        read = self.provider.gateway.parse_event(body, f"t={stamp},v1={signed}")
        payments.receive_event(self.db, read, body)
        with self.db.reading() as session:
            inbox_id = session.scalars(sa.select(InboxEvent.id).where(InboxEvent.event_id == read.id)).one()
        payments.apply_event(self.db, self.provider.gateway, inbox_id)
        self.jobs()

    def sweep(self) -> None:
        """One sweep, after everything has had its chance, and the jobs it writes down."""
        self.clock.move(timedelta(minutes=10))
        payments.sweep(self.db, self.provider.gateway)
        self.jobs()

    @contextmanager
    def tried(self) -> Iterator[None]:
        """What is done within is taken back: our records, the provider's books, the clock."""
        now, faults = self.clock.now, list(self.provider.wire.faults)
        theirs, name = self.provider.held, f"s_{uuid.uuid4().hex}"
        ours = self.db.engine.begin_nested()  # type: ignore[union-attr]
        theirs.execute(f"savepoint {name}")
        try:
            yield
        finally:
            theirs.execute(f"rollback to savepoint {name}")
            theirs.execute(f"release savepoint {name}")
            ours.rollback()
            self.clock.now = now
            self.provider.wire.faults.clear()
            self.provider.wire.faults.extend(faults)

    # What it has come to.

    def state(self) -> str:
        """Everything that decides what happens next, without anybody's ids: records and books, with times."""
        ours = self.db.engine.execute(_STATE).scalars()  # type: ignore[union-attr]
        theirs = self.provider.held.execute(
            "select kind || data::text as row from sandbox.objects where kind not in ('event', 'v2.core.event')"
        )
        return _unnamed([*ours, *(row["row"] for row in theirs.fetchall())])

    def end(self) -> str:
        """What must be the same whatever was delivered: states, amounts, ledger groups; no times, no tries."""
        rows = self.db.engine.execute(_STATE).scalars()  # type: ignore[union-attr]
        kept = [_unpassing(json.loads(row)) for row in rows]
        with self.db.reading() as session:
            found = [one.text for one in ledger.check(session) if not one.shortfall]
        return "\n".join([_unnamed(kept), *found])


# One statement, so that looking costs little.
_TABLES = (
    "payments", "provider_calls", "refunds", "transfers", "set_offs", "chargebacks", "ledger_groups",
    "ledger_entries", "bookings",
)  # fmt: skip
_STATE = sa.text(
    " union all ".join(
        f"select jsonb_build_array('{name}', to_jsonb(t) - 'quote' - 'parameters')::text from {name} t"
        for name in _TABLES
    )
    + " union all select jsonb_build_array('experts', account_status)::text from experts"
    + " union all select jsonb_build_array('inbox', to_jsonb(t))::text from inbox t where applied_at is null"
)
# When somebody heard of it and in what state it was then, and how often somebody asked.
_PASSING = {"at", "why", "tries", "error", "deadline"}
_IDS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[a-z]{2,4}(?:_test)?_[0-9a-f]{20,}\w*"
)


def _unpassing(row: list[Any]) -> str:
    name, data = row
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key not in _PASSING and key[-3:] != "_at"}
    return json.dumps([name, data], sort_keys=True)


def _unnamed(rows: Sequence[str]) -> str:
    """The rows without ids, in an order that knows none: each id is told by where it stands, and beside what.

    Three rounds are enough for what hangs together here: entry, group, refund, payment.
    """
    parted = [(_IDS.split(row), _IDS.findall(row)) for row in rows]
    marks: dict[str, str] = {}
    for _ in range(3):
        places: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for words, ids in parted:
            text = _joined(words, ids, marks)
            for number, one in enumerate(ids):
                places[one].append((text, number))
        marks = {one: f"#{hash(tuple(sorted(where))):x}" for one, where in places.items()}
    return "\n".join(sorted(_joined(words, ids, marks) for words, ids in parted))


def _joined(words: list[str], ids: list[str], marks: dict[str, str]) -> str:
    return words[0] + "".join(marks.get(one, "#") + word for one, word in zip(ids, words[1:], strict=True))


Course = tuple[str, ...]
Node = tuple[Course, str]


@dataclass
class Walk:
    """The graph of all courses, what they begin with in common walked once.

    `ends`: for each course, what its last states are swept to, with a way there; more than one and the
    property does not hold.
    """

    world: World
    courses: tuple[Course, ...]
    ends: dict[Course, dict[str, list[str]]] = field(default_factory=dict)
    delivered: int = 0
    swept: int = 0
    # Of each state: (how many events say that, where it leads), and the next step of each course.
    _edges: dict[Node, tuple[list[tuple[int, Node]], dict[str, Node]]] = field(default_factory=dict)

    def run(self) -> None:
        """Explore it all."""
        self.start = self._explore((), ())

    def _explore(self, done: Course, way: tuple[str, ...]) -> Node:
        here = (done, self.world.state())
        if here in self._edges:
            return here
        self._edges[here] = events, after = [], {}
        if done in self.courses:
            self._sweep(done, way)
        for many, event in self._events():
            with self.world.tried():
                self.world.deliver(event | {"id": f"evt_{uuid.uuid4().hex}"})
                self.delivered += 1
                events.append((many, self._explore(done, (*way, f"<{event['type']}>"))))
        for name in self._steps_after(done):
            with self.world.tried():
                self.world.step(name)
                after[name] = self._explore((*done, name), (*way, name))
        return here

    def _steps_after(self, done: Course) -> list[str]:
        names = [one[len(done)] for one in self.courses if one[: len(done)] == done and len(one) > len(done)]
        return list(dict.fromkeys(names))

    def _sweep(self, done: Course, way: tuple[str, ...]) -> None:
        with self.world.tried():
            self.world.sweep()
            self.swept += 1
            self.ends.setdefault(done, {}).setdefault(self.world.end(), list(way))

    def _events(self) -> list[tuple[int, dict[str, Any]]]:
        """One of each that says the same to us, and how many of them there are: only the ids and the kind of
        object an event names are ever used of it."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        for event in self.world.events():
            about = event.get("related_object") or event["data"]["object"]
            said = [about.get(name) for name in _SAID]
            key = json.dumps([said, about.get("metadata")])
            found[key] = (found.get(key, (0, event))[0] + 1, event)
        return list(found.values())

    def play(self, course: Course, draw: random.Random) -> tuple[list[str], str]:
        """One history drawn and carried out from its start to its sweep, and its end. Nothing of the graph is
        used; every state it passes must be in it. The same event may come again under its own id."""
        way: list[str] = []
        with self.world.tried():
            for number in range(len(course) + 1):
                for _ in range(draw.randrange(4)):
                    event = draw.choice(self.world.events())
                    way.append(f"<{event['type']}>")
                    self.world.deliver(event)
                    assert (course[:number], self.world.state()) in self._edges, way
                if number < len(course):
                    way.append(course[number])
                    self.world.step(course[number])
            self.world.sweep()
            return way, self.world.end()

    def histories(self, course: Course, most: int = 3) -> int:
        """How many of this course there are with at most `most` deliveries between two of its steps: each a
        path from the start to a sweep."""
        return self._paths(self.start, course, most, most, {})

    def _paths(self, here: Node, course: Course, most: int, left: int, known: dict[Any, int]) -> int:
        if (here, left) not in known:
            (done, _), (events, after) = here, self._edges[here]
            over = done == course
            total = 1 if over else self._paths(after[course[len(done)]], course, most, most, known)
            if left:
                total += sum(
                    many * self._paths(there, course, most, left - 1, known) for many, there in events
                )
            known[here, left] = total
        return known[here, left]

    @property
    def states(self) -> int:
        return len(self._edges)


_SAID = ("object", "type", "id", "payment_intent", "charge", "transfer_group")

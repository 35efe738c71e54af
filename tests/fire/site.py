"""The whole site on a database and ports of its own: web, worker and sandbox as `make run` starts them, and
who is in it. Each is a process that can be killed and started again."""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import socket
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import sqlalchemy as sa

import config
from marketplace.domain.policy import Actor
from marketplace.gateways.payments_stripe import StripePayments
from marketplace.services.people.log_ins import open_log_in
from marketplace.services.reactions import REACTIONS
from marketplace.storage.clock import OffsetClock, real_now
from marketplace.storage.db import Database, connect
from marketplace.storage.experts import Expert
from marketplace.storage.people import Person
from tests import factories as make
from tests.fire import flawed
from tests.fire.children import ROOT, fork, kill, until
from tests.journeys.visitor import Visitor

PROGRAMS = ("sandbox", "web", "worker")
PR_SET_PDEATHSIG = 1


def program(line: list[str], environment: dict[str, str], log: str, build: str) -> None:
    """Become one of the site's programs, as `python -m …` would (in a forked process that imported it all)."""
    os.setsid()
    if sys.platform == "linux":  # It ends with the process that forked it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    flawed.install(build)
    sys.argv = line
    runpy.run_module(line[0], run_name="__main__", alter_sys=True)


@dataclass
class Cast:
    """Who is in the house, by their log-ins; experts by their offers."""

    leads: list[tuple[Actor, str]] = field(default_factory=list)
    experts: dict[uuid.UUID, tuple[str, str]] = field(default_factory=dict)  # log-in, the offer's slug
    operator: str = ""


@dataclass
class Site:
    """A running instance. `url` has no slash at the end."""

    port: int
    database_url: str
    folder: Path
    environment: dict[str, str]
    build: str
    engine: sa.Engine
    db: Database
    processes: dict[str, ForkServerProcess] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self, name: str) -> None:
        lines = {
            "sandbox": ["sandbox"],
            "web": ["gunicorn", "--config", "python:marketplace.cli.gunicorn_settings",
                    f"--bind=127.0.0.1:{self.port}", "wsgi:app"],
            "worker": ["flask", "--app", "wsgi", "worker"],
        }  # fmt: skip
        log = str(self.folder / f"{name}.log")
        self.processes[name] = fork(program, lines[name], self.environment, log, self.build)

    def kill(self, name: str) -> int:
        """SIGKILL it whole, and start it again; the pid that died."""
        fallen = self.processes[name]
        kill(fallen, group=True)
        self.start(name)
        return int(fallen.pid or 0)

    def web_workers(self) -> list[int]:
        """The pids of gunicorn's own children."""
        master = self.processes["web"].pid
        try:
            return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
        except OSError:
            return []

    def well(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def until_well(self) -> None:
        for name in PROGRAMS:
            if not self.processes[name].is_alive():
                self.start(name)
        until(self._all_answer, f"the site is not well:\n{self.logs()}")

    def _all_answer(self) -> bool:
        for name, process in self.processes.items():
            assert process.is_alive(), f"{name} ended with {process.exitcode}:\n{self.log(name)[-3000:]}"
        return self.well() and self._sandbox_answers()

    def _sandbox_answers(self) -> bool:
        try:
            port = int((self.folder / "sandbox.port").read_text())
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                return True
        except (OSError, ValueError):
            return False

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def logs(self) -> str:
        return "\n".join(f"--- {name}\n{self.log(name)[-1500:]}" for name in PROGRAMS)

    def settings(self) -> config.Config:
        return config.load(self.environment)

    def guest(self, log_in: str = "") -> Visitor:
        made = Visitor(self.url)
        if log_in:
            made.keep("declic", log_in)
        return made

    def stop(self) -> None:
        for process in self.processes.values():
            kill(process, group=True)
        self.engine.dispose()


@contextmanager
def running(database_url: str, folder: Path, build: str = "right") -> Iterator[Site]:
    """Everything on an empty migrated database, until the end of the block."""
    port = _free_port()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "PLATFORM_"))
    }
    environment = kept | {
        "ENV": "demo", "PORT": str(port), "DATA_DIR": str(folder), "DATABASE_URL": database_url, "LOAD_DEMO": "0",
        "PAYMENTS": "sandbox", "SITE_URL": f"http://localhost:{port}", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    for name in ("SMTP_URL", "SECRET_KEY", "HOST"):
        environment.pop(name, None)
    config.load(environment)  # Makes the secret that all of them share.
    engine = connect(database_url)
    db = Database(engine, clock=OffsetClock(engine), reactions=REACTIONS)
    site = Site(port, database_url, folder, environment, build, engine, db)
    try:
        site.start("sandbox")
        until((folder / "sandbox.port").exists, "the sandbox does not start")
        for name in ("web", "worker"):
            site.start(name)
        site.until_well()
        yield site
    finally:
        site.stop()


def cast(site: Site, leads: int, experts: int) -> Cast:
    """So many leads with a company each, experts who can be paid, and an operator; all of them logged in."""
    found, settings = Cast(), site.settings()
    gateway = StripePayments(
        settings.stripe_secret_key, settings.stripe_webhook_secrets, api_base=settings.stripe_api_base
    )
    for _ in range(leads):
        lead = make.lead(site.db)
        found.leads.append((lead.actor, _log_in(site, lead.person)))
    for number in range(experts):
        seller = make.seller(site.db, meeting_link="https://meet.example.com/room")
        offer = make.offer(
            site.db, seller.expert, notice_hours=24, minutes=180, price_minor=90_000 + 10_000 * number
        )
        account = gateway.create_account(
            key=str(uuid.uuid4()),
            reference=str(seller.expert.id),
            email="e@site.test",
            name="E",
            country="FR",
        )
        link = gateway.onboarding_link(
            key=str(uuid.uuid4()), account_id=account.id, return_url=site.url, refresh_url=site.url
        )
        assert site.guest().post(link.url, {"action": "complete"}, follow=False).status == 303
        with site.db.transaction() as tx:
            tx.session.get_one(Expert, seller.expert.id).account_id = account.id
        found.experts[seller.expert.id] = (_log_in(site, seller.person), offer.slug)
    found.operator = _log_in(site, make.person(site.db, name="Odile Marchal", operator=True))
    return found


def _log_in(site: Site, person: Person) -> str:
    now = real_now()
    with site.db.transaction() as tx:
        return open_log_in(tx, person, address="127.0.0.1", user_agent="", real_now=now, factor_at=now).token


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""The supervisor `make run` becomes: database, then sandbox, web and worker, until Ctrl-C.

A child that dies is started again, a little later each time. All of them end with this process,
also when it is killed. What they print goes to DATA_DIR/log.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import LiteralString

import psycopg

import config
from marketplace.cli import UNFINISHED
from marketplace.cli.schema import upgrade
from marketplace.storage import embedded

ROOT = Path(config.__file__).resolve().parent
DEMO = ROOT / "demo"
# A busy laptop takes its time; whoever waits sees the step that is under way.
READY_SECONDS = 120
STOP_SECONDS = 12
LONGEST_WAIT = 30.0
# A child that lived this long counts as healthy: its next fall is its first.
HEALTHY_SECONDS = 60
PR_SET_PDEATHSIG = 1


class Stop(Exception):
    """What keeps us from going on, in one sentence."""


class Asked(BaseException):
    """Ctrl-C or SIGTERM: no error, wherever we are."""


@dataclass
class Child:
    """One of our processes, and how it has fared."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: int = 0
    again_at: float = field(default=0.0)

    def start(self) -> None:
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            # A process group of its own, so that stopping it stops what it started.
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def look_after(self) -> None:
        """Start it again if it died, later after each fall."""
        if self.process is None:
            if time.monotonic() >= self.again_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        lived = time.monotonic() - self.started
        self.falls = 1 if lived > HEALTHY_SECONDS else self.falls + 1
        wait = min(LONGEST_WAIT, 0.5 * 2 ** (self.falls - 1))
        print(f"  ! {self.name} ended ({code}); again in {wait:.1f} s. See {self.log}", flush=True)
        _signal_group(self.process, signal.SIGKILL)  # What it left behind would hold its port.
        self.process, self.again_at = None, time.monotonic() + wait

    def signal(self, how: int) -> None:
        if self.process is not None:
            _signal_group(self.process, how)

    def gone(self) -> bool:
        return self.process is None or self.process.poll() is not None


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _asked)
    signal.signal(signal.SIGINT, _asked)
    settings = config.load()
    supervisor = Supervisor(settings)
    try:
        supervisor.start()
        print(_box(settings, time.time() - options.since), flush=True)
        supervisor.watch()
    except Asked:
        print("\n  Stopping …", flush=True)
    except (Stop, embedded.EmbeddedError, config.ConfigError) as error:
        print(f"\n  ✗ {error}\n", file=sys.stderr)
        return 1
    finally:
        # From here on a second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        supervisor.stop()
    return 0


class Supervisor:
    """Starts in order, watches, stops in the opposite order."""

    def __init__(self, settings: config.Config) -> None:
        self.settings = settings
        self.server: embedded.Server | None = None
        self.children: list[Child] = []
        self.logs = settings.data_dir / "log"
        self.unfinished = settings.data_dir / "demo.unfinished"

    def start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._start_database()
        with step("Tables"):
            upgrade(self.settings.database_url)
        if self.settings.sandbox:
            with step("Sandbox provider (no money moves)"):
                self._start_sandbox()
        with step("Web and worker"):
            gunicorn = [
                sys.executable,
                "-m",
                "gunicorn",
                "--config",
                "python:marketplace.cli.gunicorn_settings",
            ]
            self._child("web", [*gunicorn, f"--bind={_bind(self.settings)}", "wsgi:app"])
            self._child("worker", [sys.executable, "-m", "flask", "--app", "wsgi", "worker"])
            self._until(lambda: _healthy(self.settings), "The web server does not answer", "web")
        if self.settings.demo and self.settings.load_demo:
            self._demo()

    def watch(self) -> None:
        """Until asked to stop."""
        while True:
            for child in self.children:
                child.look_after()
            if self.server is not None and self.server.process.poll() is not None:
                print("  ! the database ended; starting it again", flush=True)
                self._restart_database()
            time.sleep(0.25)

    def stop(self) -> None:
        for child in self.children:
            child.signal(signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until and not all(child.gone() for child in self.children):
            time.sleep(0.05)
        for child in self.children:
            child.signal(signal.SIGKILL)
        if self.server is not None:
            self.settings.database_file.unlink(missing_ok=True)
            self.server.stop()

    def _start_database(self) -> None:
        if self.settings.embedded_database:
            with step("Database (PostgreSQL, embedded)"):
                self._restart_database()
                if self.server is not None and self.unfinished.exists():
                    # Nobody was shown that house yet, so nothing of anybody's is lost.
                    embedded.empty(self.server)
                    self.unfinished.unlink()
        self.settings = config.load()  # Now with the database's address.
        embedded.refuse_unfit(self.settings.database_url)

    def _restart_database(self) -> None:
        if self.server is not None:
            self.server.stop()
        self.server = embedded.start(self.settings.data_dir)
        fresh = self.settings.database_file.with_suffix(".new")
        fresh.write_text(self.server.url + "\n")
        fresh.chmod(0o600)
        fresh.replace(self.settings.database_file)

    def _start_sandbox(self) -> None:
        # The file of an earlier run stays: the sandbox takes that port again where it is free.
        file = self.settings.sandbox_port_file
        before = _written(file)
        self._child("sandbox", [sys.executable, "-m", "sandbox"])
        self._until(lambda: _written(file) > before, "The sandbox provider does not start", "sandbox")

    def _child(self, name: str, line: list[str]) -> None:
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        child = Child(name, line, log)
        child.start()
        self.children.append(child)

    def _flask(self, what: str, *arguments: str, fine: tuple[int, ...] = (0,)) -> None:
        """A command of the application, its progress shown as it comes."""
        with step(what):
            line = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
            process = subprocess.Popen(line, cwd=ROOT, start_new_session=True, preexec_fn=_end_with_parent)
            try:
                code = process.wait()
            except BaseException:
                _signal_group(process, signal.SIGTERM)
                raise
            if code not in fine:
                raise Stop(f"`flask --app wsgi {' '.join(arguments)}` failed.")

    def _demo(self) -> None:
        # After the web: loaded experts click through the provider's own page, which the site shows.
        loaded, files = self.settings.data_dir / "demo.loaded", _content(DEMO)
        missing = (
            "select exists (select from experts where demo and source_id is not null and account_id is null)"
        )
        if not (
            self._holds("select exists (select from offers)")
            and loaded.exists()
            and loaded.read_text() == files
            # Experts the provider had no answer for, of whatever folder, are asked about again.
            and not self._holds(missing)
        ):
            self._flask("Demo data", "demo", "load", str(DEMO), fine=(0, UNFINISHED))
            loaded.write_text(files)
        if self._holds("select exists (select from bookings where origin = 'made')"):
            return  # Played into an empty house only.
        # A play that is broken off leaves half a story and a clock in the past: the mark says so.
        self.unfinished.touch()
        self._flask("Demo bookings, played from 40 days back to today", "demo", "play")
        self.unfinished.unlink()

    def _until(self, ready: Callable[[], bool], complaint: str, name: str) -> None:
        until = time.monotonic() + READY_SECONDS
        while not ready():
            if time.monotonic() > until:
                log = self.logs / f"{name}.log"
                raise Stop(f"{complaint}; the end of {log}:\n{_tail(log)}")
            for child in self.children:
                child.look_after()
            time.sleep(0.05)

    def _holds(self, question: LiteralString) -> bool:
        address = self.settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(address) as connection:
            row = connection.execute(question).fetchone()
        return bool(row and row[0])


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print the step with its time once it is done."""
    started = time.monotonic()
    yield
    print(f"  ✓ {what:<58} {time.monotonic() - started:5.1f} s", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m marketplace.cli.supervise")
    parser.add_argument("--since", type=float, default=time.time(), help="when the start began")
    return parser.parse_args()


def _asked(number: int, frame: FrameType | None) -> None:
    raise Asked


def _end_with_parent() -> None:
    # Where Linux offers it, a killed supervisor takes its children along.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(process: subprocess.Popen[bytes], how: int) -> None:
    try:
        os.killpg(process.pid, how)
    except (ProcessLookupError, PermissionError):
        pass  # Gone already.


def _bind(settings: config.Config) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"


def _content(folder: Path) -> str:
    """What tells one state of a folder's files from another."""
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.json*")):
        found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


def _people() -> str:
    """Whom one can be, beside the experts."""
    people = [json.loads(line) for line in (DEMO / "people.jsonl").read_text().splitlines() if line.strip()]
    named = [p["name"] + (" (operator)" if p.get("operator") else "") for p in people]
    return ", ".join([*named, "and every expert"])


def _written(file: Path) -> int:
    """When it was last written, in nanoseconds; 0 where there is none."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _healthy(settings: config.Config) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared only
    site = settings.site_url.split("://", 1)[1]
    connection = http.client.HTTPConnection(host, settings.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": site})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return "\n".join(f"    {line}" for line in lines)


def _box(settings: config.Config, seconds: float) -> str:
    lines = [f"{settings.site_name} runs: {settings.site_url}    ({seconds:.1f} s)"]
    if settings.demo:
        if settings.load_demo:
            lines += ["", f"Log in as a demo person with one click:  {settings.site_url}/dev/login"]
            lines += textwrap.wrap(_people(), 68, initial_indent="    ", subsequent_indent="    ")
        else:
            lines += [
                "",
                "No demo data was loaded (LOAD_DEMO=0). With the same settings, the first operator, once:",
                '    .venv/bin/flask --app wsgi people first-operator YOU@COMPANY.COM --name "YOUR NAME"',
                f"and a folder of people, who then log in with one click at {settings.site_url}/dev/login:",
                "    .venv/bin/flask --app wsgi demo load DIR",
                "",
            ]
        if not settings.smtp_url:
            lines.append(f"Mail it would have sent:                 {settings.site_url}/dev/mail")
    if settings.sandbox:
        lines += ["", "Payments go to a sandbox provider on this machine: no money moves."]
    lines += ["", f"What the processes say: {settings.data_dir / 'log'}     Stop: Ctrl-C"]
    width = max(len(line) for line in lines) + 4
    inside = [f"  │  {line:<{width - 2}}│" for line in lines]
    return "\n".join(["", f"  ┌{'─' * width}┐", *inside, f"  └{'─' * width}┘", ""])


if __name__ == "__main__":
    sys.exit(main())

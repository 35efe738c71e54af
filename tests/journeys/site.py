"""The real thing for tests: sandbox provider, web and worker as processes, on a database of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Enough of the demo to search in, to lose an expert and to find another; a small house starts faster.
EXPERTS = ("e01", "e02", "e05", "e12", "e17", "e25", "e30", "e32", "e34")
READY_SECONDS = 60


@dataclass
class Site:
    """A running instance. `url` has no slash at the end."""

    url: str
    database_url: str
    data_dir: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def flask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the application, as an operator would type it."""
        line = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        return subprocess.run(
            line, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def log(self, name: str) -> str:
        """What a process said."""
        path = self.data_dir / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def start(self, name: str, *line: str) -> None:
        with (self.data_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *line], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def until(self, ready: object, name: str) -> None:
        """Wait for a process to be of use; its log is the message when it never is."""
        ends = time.monotonic() + READY_SECONDS
        while not ready():  # type: ignore[operator]
            fallen = self.processes[name].poll()
            assert fallen is None, f"{name} ended with {fallen}:\n{self.log(name)[-3000:]}"
            assert time.monotonic() < ends, f"{name} does not answer:\n{self.log(name)[-3000:]}"
            time.sleep(0.05)

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """The worker stands still meanwhile: what is asked of it waits."""
        _signal(self.processes["worker"], signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(self.processes["worker"], signal.SIGCONT)

    def stop(self) -> None:
        """End what was started, the worker first; whoever does not listen is killed."""
        for process in reversed(self.processes.values()):
            _signal(process, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=12)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait(timeout=5)


@contextmanager
def running(database_url: str, folder: Path) -> Iterator[Site]:
    """Start everything on an empty migrated database, load demo data, and end it all afterwards."""
    port = _free_port()
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "PLATFORM_"))
    }
    environment = inherited | {
        "ENV": "demo", "PORT": str(port), "DATA_DIR": str(folder), "DATABASE_URL": database_url,
        "PAYMENTS": "sandbox", "SITE_URL": f"http://localhost:{port}", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    for name in ("SMTP_URL", "SECRET_KEY", "HOST"):
        environment.pop(name, None)
    site = Site(f"http://localhost:{port}", database_url, folder, environment)
    try:
        site.start("sandbox", "sandbox")
        site.until((folder / "sandbox.port").exists, "sandbox")
        settings = "python:marketplace.cli.gunicorn_settings"
        site.start("web", "gunicorn", "--config", settings, f"--bind=127.0.0.1:{port}", "wsgi:app")
        site.start("worker", "flask", "--app", "wsgi", "worker")
        site.until(lambda: _healthy(site.url), "web")
        loaded = site.flask("demo", "load", str(_small_demo(folder / "demo")))
        assert loaded.returncode == 0, loaded.stderr
        assert "cannot be booked" not in loaded.stdout, f"{loaded.stdout}\n{site.log('sandbox')[-3000:]}"
        yield site
    finally:
        site.stop()


def _small_demo(target: Path) -> Path:
    """The demo's files with a few experts, and what belongs to them."""
    source = ROOT / "demo"
    target.mkdir()
    offers = [row for row in _rows(source / "offers.jsonl") if row["expert"] in EXPERTS]
    kept = {row["id"] for row in offers}
    _write(target / "offers.jsonl", offers)
    _write(target / "experts.jsonl", [row for row in _rows(source / "experts.jsonl") if row["id"] in EXPERTS])
    _write(target / "reviews.jsonl", [row for row in _rows(source / "reviews.jsonl") if row["offer"] in kept])
    for name in ("people.jsonl", "taxonomy.json"):
        shutil.copy(source / name, target / name)
    return target


def _rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:  # 503 while the worker is not there yet.
        error.close()
        return False
    except OSError:
        return False


def _signal(process: subprocess.Popen[bytes], how: int) -> None:
    try:
        os.killpg(process.pid, how)  # A session of its own: its children with it.
    except ProcessLookupError:
        pass  # Gone already.

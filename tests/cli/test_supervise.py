"""The supervisor: a child that dies comes back, later each time, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from marketplace.cli.supervise import LONGEST_WAIT, Child, _box


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    # It starts a process of its own, as gunicorn does, and says its number.
    script = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    made = Child("sleeper", [sys.executable, "-c", script], tmp_path / "sleeper.log")
    yield made
    made.signal(signal.SIGKILL)
    if made.process is not None:
        made.process.wait()


def test_it_comes_back_later_each_time(child: Child, capsys: pytest.CaptureFixture[str]) -> None:
    child.start()
    waits = []
    for _ in range(8):
        assert child.process is not None
        child.process.kill()
        child.process.wait()
        before = time.monotonic()
        child.look_after()
        assert child.process is None
        waits.append(child.again_at - before)
        child.look_after()
        assert child.process is None, "its time has not come yet"
        child.again_at = 0
        child.look_after()
    assert waits[0] < waits[1] < waits[2]
    assert max(waits) <= LONGEST_WAIT + 1
    assert "sleeper ended" in capsys.readouterr().out


def test_one_that_lived_long_starts_again_at_once(child: Child) -> None:
    child.start()
    child.falls, child.started = 7, child.started - 3600
    assert child.process is not None
    child.process.kill()
    child.process.wait()
    child.look_after()
    assert child.falls == 1


def test_what_it_started_ends_with_it(child: Child) -> None:
    child.start()
    assert child.process is not None
    grandchild = _number_in(child.log)
    assert _lives(grandchild)
    child.signal(signal.SIGTERM)
    child.process.wait()
    assert child.gone()
    _wait_until_gone(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from marketplace.cli.supervise import Child;"
        "c = Child('x', [sys.executable, '-c', 'import time; time.sleep(60)'], Path(sys.argv[1]));"
        "c.start(); print(c.process.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    number = int(supervisor.stdout.readline())
    assert _lives(number)
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    _wait_until_gone(number)


def _number_in(log: Path) -> int:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if log.exists() and log.read_text().strip():
            return int(log.read_text())
        time.sleep(0.01)
    raise AssertionError("it said nothing")


def _wait_until_gone(number: int) -> None:
    until = time.monotonic() + 10
    while _lives(number):
        assert time.monotonic() < until, "it lives on"
        time.sleep(0.01)


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
        return Path(f"/proc/{number}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_an_empty_house_says_how_its_first_people_come_in(tmp_path: Path) -> None:
    empty = _box(config.load({"DATA_DIR": str(tmp_path), "LOAD_DEMO": "0", "PORT": "8123"}), 1.0)
    assert "people first-operator" in empty
    assert "demo load DIR" in empty
    assert "Camille" not in empty
    full = _box(config.load({"DATA_DIR": str(tmp_path)}), 1.0)
    assert "first-operator" not in full
    assert "Camille" in full
    for box in (empty, full):
        assert len({len(line) for line in box.splitlines() if line.strip()}) == 1, "its sides are straight"

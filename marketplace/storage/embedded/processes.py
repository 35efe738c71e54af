"""Ending servers: our own, and those that a kill left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from .errors import EmbeddedError

STOP_SECONDS = 20


def stop_left_behind(data: Path) -> None:
    """End a server whose supervisor was killed, and remove a pid file that names nobody of ours.

    PostgreSQL itself trusts the file as long as any process of that number lives, which after a
    restart of the machine may be anybody.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    first = pid_file.read_text().split("\n", 1)[0].strip()
    if first.isdigit() and _is_postgres_in(int(first), data):
        end(int(first), None)
    until = time.monotonic() + STOP_SECONDS
    while _working_in(data):  # Children of a killed server leave by themselves, soon.
        if time.monotonic() > until:
            raise EmbeddedError(f"Processes of an old server still work in {data}: {_working_in(data)}.")
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _is_postgres_in(pid: int, data: Path) -> bool:
    if Path("/proc/self").exists():
        return pid in _working_in(data)
    listed = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(data) in listed.stdout


def _working_in(data: Path) -> list[int]:
    """Processes whose working folder is the data folder: a server and its children go there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == data and (entry / "stat").read_text().rsplit(") ", 1)[1][
                0
            ] != "Z":
                found.append(int(entry.name))
        except OSError:
            continue  # Gone, or not ours to look at.
    return found


def end(pid: int, process: subprocess.Popen[bytes] | None) -> None:
    """Fast shutdown, then immediate, then no mercy; returns when the process is gone."""
    for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if process is not None and process.poll() is not None:
            return
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return
        if _gone(pid, process, seconds):
            return


def _gone(pid: int, process: subprocess.Popen[bytes] | None, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process is not None:
            if process.poll() is not None:
                return True
        elif not Path("/proc", str(pid)).exists() and not _alive(pid):
            return True
        time.sleep(0.02)
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

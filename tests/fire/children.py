"""Processes of the house that start warm: forked from one that has imported everything, so that a restart
costs what the program does, not what Python reads. Each is a process of its own, and killed like one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["pytest", "tests.fire.preload"])


def fork(run: Callable[..., Any], *arguments: Any) -> ForkServerProcess:
    """A fresh process that runs this and ends; none outlives the test run."""
    process = _context.Process(target=run, args=arguments, daemon=True)
    process.start()
    return process


def ended(process: ForkServerProcess, seconds: float = 60) -> int:
    """Wait for its end: the exit status, or minus the signal that ended it."""
    process.join(seconds)
    code = process.exitcode
    if code is None:
        kill(process)
        raise AssertionError(f"process {process.pid} did not end within {seconds} s")
    return code


def kill(process: ForkServerProcess, *, group: bool = False) -> None:
    """SIGKILL to a process we started, with its own children where it leads a group."""
    assert process.pid is not None
    try:
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # Gone already.
    process.join(10)


def until(ready: Callable[[], bool], what: str, seconds: float = 60, pause: float = 0.05) -> None:
    """Wait for a process, and no longer than this."""
    ends = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > ends:
            raise AssertionError(f"waited {seconds} s: {what}")
        time.sleep(pause)

"""`make test` and `make check`.

python tools/run_tests.py             format, lint, types, then every test; ends on pytest's own line
python tools/run_tests.py --check     format, lint, types and the house tests alone
python tools/run_tests.py -k hold     what follows is handed to pytest
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKS = (
    ("format", ["ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["ruff", "check", "--quiet", "."]),
    ("types", ["mypy", "--no-error-summary"]),
)
# The journeys stay together on one worker (conftest.py).
SPREAD = ["-n", "2", "--dist", "loadgroup"]


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    good = [check(name, command) for name, command in CHECKS]  # All of them, whatever the first says.
    if not all(good):
        return 1
    sys.stdout.flush()
    pytest = [sys.executable, "-m", "pytest"]
    if "--check" in arguments:
        return subprocess.run([*pytest, "-q", "tests/house"], check=False).returncode
    return subprocess.run([*pytest, *SPREAD, *arguments], check=False).returncode


def check(name: str, command: list[str]) -> bool:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    mark = "✓" if done.returncode == 0 else "✗"
    print(f"  {mark} {name:<10} {time.monotonic() - started:5.1f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

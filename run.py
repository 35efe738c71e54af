"""`make run`: from a fresh checkout to a running Déclic. Needs Python 3.11 and nothing else.

Looks before it writes, then: a virtual environment, the locked requirements, the assets; each step is
skipped when nothing it depends on has changed. Then the supervisor (marketplace/cli/supervise.py) takes
this process over. Other uses:

    python3 run.py --only-install         stop before anything is started
    python3 run.py --dev                  the requirements of tests and checks too
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
DISK_NEEDED_MB = 700  # The environment takes some 400, the database 100.


class Stop(Exception):
    """What keeps us from going on, and what helps, in one sentence."""


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print the step with its time once it is done."""
    started = time.monotonic()
    yield
    print(f"  ✓ {what:<58} {time.monotonic() - started:5.1f} s", flush=True)


def main(arguments: list[str]) -> int:
    started = time.time()
    dev, only_install = "--dev" in arguments, "--only-install" in arguments
    try:
        look_first(starting=not only_install)
        if not PYTHON.exists():
            with step("Virtual environment .venv"):
                make_environment()
        install("requirements-dev.txt" if dev else "requirements.txt")
        with step("Fonts, icons, styles and translations"):
            run([str(PYTHON), "tools/assets.py"], "The assets could not be built")
    except Stop as stop:
        print(f"\n  ✗ {stop}\n", file=sys.stderr)
        return 1
    if not only_install:
        sys.stdout.flush()
        os.chdir(ROOT)
        os.execv(PYTHON, [str(PYTHON), "-m", "marketplace.cli.supervise", f"--since={started}"])
    return 0


def look_first(*, starting: bool) -> None:
    """All that can be known to fail is said before anything is written."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older one gets a sentence, not a traceback
        raise Stop(
            f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. "
            "With several on this machine: make run PYTHON=python3.12"
        )
    import config

    try:
        settings = config.load()
    except config.ConfigError as error:
        raise Stop(str(error)) from None
    free = shutil.disk_usage(ROOT).free // 2**20
    if free < DISK_NEEDED_MB and not PYTHON.exists():
        raise Stop(f"{DISK_NEEDED_MB} MB of disk are needed, {free} MB are free.")
    if starting and taken(settings.host, settings.port):
        raise Stop(
            f"Port {settings.port} is taken. Beside a running instance: "
            f"PORT={settings.port + 1} DATA_DIR=var{settings.port + 1} make run"
        )
    with step(f"Python {sys.version.split()[0]}, {free // 1024} GB free, port {settings.port} free"):
        pass


def taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def make_environment() -> None:
    # pip is only wanted where uv is not at hand; bringing it takes seconds.
    command = [sys.executable, "-m", "venv", str(VENV)]
    if shutil.which("uv"):
        command.append("--without-pip")
    try:
        run(command, "The virtual environment could not be made")
    except Stop as stop:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Stop(f"{stop}\n    On Debian and Ubuntu: apt-get install python3-venv") from None


def install(name: str) -> None:
    """The locked requirements with their hashes, by uv, else by pip; once for each content of the file."""
    wanted = hashlib.sha256((ROOT / name).read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / f".stamp-{name}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with step(f"Packages of {name}"):
        uv = uv_command()
        done = uv is not None and quiet([*uv, "pip", "install", "--python", str(PYTHON), *hashed(name)])
        if not done:
            if not quiet([str(PYTHON), "-m", "pip", "--version"]):
                quiet([str(PYTHON), "-m", "ensurepip", "--upgrade"])
            pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            run([*pip, *hashed(name)], "The packages could not be installed")
        stamp.write_text(wanted)


def hashed(name: str) -> list[str]:
    return ["--require-hashes", "-r", str(ROOT / name)]


def uv_command() -> list[str] | None:
    """uv as the machine has it, else our own pinned copy; None where it cannot be had."""
    found = shutil.which("uv")
    if found:
        return [found]
    own = [str(PYTHON), "-m", "uv"]
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if quiet([*own, "--version"]) or quiet([*pip, *hashed("requirements-uv.txt")]):
        return own
    return None


def quiet(command: list[str]) -> bool:
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def run(command: list[str], complaint: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-12:]
        raise Stop(f"{complaint}:\n    " + "\n    ".join(said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

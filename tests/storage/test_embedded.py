"""The embedded server: starts, stops, and comes back after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from marketplace.storage import embedded


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; whatever stands elsewhere for it (as root) goes too."""
    import shutil

    yield tmp_path / "data"
    shutil.rmtree(embedded.home_of(tmp_path / "data"), ignore_errors=True)


def ask(url: str, question: str = "select 1") -> object:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[arg-type]
    return row and row[0]


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    first = embedded.start(folder)
    with psycopg.connect(first.url.replace("+psycopg", "")) as connection:
        connection.execute("create table kept (words text)")
        connection.execute("insert into kept values ('É')")
    first.stop()
    first.stop()  # Twice is no error.
    again = embedded.start(folder)
    try:
        assert again.url == first.url
        assert ask(again.url, "select lower(words) from kept") == "é"
        embedded.refuse_unfit(again.url)
    finally:
        again.stop()
    assert not embedded.running(folder)


def test_two_stand_beside_each_other_but_not_on_the_same_data(folder: Path, tmp_path: Path) -> None:
    one = embedded.start(folder, durable=False)
    two = embedded.start(tmp_path / "other", durable=False)
    try:
        assert one.url != two.url
        assert ask(one.url) == ask(two.url) == 1
        assert embedded.running(folder)
        with pytest.raises(embedded.EmbeddedError, match="already runs"):
            embedded.start(folder)
    finally:
        one.stop()
        two.stop()
    assert not embedded.home_of(folder).exists()  # Not durable: nothing is left.


def test_it_comes_back_after_its_server_was_killed(folder: Path) -> None:
    killed = embedded.start(folder)
    killed.process.kill()
    killed.process.wait()
    killed.stop()
    again = embedded.start(folder)
    assert ask(again.url) == 1
    again.stop()


def test_it_comes_back_after_its_supervisor_was_killed(folder: Path) -> None:
    """The server lives on as an orphan; the next start ends it and takes over."""
    script = (
        "import sys, time; from pathlib import Path; from marketplace.storage import embedded;"
        "s = embedded.start(Path(sys.argv[1])); print(s.process.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert supervisor.stdout is not None
    orphan = int(supervisor.stdout.readline())
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    assert _lives(orphan)
    again = embedded.start(folder)
    try:
        assert ask(again.url) == 1
        assert again.process.pid != orphan
        assert not _lives(orphan)
    finally:
        again.stop()


def _lives(pid: int) -> bool:
    """Where nobody reaps orphans (a container without an init) the dead stay listed, as zombies."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


def test_a_stale_pid_of_somebody_else_is_no_obstacle(folder: Path) -> None:
    embedded.start(folder).stop()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pid_file = embedded.home_of(folder) / "data" / "postmaster.pid"
    pid_file.write_text(f"{other.pid}\n{pid_file.parent}\n{int(time.time())}\n5432\n\n\n")
    try:
        again = embedded.start(folder)
        assert ask(again.url) == 1
        again.stop()
        assert other.poll() is None, "it was none of ours to end"
    finally:
        other.kill()
        other.wait()


def test_a_server_that_does_not_answer_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match="does not answer"):
        embedded.refuse_unfit(f"postgresql+psycopg://declic@/declic?host={tmp_path}")


def test_a_database_that_knows_no_capitals_is_refused(template: tuple[str, str]) -> None:
    from tests import database as databases

    name = f"plain_{os.getpid()}"
    databases.run_on_server(
        template[0],
        f"create database {name} template template0 encoding 'UTF8' locale 'C' locale_provider 'libc'",
    )
    try:
        with pytest.raises(embedded.EmbeddedError, match="capital é"):
            embedded.refuse_unfit(databases.address(template[0], name))
    finally:
        databases.run_on_server(template[0], f"drop database {name}")

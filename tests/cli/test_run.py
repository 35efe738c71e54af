"""The bootstrap: looks before it writes, and says what is wrong in one sentence."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

import run


def test_a_taken_port_is_seen() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert run.taken("127.0.0.1", port)
    assert not run.taken("127.0.0.1", port)


def test_a_taken_port_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = _settings(tmp_path, port)
        monkeypatch.setattr("config.load", lambda: settings)
        with pytest.raises(run.Stop, match=f"Port {port} is taken.*DATA_DIR"):
            run.look_first(starting=True)
        run.look_first(starting=False)  # Only installing: the port does not matter.


def test_an_old_python_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(run.Stop, match=r"Python 3\.11"):
        run.look_first(starting=False)


def test_an_installed_list_is_not_installed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []
    (tmp_path / "requirements.txt").write_text("one==1\n")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "VENV", tmp_path)
    monkeypatch.setattr(run, "quiet", lambda command: bool(asked.append(command) or True))
    run.install("requirements.txt")
    first = len(asked)
    run.install("requirements.txt")
    assert first > 0
    assert len(asked) == first
    (tmp_path / "requirements.txt").write_text("one==2\n")
    run.install("requirements.txt")
    assert len(asked) > first


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(run.Stop, match=r"It went wrong:\s+because of this"):
        run.run([sys.executable, "-c", "raise SystemExit('because of this')"], "It went wrong")


def _settings(folder: Path, port: int) -> object:
    import config

    return config.load({"DATA_DIR": str(folder), "PORT": str(port)})

"""`demo load` as somebody at a terminal meets it: what it prints, and the code it ends with."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import config
from marketplace import create_app
from marketplace.storage.db import Database
from tests import database as databases
from tests.services.test_demo_load import DEMO, Bank


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def app(db: Database, template: tuple[str, str], tmp_path: Path, bank: Bank) -> Flask:
    settings = config.load({"DATABASE_URL": databases.address(*template), "DATA_DIR": str(tmp_path)})
    made = create_app(settings, database=db)
    made.extensions["declic"] = dataclasses.replace(made.extensions["declic"], payments=bank)
    return made


def run(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(args=["demo", "load", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "other"
    made.mkdir()
    for name in ("experts.jsonl", "offers.jsonl"):
        shutil.copy(DEMO / name, made / name)
    return made


def test_two_files_are_enough_and_once(
    app: Flask, folder: Path, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.cli.demo._onboarding", lambda site: bank.onboard)
    first = run(app, str(folder))
    assert (first.exit_code, first.output) == (0, "Loaded 40 experts, 80 offers.\n")
    second = run(app, str(folder))
    assert (second.exit_code, second.output) == (0, "All of it was here already.\n")


def test_what_is_wrong_is_named_and_nothing_loaded(app: Flask, folder: Path) -> None:
    lines = (folder / "offers.jsonl").read_text().splitlines()
    lines[4] = json.dumps(json.loads(lines[4]) | {"price_eur": "dear"})
    (folder / "offers.jsonl").write_text("\n".join(lines))
    said = run(app, str(folder))
    assert said.exit_code == 1
    assert 'offers.jsonl:5: price_eur: a whole number is wanted, not "dear"' in said.output
    assert f"Nothing of {folder} was loaded." in said.output


@pytest.mark.parametrize("missing", ["experts.jsonl", "offers.jsonl"])
def test_a_missing_file_is_named(app: Flask, folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    said = run(app, str(folder))
    assert said.exit_code == 1
    assert f"{missing}: the file is missing" in said.output


def test_no_folder_is_a_matter_of_usage(app: Flask, tmp_path: Path) -> None:
    assert run(app, str(tmp_path / "nowhere")).exit_code == 2
    assert run(app, str(DEMO / "experts.jsonl")).exit_code == 2


def test_who_got_no_account_is_named_and_the_code_says_so(
    app: Flask, folder: Path, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.cli.demo._onboarding", lambda site: bank.onboard)
    bank.refuses = "maelle.kervadoret@example.com"
    said = run(app, str(folder))
    assert said.exit_code == 3
    assert "opens no account for Maëlle Kervadoret: country_unsupported" in said.output
    bank.refuses = ""
    assert run(app, str(folder)).exit_code == 0


def test_production_loads_nothing_invented(app: Flask, folder: Path) -> None:
    whole = app.extensions["declic"]
    settings = dataclasses.replace(whole.config, env="production")
    app.extensions["declic"] = dataclasses.replace(whole, config=settings)
    said = run(app, str(folder))
    assert said.exit_code == 1
    assert "in demo mode only" in said.output

"""The demo catalogue behind the read API, loaded once for the tests that only read, with an encoder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

import config
from marketplace import create_app
from marketplace.services.demo import load
from marketplace.services.search import encode_offer
from marketplace.storage.db import Database, connect
from marketplace.storage.offers import Offer
from tests import database as databases
from tests.clock import FakeClock
from tests.encoder import Encoders, WordEncoder
from tests.services.test_demo_load import Bank

DEMO = Path(__file__).resolve().parents[3] / "demo"


@pytest.fixture(scope="package")
def words() -> WordEncoder:
    """What reads meaning; a test may send it away."""
    return WordEncoder()


@pytest.fixture(scope="package")
def demo_house(
    template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory, words: WordEncoder
) -> Iterator[Flask]:
    """The application on the demo catalogue, every offer encoded."""
    with databases.own_database(*template) as url:
        engine = connect(url)
        db = Database(engine, clock=FakeClock())
        bank = Bank()
        load(db, DEMO, bank, onboard=bank.onboard)  # type: ignore[arg-type]
        encoders = Encoders(words)
        with db.reading() as session:
            every = list(session.scalars(sa.select(Offer.id)))
        for offer_id in every:
            encode_offer(db, encoders, offer_id)
        settings = config.load({"DATABASE_URL": url, "DATA_DIR": str(tmp_path_factory.mktemp("api"))})
        app = create_app(settings, clock=db.clock, database=db)
        app.extensions["declic"] = dataclasses.replace(app.extensions["declic"], encoders=encoders)
        yield app
        engine.dispose()

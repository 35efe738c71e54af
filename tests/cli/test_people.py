"""`flask people`: the first operator once, and the way back for who lost everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask

import config
from marketplace import create_app
from marketplace.services.people import factors
from marketplace.services.people.log_ins import open_log_in
from marketplace.storage.people import LogIn, Person, SecondFactor
from tests import factories as make


@pytest.fixture
def app(own_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = create_app(config.load({"DATABASE_URL": own_url, "DATA_DIR": str(tmp_path)}))
    yield made
    made.extensions["declic"].db.engine.dispose()


def run(app: Flask, *line: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["people", *line])
    return done.exit_code, done.output


def test_the_first_operator_works_once(app: Flask) -> None:
    code, said = run(app, "first-operator", "Odile@acme.example", "--name", "Odile Marchal")
    assert code == 0
    link = re.search(r"https?://\S+(/fr/verify/\S+)", said)
    assert link is not None
    page = app.test_client().get(link.group(1))
    assert page.status_code == 200
    assert "15" in page.text
    code, said = run(app, "first-operator", "max@acme.example", "--name", "Max")
    assert code == 1
    assert "operator already" in said
    with app.extensions["declic"].db.reading() as session:
        made = session.scalars(sa.select(Person).where(Person.operator)).all()
        queued = session.scalar(
            sa.text("select count(*) from procrastinate_jobs where task_name = 'letters.link'")
        )
    assert [(one.email, one.name) for one in made] == [("odile@acme.example", "Odile Marchal")]
    assert queued == 1


@pytest.mark.parametrize(
    "email",
    ["nothing", "@acme.example", "a@", "a@b@c", "you@x", "a..b@acme.example", ".a@acme.example", "a@-acme.example",
     "a b@acme.example", "a@acme.", "a@acme.example\nb@acme.example", "x" * 65 + "@acme.example"],
)  # fmt: skip
def test_what_is_no_address_makes_nobody(app: Flask, email: str) -> None:
    code, _said = run(app, "first-operator", email, "--name", "Odile")
    assert code == 2


def test_a_taken_address_is_refused(app: Flask) -> None:
    make.person(app.extensions["declic"].db, email="ana@acme.example")
    code, said = run(app, "first-operator", "ana@acme.example", "--name", "Ana")
    assert code == 1
    assert "account already" in said


def test_a_lost_factor_is_taken_away(app: Flask) -> None:
    house, now = app.extensions["declic"], datetime.now(UTC)
    boss = make.person(house.db, operator=True)
    with house.db.transaction() as tx:
        open_log_in(tx, tx.session.get_one(Person, boss.id), address="", user_agent="", real_now=now)
        tx.session.flush()
        login = tx.session.scalars(sa.select(LogIn)).one()
    key = house.config.secret_key
    offered = factors.offer_secret(boss.id, key=key, real_now=now)
    factors.set_factor(
        house.db, person_id=boss.id, log_in_id=login.id, sealed=offered.sealed,
        code=pyotp.TOTP(offered.secret).at(now), key=key, address="", real_now=now,
    )  # fmt: skip
    assert run(app, "reset-factor", boss.email)[0] == 0
    with house.db.reading() as session:
        assert session.get(SecondFactor, boss.id) is None
        assert session.get_one(LogIn, login.id).ended_at is not None
    code, said = run(app, "reset-factor", boss.email)
    assert code == 1
    assert "no second factor" in said

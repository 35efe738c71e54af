"""The second factor: each step and each code once, limits, who may do without, and the first operator."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import (
    AlreadyRestricted,
    EmailTaken,
    FactorNeeded,
    FactorTaken,
    FactorWrong,
    NotFound,
    OperatorExists,
    OwnCase,
    ReasonMissing,
    TooManyTries,
)
from marketplace.domain.events import LinkAsked, SecurityChanged
from marketplace.domain.policy import Actor
from marketplace.services import people
from marketplace.services.people import factors, operators, sealing
from marketplace.services.people.log_ins import Asker, open_log_in
from marketplace.storage.db import Database, connect
from marketplace.storage.people import AuditRow, LogIn, Person, RecoveryCode, SecondFactor
from tests import factories as make
from tests.clock import FakeClock

KEY = "a secret of this test, long enough to be one"
NOW = datetime(2026, 11, 24, 9, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=30)
HERE = "203.0.113.7"


@dataclass
class Owner:
    """Somebody with a second factor, and what their device knows."""

    person: Person
    secret: str
    codes: tuple[str, ...]

    def code(self, at: datetime = NOW) -> str:
        return str(pyotp.TOTP(self.secret).at(at))


@pytest.fixture
def announced(db: Database) -> list[Any]:
    heard: list[Any] = []

    def hear(tx: Any, event: Any) -> None:
        heard.append(event)

    db.reactions = SimpleNamespace(within={SecurityChanged: (hear,), LinkAsked: (hear,)}, after={})
    return heard


def log_in(db: Database, person: Person, **more: Any) -> LogIn:
    return asker(db, person, **more).login


def due(db: Database, person: Person) -> str | None:
    """What a new log-in of theirs owes."""
    return asker(db, person).due


def asker(db: Database, person: Person, **more: Any) -> Asker:
    with db.transaction() as tx:
        who = tx.session.get_one(Person, person.id)
        token = open_log_in(tx, who, address=HERE, user_agent="", real_now=NOW, **more).token
    found: Asker | None = read(db, lambda s: people.who(s, token, NOW))
    assert found is not None
    return found


def read(db: Database, ask: Any) -> Any:
    with db.reading() as session:
        return ask(session)


def set_up(db: Database, person: Person, at: datetime = NOW - timedelta(hours=1)) -> Owner:
    login, offered = log_in(db, person), factors.offer_secret(person.id, key=KEY, real_now=at)
    done = factors.set_factor(
        db, person_id=person.id, log_in_id=login.id, sealed=offered.sealed,
        code=str(pyotp.TOTP(offered.secret).at(at)), key=KEY, address=HERE, real_now=at,
    )  # fmt: skip
    assert isinstance(done, factors.FactorSet)
    return Owner(person, offered.secret, done.codes)


def prove(db: Database, owner: Owner, code: str, at: datetime = NOW, login: LogIn | None = None) -> Any:
    login = login or log_in(db, owner.person)
    return factors.prove_factor(
        db, person_id=owner.person.id, log_in_id=login.id, code=code, key=KEY, address=HERE, real_now=at
    )


@pytest.fixture
def owner(db: Database) -> Owner:
    return set_up(db, make.person(db))


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_step_now_and_its_neighbours_are_right(db: Database, owner: Owner, steps: int) -> None:
    assert isinstance(prove(db, owner, owner.code(NOW + steps * STEP)), people.SignedIn)


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_steps_further_away_are_not(db: Database, owner: Owner, steps: int) -> None:
    assert isinstance(prove(db, owner, owner.code(NOW + steps * STEP)), FactorWrong)


def test_a_code_is_good_once(db: Database, owner: Owner) -> None:
    assert isinstance(prove(db, owner, owner.code()), people.SignedIn)
    assert isinstance(prove(db, owner, owner.code()), FactorWrong)
    assert isinstance(prove(db, owner, owner.code(NOW - STEP)), FactorWrong), (
        "an older step comes after a newer"
    )
    assert isinstance(prove(db, owner, owner.code(NOW + STEP)), people.SignedIn)


def test_the_code_of_the_setting_up_is_used(db: Database) -> None:
    owner = set_up(db, make.person(db), at=NOW)
    assert isinstance(prove(db, owner, owner.code()), FactorWrong)


def test_a_recovery_code_is_good_once_however_it_is_typed(
    db: Database, owner: Owner, announced: list[Any]
) -> None:
    first, second = owner.codes[:2]
    assert isinstance(prove(db, owner, f" {first.upper()} "), people.SignedIn)
    assert isinstance(prove(db, owner, first), FactorWrong)
    assert isinstance(
        prove(db, owner, second.replace("-", " ").replace("0", "o").replace("1", "l")), people.SignedIn
    )
    assert [event.what for event in announced] == ["factor.recovered"] * 2
    assert read(db, lambda s: factors.standing_factor(s, owner.person.id)).codes_left == 8


def test_no_code_and_no_secret_lies_in_the_records(db: Database, owner: Owner) -> None:
    rows = read(db, lambda s: s.scalars(sa.select(RecoveryCode)).all())
    factor = read(db, lambda s: s.get_one(SecondFactor, owner.person.id))
    assert len(rows) == len(owner.codes) == 10
    kept = b"".join(row.code_hash for row in rows) + factor.sealed
    for code in owner.codes:
        assert sealing.as_typed(code).encode() not in kept
        assert code.encode() not in kept
    assert owner.secret.encode() not in kept


def test_another_key_or_another_person_opens_nothing(db: Database, owner: Owner) -> None:
    sealed = read(db, lambda s: s.get_one(SecondFactor, owner.person.id)).sealed
    opened = {
        "right": sealing.unseal(KEY, sealing.AT_REST, owner.person.id, sealed, at=NOW),
        "key": sealing.unseal("x" * 40, sealing.AT_REST, owner.person.id, sealed, at=NOW),
        "purpose": sealing.unseal(KEY, sealing.OFFERED, owner.person.id, sealed, at=NOW),
        "person": sealing.unseal(KEY, sealing.AT_REST, uuid.uuid4(), sealed, at=NOW),
    }
    assert opened == {"right": owner.secret, "key": None, "purpose": None, "person": None}


def test_guesses_are_counted_and_the_right_code_waits(db: Database, owner: Owner) -> None:
    for _ in range(5):
        assert isinstance(prove(db, owner, "000000"), FactorWrong)
    assert isinstance(prove(db, owner, owner.code()), TooManyTries)
    assert isinstance(prove(db, owner, owner.codes[0]), people.SignedIn), "guesses of others keep nobody out"
    for _ in range(5):
        assert isinstance(prove(db, owner, "000000"), FactorWrong)
    assert isinstance(prove(db, owner, owner.code()), TooManyTries)
    later = NOW + timedelta(minutes=5)
    assert isinstance(prove(db, owner, owner.code(later), later), people.SignedIn)


def test_a_proof_changes_the_token_and_ends_what_was_due(db: Database, owner: Owner) -> None:
    login = log_in(db, owner.person)
    before = login.token_hash
    assert due(db, owner.person) == "prove"
    found = prove(db, owner, owner.code(), login=login)
    after = read(db, lambda s: people.who(s, found.token, NOW))
    assert after.login.id == login.id
    assert after.login.token_hash != before
    assert after.due is None


def test_what_is_due(db: Database) -> None:
    plain, boss = make.person(db), make.person(db, operator=True)
    assert due(db, plain) is None
    assert due(db, boss) == "set_up"
    set_up(db, boss)
    assert due(db, boss) == "prove"


def test_setting_up_ends_the_other_log_ins_and_is_told(db: Database, announced: list[Any]) -> None:
    someone = make.person(db)
    other = log_in(db, someone)
    set_up(db, someone)
    assert read(db, lambda s: s.get_one(LogIn, other.id)).ended_at is not None
    assert [event.what for event in announced] == ["factor.set"]


def test_a_factor_is_replaced_only_by_who_proved_it(db: Database, owner: Owner) -> None:
    half, offered = log_in(db, owner.person), factors.offer_secret(owner.person.id, key=KEY, real_now=NOW)
    code = str(pyotp.TOTP(offered.secret).at(NOW))
    given = {
        "person_id": owner.person.id,
        "sealed": offered.sealed,
        "code": code,
        "key": KEY,
        "address": HERE,
        "real_now": NOW,
    }
    with pytest.raises(FactorTaken):
        factors.set_factor(db, log_in_id=half.id, **given)
    assert isinstance(prove(db, owner, owner.code()), people.SignedIn)
    whole = log_in(db, owner.person, factor_at=NOW)
    done = factors.set_factor(db, log_in_id=whole.id, **given)
    assert isinstance(done, factors.FactorSet)
    assert not set(done.codes) & set(owner.codes)
    assert isinstance(prove(db, owner, owner.code(NOW + STEP)), FactorWrong), "the old device still signs in"
    assert isinstance(prove(db, owner, owner.codes[0]), FactorWrong)


def test_an_offer_of_yesterday_or_of_another_is_no_offer(db: Database) -> None:
    someone, other = make.person(db), make.person(db)
    old = factors.offer_secret(someone.id, key=KEY, real_now=NOW - timedelta(hours=2))
    theirs = factors.offer_secret(other.id, key=KEY, real_now=NOW)
    login = log_in(db, someone)
    for offered in (old, theirs, factors.Offered(theirs.secret, "no seal of ours")):
        done = factors.set_factor(
            db, person_id=someone.id, log_in_id=login.id, sealed=offered.sealed,
            code=str(pyotp.TOTP(offered.secret).at(NOW)), key=KEY, address=HERE, real_now=NOW,
        )  # fmt: skip
        assert isinstance(done, FactorWrong)


def test_operators_keep_theirs_and_others_may_do_without(
    db: Database, owner: Owner, announced: list[Any]
) -> None:
    boss = set_up(db, make.person(db, operator=True))
    with pytest.raises(FactorNeeded):
        factors.remove_factor(db, person_id=boss.person.id, address=HERE)
    factors.remove_factor(db, person_id=owner.person.id, address=HERE)
    assert read(db, lambda s: factors.standing_factor(s, owner.person.id)) is None
    assert announced[-1].what == "factor.removed"
    with pytest.raises(NotFound):
        factors.renew_codes(db, person_id=owner.person.id, address=HERE)


def test_new_codes_make_the_old_ones_worthless(db: Database, owner: Owner) -> None:
    fresh = factors.renew_codes(db, person_id=owner.person.id, address=HERE)
    assert len(set(fresh) | set(owner.codes)) == 20
    assert isinstance(prove(db, owner, owner.codes[0]), FactorWrong)
    assert isinstance(prove(db, owner, fresh[0]), people.SignedIn)


def test_lost_device_and_codes(db: Database, announced: list[Any]) -> None:
    boss = set_up(db, make.person(db, operator=True))
    whole = log_in(db, boss.person, factor_at=NOW)
    factors.reset_factor(db, email=boss.person.email.upper(), real_now=NOW)
    assert read(db, lambda s: s.get_one(LogIn, whole.id)).ended_at == NOW
    assert due(db, boss.person) == "set_up"
    row = read(db, lambda s: s.scalars(sa.select(AuditRow).where(AuditRow.act == "factor.reset")).one())
    assert (row.actor_id, row.subject) == (None, str(boss.person.id))
    assert announced[-1].what == "factor.reset"
    with pytest.raises(NotFound):
        factors.reset_factor(db, email=boss.person.email, real_now=NOW)
    with pytest.raises(NotFound):
        factors.reset_factor(db, email="nobody@acme.example", real_now=NOW)


def test_an_ended_log_in_proves_nothing(db: Database, owner: Owner) -> None:
    login = log_in(db, owner.person)
    with db.transaction() as tx:
        tx.session.get_one(LogIn, login.id).ended_at = NOW
    with pytest.raises(NotFound):
        prove(db, owner, owner.code(), login=login)


@given(st.text(alphabet="0123456789abcdefghjkmnpqrstvwxyz", min_size=24, max_size=24), st.randoms())
def test_a_code_is_read_however_it_is_spaced_and_cased(code: str, chance: Any) -> None:
    typed = "".join(chance.choice((c, c.upper(), f"{c} ", f"{c}-")) for c in code)
    assert sealing.code_hash(typed) == sealing.code_hash(code)
    assert not sealing.is_one_time(sealing.as_typed(typed))


# --- together at once -------------------------------------------------------------------------


@pytest.fixture
def shared(own_url: str) -> Iterator[Database]:
    """Real commits, so that two threads can meet."""
    engine = connect(own_url)
    yield Database(engine, clock=FakeClock())
    engine.dispose()


def at_once(*acts: Any) -> list[Any]:
    found: list[Any] = []
    gate = threading.Barrier(len(acts))

    def run(act: Any) -> None:
        gate.wait()
        try:
            found.append(act())
        except Exception as refusal:
            found.append(refusal)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found


@pytest.mark.parametrize("kind", ["device", "recovery"])
def test_one_code_in_two_windows_at_once_lets_one_in(shared: Database, kind: str) -> None:
    owner = set_up(shared, make.person(shared))
    code = owner.code() if kind == "device" else owner.codes[0]
    logins = [log_in(shared, owner.person) for _ in range(4)]
    found = at_once(*(lambda one=one: prove(shared, owner, code, login=one) for one in logins))
    assert sorted(type(one).__name__ for one in found) == ["FactorWrong"] * 3 + ["SignedIn"]


def test_the_first_operator_is_made_once(shared: Database) -> None:
    found = at_once(*(
        lambda n=n: operators.first_operator(shared, email=f"odile{n}@acme.example", name="Odile") for n in range(3)
    ))  # fmt: skip
    assert sorted(type(one).__name__ for one in found) == ["OperatorExists", "OperatorExists", "tuple"]
    with shared.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Person.operator)) == 1


def test_two_operators_cannot_unmake_each_other(shared: Database) -> None:
    one, two = make.operator(shared), make.operator(shared)
    found = at_once(
        lambda: operators.revoke_operator(shared, one, person_id=two.person_id, reason="x", real_now=NOW),
        lambda: operators.revoke_operator(shared, two, person_id=one.person_id, reason="x", real_now=NOW),
    )
    assert sorted(type(each).__name__ for each in found) == ["NoneType", "NotFound"]


# --- operators ---------------------------------------------------------------------------------


def test_the_first_operator_chooses_a_password_by_the_link(db: Database, announced: list[Any]) -> None:
    person, token = operators.first_operator(db, email="Odile@Acme.example", name="Odile Marchal")
    assert person.email == "odile@acme.example"
    assert person.operator
    assert announced == [LinkAsked(person.id, "verify")]
    login = people.verify_address(
        db, token=token, password="trombone vert lune 42", address=HERE, user_agent="", real_now=NOW
    )
    found = read(db, lambda s: people.who(s, login.token, NOW))
    assert found.due == "set_up"


def test_demo_operators_do_not_count_and_taken_addresses_do(db: Database) -> None:
    make.person(db, operator=True, demo=True)
    make.person(db, email="ana@acme.example")
    with pytest.raises(EmailTaken):
        operators.first_operator(db, email="ana@acme.example", name="Ana")
    operators.first_operator(db, email="odile@acme.example", name="Odile")
    with pytest.raises(OperatorExists):
        operators.first_operator(db, email="max@acme.example", name="Max")


def test_operators_make_operators(db: Database, announced: list[Any]) -> None:
    boss, someone = make.operator(db), make.person(db, password_hash="h")
    login = log_in(db, someone)
    given = {"person_id": someone.id, "real_now": NOW}
    with pytest.raises(ReasonMissing):
        operators.grant_operator(db, boss, reason="  ", **given)
    operators.grant_operator(db, boss, reason="Joins the desk", **given)
    now = read(db, lambda s: s.get_one(Person, someone.id))
    assert now.operator
    assert now.password_hash is None
    assert read(db, lambda s: s.get_one(LogIn, login.id)).ended_at == NOW
    assert [type(event) for event in announced] == [SecurityChanged, LinkAsked]
    with pytest.raises(AlreadyRestricted):
        operators.grant_operator(db, boss, reason="Again", **given)
    operators.revoke_operator(db, boss, reason="Leaves the desk", **given)
    assert not read(db, lambda s: s.get_one(Person, someone.id)).operator
    acts = read(
        db, lambda s: s.scalars(sa.select(AuditRow.act).where(AuditRow.subject == str(someone.id))).all()
    )
    assert {"operator.granted", "operator.revoked"} <= set(acts)


def test_who_cannot_be_made_or_unmade(db: Database) -> None:
    boss, plain = make.operator(db), make.person(db)
    assert boss.person_id is not None
    with pytest.raises(OwnCase):
        operators.revoke_operator(db, boss, person_id=boss.person_id, reason="x", real_now=NOW)
    with pytest.raises(NotFound):
        operators.grant_operator(db, Actor(plain.id), person_id=plain.id, reason="x", real_now=NOW)
    with pytest.raises(NotFound):
        operators.grant_operator(db, boss, person_id=uuid.uuid4(), reason="x", real_now=NOW)
    with pytest.raises(AlreadyRestricted):
        operators.revoke_operator(db, boss, person_id=plain.id, reason="x", real_now=NOW)

"""Another address or password: nobody walks away with an account, and nobody learns whose address it is."""

from __future__ import annotations

import random
import re
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import (
    AddressOfAnotherCompany,
    LinkSpent,
    SameAddress,
    TooManyTries,
    WeakPassword,
    WrongCredentials,
)
from marketplace.domain.events import AddressChanged, AddressChanging, LinkAsked, SecurityChanged
from marketplace.domain.policy import Actor
from marketplace.services import letters, people
from marketplace.services.people.hashing import hash_password
from marketplace.services.people.log_ins import open_log_in
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.storage.people import AuditRow, LogIn, MailedLink, Person
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_letters import STATIONERY, opened, text_of
from tests.services.test_people import GOOD, HERE, NOW, sign_up

OTHER = "parapluie bleu midi 77"
LINK = re.compile(r"https://declic\.example/(new_address|keep_address)/([\w-]+)/")


class Account:
    """Somebody with a password, the letters they get, and what was announced about them."""

    def __init__(self, db: Database, email: str = "ana@home.example", *, name: str = "Ana Ruiz") -> None:
        self.db = db
        self.person = make.person(db, email=email, name=name)
        self.actor = Actor(self.person.id)
        self.heard: list[Any] = []
        with db.transaction() as tx:
            tx.session.get_one(Person, self.person.id).password_hash = hash_password(GOOD)
        events = (AddressChanging, AddressChanged, LinkAsked, SecurityChanged)
        db.reactions = SimpleNamespace(within=dict.fromkeys(events, (self._hear,)), after={})

    def _hear(self, tx: Any, event: Any) -> None:
        self.heard.append(event)

    def ask(self, email: str, password: str = GOOD) -> Any:
        return people.ask_address(
            self.db, self.actor, email=email, password=password, address=HERE, real_now=NOW
        )

    def mail(self) -> dict[str, str]:
        """Run the letters' jobs; the text of the newest letter by event, and recipient."""
        while self.heard:
            event = self.heard.pop(0)
            job = {AddressChanging: letters.address_changing, AddressChanged: letters.address_changed}.get(
                type(event)
            )
            if job is not None:
                for _ in range(2):  # A job may run twice.
                    job(self.db, STATIONERY, person_id=event.person_id, link_id=event.link_id)
        with self.db.reading() as session:
            rows = session.scalars(sa.select(Letter).order_by(Letter.made_at, Letter.id)).all()
        return {f"{row.event} {row.recipient}": text_of(opened(row.message)) for row in rows}

    def link(self, letter: str) -> str:
        found = LINK.search(self.mail()[letter])
        assert found, "the letter holds no link"
        return found.group(2)

    def move(self, email: str) -> str:
        """Change to this address, link and all; the "it was not me" link of the address left behind."""
        before = self.email
        assert self.ask(email) is None
        people.change_address(self.db, token=self.link(f"address_confirm {email}"), address=HERE)
        return self.link(f"address_left {before}")

    @property
    def email(self) -> str:
        with self.db.reading() as session:
            return session.get_one(Person, self.person.id).email

    def log_in(self) -> uuid.UUID:
        with self.db.transaction() as tx:
            person = tx.session.get_one(Person, self.person.id)
            token = open_log_in(tx, person, address=HERE, user_agent="", real_now=NOW).token
            tx.session.flush()
            found = people.who(tx.session, token, NOW)
            assert found is not None
            return found[1].id

    def live(self) -> set[uuid.UUID]:
        with self.db.reading() as session:
            return {one.id for one in people.list_log_ins(session, self.person.id, NOW)}


@pytest.fixture
def ana(db: Database) -> Account:
    return Account(db)


def test_the_new_address_is_proven_and_both_are_told(ana: Account) -> None:
    assert ana.ask("Ana@New.example ") is None
    assert ana.email == "ana@home.example"
    told = ana.mail()
    assert set(told) == {"address_confirm ana@new.example", "address_changing ana@home.example"}
    assert "ana@new.example" in told["address_changing ana@home.example"]
    people.change_address(ana.db, token=ana.link("address_confirm ana@new.example"), address=HERE)
    assert ana.email == "ana@new.example"
    told = ana.mail()
    assert {"address_changed ana@new.example", "address_left ana@home.example"} < set(told)
    assert "ana@home.example" in told["address_changed ana@new.example"]
    with pytest.raises(LinkSpent):
        people.change_address(ana.db, token=ana.link("address_confirm ana@new.example"), address=HERE)
    found = people.log_in(
        ana.db, email="ana@new.example", password=GOOD, address=HERE, user_agent="", real_now=NOW
    )
    assert isinstance(found, people.SignedIn)


def test_it_was_not_me_before_the_change(ana: Account) -> None:
    ana.log_in()
    ana.ask("thief@evil.example")
    told = ana.link("address_changing ana@home.example")
    people.keep_address(ana.db, token=told, address=HERE, real_now=NOW)
    assert ana.email == "ana@home.example"
    assert ana.live() == set()
    assert LinkAsked(ana.person.id, "reset") in ana.heard
    with pytest.raises(LinkSpent):
        people.change_address(ana.db, token=ana.link("address_confirm thief@evil.example"), address=HERE)
    refused = people.log_in(
        ana.db, email="ana@home.example", password=GOOD, address=HERE, user_agent="", real_now=NOW
    )
    assert isinstance(refused, WrongCredentials), "whoever asked knew the password"


def test_it_was_not_me_after_the_change_for_three_days(ana: Account, clock: FakeClock) -> None:
    kept = ana.move("thief@evil.example")
    clock.now += timedelta(hours=71, minutes=59)
    people.keep_address(ana.db, token=kept, address=HERE, real_now=NOW)
    assert ana.email == "ana@home.example"
    again = ana.ask("ana@new.example")
    assert isinstance(again, WrongCredentials), "the password is gone"


def test_after_three_days_it_stays(ana: Account, clock: FakeClock) -> None:
    kept = ana.move("ana@new.example")
    clock.now += timedelta(hours=72)
    with pytest.raises(LinkSpent):
        people.keep_address(ana.db, token=kept, address=HERE, real_now=NOW)
    assert ana.email == "ana@new.example"


@pytest.mark.parametrize("seed", range(6))
def test_however_often_it_is_moved_the_first_owner_wins(db: Database, clock: FakeClock, seed: int) -> None:
    """A thief moves the account on and uses the way back to every address of theirs, in any order."""
    dice = random.Random(seed)
    ana = Account(db)
    first = ana.move("thief0@evil.example")
    theirs = [ana.move(f"thief{n}@evil.example") for n in range(1, dice.randint(2, 4))]
    dice.shuffle(theirs)
    for token in theirs[: dice.randint(0, len(theirs))]:
        try:
            people.keep_address(db, token=token, address=HERE, real_now=NOW)
        except LinkSpent:
            continue
    people.keep_address(db, token=first, address=HERE, real_now=NOW)
    assert ana.email == "ana@home.example"
    for token in theirs:
        with pytest.raises(LinkSpent):
            people.keep_address(db, token=token, address=HERE, real_now=NOW)
    assert ana.email == "ana@home.example"


def test_a_left_address_waits_for_its_owner(ana: Account, db: Database) -> None:
    kept = ana.move("thief@evil.example")
    assert sign_up(db, "ana@home.example") is None
    with db.reading() as session:
        assert session.scalar(sa.select(Person.id).where(Person.email == "ana@home.example")) is None
    bob = Account(db, "bob@home.example", name="Bob Hall")
    bob.ask("ana@home.example")
    with pytest.raises(LinkSpent):
        people.change_address(db, token=bob.link("address_confirm ana@home.example"), address=HERE)
    people.keep_address(db, token=kept, address=HERE, real_now=NOW)
    assert ana.email == "ana@home.example"


def test_a_taken_address_looks_the_same_and_its_owner_is_told(ana: Account, db: Database) -> None:
    make.person(db, email="known@firm.example", name="Someone Else")
    assert ana.ask("known@firm.example") is None
    told = ana.mail()
    assert ana.ask("new@firm.example") is None
    assert "address_known known@firm.example" in told
    assert "address_confirm known@firm.example" not in told
    with db.reading() as session:
        waiting = people.asked_address(session, ana.person.id, db.clock())
    assert waiting is not None
    assert waiting.email == "new@firm.example", "the newest wish stands alone"


def test_taken_between_the_mail_and_the_click(ana: Account, db: Database) -> None:
    ana.ask("ana@new.example")
    token = ana.link("address_confirm ana@new.example")
    make.person(db, email="ana@new.example")
    with pytest.raises(LinkSpent):
        people.change_address(db, token=token, address=HERE)
    assert ana.email == "ana@home.example"


def test_refused_before_any_mail(ana: Account, db: Database) -> None:
    with pytest.raises(SameAddress):
        ana.ask("ANA@home.example")
    assert isinstance(ana.ask("ana@new.example", "not the password"), WrongCredentials)
    assert ana.heard == []
    lead = make.lead(db, domain="acme.example")
    with pytest.raises(AddressOfAnotherCompany) as refused:
        people.ask_address(
            db, lead.actor, email="me@acme.example.evil.test", password=GOOD, address=HERE, real_now=NOW
        )
    assert refused.value.facts["domain"] == "acme.example"


def test_somebody_of_the_demo_has_no_password_to_give(db: Database) -> None:
    demo = Account(db)
    with db.transaction() as tx:
        person = tx.session.get_one(Person, demo.person.id)
        person.demo, person.password_hash = True, None
    assert demo.ask("new@home.example", "") is None
    with db.transaction() as tx:
        tx.session.get_one(Person, demo.person.id).demo = False
    assert isinstance(demo.ask("new@home.example", ""), WrongCredentials)


def test_guesses_and_mails_are_counted(ana: Account) -> None:
    said = [ana.ask("new@home.example", f"guess {n}") for n in range(7)]
    assert [type(one) for one in said] == [WrongCredentials] * 5 + [TooManyTries] * 2
    bob = Account(ana.db, "bob@home.example")
    asked = [bob.ask(f"new{n}@home.example") for n in range(7)]
    assert [type(one) for one in asked[5:]] == [TooManyTries] * 2


def test_letting_go_of_the_wish(ana: Account) -> None:
    ana.ask("new@home.example")
    token = ana.link("address_confirm new@home.example")
    people.forget_address(ana.db, ana.actor)
    with pytest.raises(LinkSpent):
        people.change_address(ana.db, token=token, address=HERE)


def test_no_token_lies_in_a_row(ana: Account) -> None:
    ana.ask("new@home.example")
    token = ana.link("address_confirm new@home.example")
    with ana.db.reading() as session:
        for link in session.scalars(sa.select(MailedLink)):
            assert token.encode() not in link.token_hash
        acts = set(session.scalars(sa.select(AuditRow.act).where(AuditRow.actor_id == ana.person.id)))
    assert "address.asked" in acts


def test_a_new_password_ends_every_other_log_in_and_says_so(ana: Account) -> None:
    here, _elsewhere = ana.log_in(), ana.log_in()
    refused = people.change_password(
        ana.db, ana.actor, current="wrong words", new=OTHER, log_in_id=here, address=HERE, real_now=NOW
    )
    assert isinstance(refused, WrongCredentials)
    assert len(ana.live()) == 2
    later = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    done = people.change_password(
        ana.db, ana.actor, current=GOOD, new=OTHER, log_in_id=here, address=HERE, real_now=later
    )
    assert done is None
    assert ana.live() == {here}
    (told,) = ana.heard
    assert isinstance(told, SecurityChanged)
    assert (told.person_id, told.what) == (ana.person.id, "password")
    with ana.db.reading() as session:
        assert session.get_one(LogIn, here).proved_at == later
    for words, kind in ((GOOD, WrongCredentials), (OTHER, people.SignedIn)):
        found = people.log_in(
            ana.db, email="ana@home.example", password=words, address=HERE, user_agent="", real_now=later
        )
        assert isinstance(found, kind)


def test_a_weak_one_is_named(ana: Account) -> None:
    with pytest.raises(WeakPassword):
        people.change_password(
            ana.db,
            ana.actor,
            current=GOOD,
            new="ana ruiz ana ruiz",
            log_in_id=ana.log_in(),
            address=HERE,
            real_now=NOW,
        )
    assert ana.heard == []

"""Accounts: signing up, links, passwords, log-ins and the limits on trying."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from marketplace.domain.errors import (
    AccountSuspended,
    FreeMailAddress,
    LinkSpent,
    NotFound,
    TermsNotAccepted,
    TextRefused,
    TooManyTries,
    WeakPassword,
    WrongCredentials,
)
from marketplace.domain.events import AddressKnownAlready, LinkAsked
from marketplace.domain.policy import ANONYMOUS
from marketplace.services import people
from marketplace.services.people.limits import PAIR, count_tries, network_key, window_start
from marketplace.services.people.log_ins import open_log_in
from marketplace.storage.companies import Company, Membership
from marketplace.storage.db import Database, connect
from marketplace.storage.people import Acceptance, Attempt, AuditRow, LogIn, MailedLink, Person
from tests import factories as make
from tests.clock import FakeClock

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GOOD = "trombone vert lune 42"
HERE = "203.0.113.7"


@pytest.fixture
def announced(db: Database) -> list[Any]:
    heard: list[Any] = []

    def hear(tx: Any, event: Any) -> None:
        heard.append(event)

    db.reactions = SimpleNamespace(within={LinkAsked: (hear,), AddressKnownAlready: (hear,)}, after={})
    return heard


def sign_up(db: Database, email: str = "ana@acme.example", **more: Any) -> TooManyTries | None:
    given = {"name": "Ana Ruiz", "language": "fr", "zone": "Europe/Paris", "address": HERE, "real_now": NOW}
    return people.sign_up(db, email=email, **(given | more))


def by_email(db: Database, email: str = "ana@acme.example") -> Person:
    with db.reading() as session:
        return session.scalars(sa.select(Person).where(Person.email == email)).one()


def link(db: Database, person: Person, purpose: str = "verify") -> str:
    with db.transaction() as tx:
        return people.new_link(tx, person.id, purpose)


def verify(db: Database, token: str, password: str = GOOD) -> people.SignedIn:
    return people.verify_address(
        db, token=token, password=password, address=HERE, user_agent="Firefox", real_now=NOW
    )


def log_in(db: Database, password: str = GOOD, email: str = "ana@acme.example", **more: Any) -> Any:
    given = {"address": HERE, "user_agent": "Firefox", "real_now": NOW}
    return people.log_in(db, email=email, password=password, **(given | more))


def member(db: Database) -> Person:
    """Somebody who signed up, proved the address and chose a password."""
    sign_up(db)
    verify(db, link(db, by_email(db)))
    return by_email(db)


def test_signing_up_makes_a_person_and_their_company_of_one(db: Database, announced: list[Any]) -> None:
    assert sign_up(db, company_name="Aciéries Morvan") is None
    person = by_email(db)
    with db.reading() as session:
        company, roles = session.execute(
            sa.select(Company, Membership.roles).join(Membership).where(Membership.person_id == person.id)
        ).one()
        documents = session.scalars(
            sa.select(Acceptance.document).where(Acceptance.person_id == person.id)
        ).all()
    assert (company.name, company.domain, sorted(roles)) == (
        "Aciéries Morvan",
        "acme.example",
        ["admin", "lead"],
    )
    assert documents == ["terms"]
    assert person.email_verified_at is None
    assert person.password_hash is None
    assert announced == [LinkAsked(person.id, "verify")]


def test_a_company_without_a_name_takes_its_domains(db: Database) -> None:
    sign_up(db, "jo@acieries-morvan.example")
    with db.reading() as session:
        assert session.scalars(sa.select(Company.name)).all() == ["Acieries Morvan"]


def test_two_people_of_one_domain_have_two_companies_and_one_lock(db: Database) -> None:
    sign_up(db, "a@acme.example")
    sign_up(db, "b@acme.example")
    with db.reading() as session:
        assert session.scalars(sa.select(Company.domain)).all() == ["acme.example"] * 2


@pytest.mark.parametrize("domain", ["gmail.com", "laposte.net", "wanadoo.fr", "outlook.com"])
def test_free_mail_is_refused_by_name(db: Database, domain: str) -> None:
    with pytest.raises(FreeMailAddress) as refused:
        sign_up(db, f"ana@{domain}")
    assert refused.value.facts["domain"] == domain


def test_a_known_address_changes_nothing_and_its_owner_is_told(db: Database, announced: list[Any]) -> None:
    person = member(db)
    announced.clear()
    assert sign_up(db, name="Somebody Else") is None
    assert by_email(db).name == "Ana Ruiz"
    assert announced == [AddressKnownAlready(person.id)]


def test_whoever_signs_up_with_my_address_gets_no_way_in(db: Database) -> None:
    """The classic: an enemy signs up first. Only the mail's reader chooses the password."""
    sign_up(db, name="Enemy")
    sign_up(db, name="Ana Ruiz")
    verify(db, link(db, by_email(db)))
    assert by_email(db).name == "Ana Ruiz"
    assert isinstance(log_in(db, "the enemy's guess 1"), WrongCredentials)
    assert isinstance(log_in(db), people.SignedIn)


def test_no_account_without_the_terms(db: Database) -> None:
    with pytest.raises(TermsNotAccepted):
        sign_up(db, accepted=())


def test_mail_to_one_address_ends_after_a_few(db: Database, announced: list[Any]) -> None:
    for n in range(12):
        sign_up(db, address=f"198.51.100.{n}")
    assert len(announced) == 5


def test_signing_up_is_limited_by_where_one_comes_from(db: Database) -> None:
    answers = [sign_up(db, f"a{n}@acme.example") for n in range(21)]
    assert answers[:20] == [None] * 20
    assert isinstance(answers[20], TooManyTries)


def test_a_link_works_once_and_for_its_purpose_alone(db: Database) -> None:
    sign_up(db)
    token = link(db, by_email(db))
    with pytest.raises(LinkSpent):
        people.reset_password(db, token=token, password=GOOD, address=HERE, real_now=NOW)
    assert isinstance(verify(db, token), people.SignedIn)
    with pytest.raises(LinkSpent):
        verify(db, token)
    assert by_email(db).email_verified_at is not None


@pytest.mark.parametrize(
    ("purpose", "lives"), [("verify", timedelta(hours=48)), ("reset", timedelta(minutes=30))]
)
def test_a_link_ends_with_its_time(db: Database, clock: FakeClock, purpose: str, lives: timedelta) -> None:
    person = make.person(db)
    token = link(db, person, purpose)
    clock.move(lives - timedelta(seconds=1))
    with db.reading() as session:
        assert people.link_owner(session, token, purpose, db.clock()) is not None
    clock.move(timedelta(seconds=1))
    with db.reading() as session:
        assert people.link_owner(session, token, purpose, db.clock()) is None
    with pytest.raises(LinkSpent):
        people.reset_password(db, token=token, password=GOOD, address=HERE, real_now=NOW)


def test_only_hashes_of_tokens_are_kept(db: Database) -> None:
    person = member(db)
    token = link(db, person, "reset")
    login = log_in(db)
    with db.reading() as session:
        kept = [
            *session.scalars(sa.select(MailedLink.token_hash)),
            *session.scalars(sa.select(LogIn.token_hash)),
        ]
    assert len({len(row) for row in kept} | {32}) == 1
    assert token.encode() not in kept
    assert login.token.encode() not in kept
    assert len(login.token) >= 22  # 128 bits at the least


def test_a_weak_password_leaves_the_link_good(db: Database) -> None:
    sign_up(db)
    token = link(db, by_email(db))
    for weak in ("short", "motdepasse123", "Ana Ruiz 2026!!", "x" * 129):
        with pytest.raises(WeakPassword):
            verify(db, token, weak)
    assert isinstance(verify(db, token), people.SignedIn)


def test_operators_need_fifteen(db: Database) -> None:
    person = make.person(db, operator=True)
    with pytest.raises(WeakPassword) as weak:
        people.reset_password(
            db, token=link(db, person, "reset"), password="vert lune 42xy", address=HERE, real_now=NOW
        )
    assert weak.value.facts["least"] == 15


def test_a_new_password_ends_every_log_in_and_every_link(db: Database) -> None:
    person = member(db)
    login, other = log_in(db), link(db, person, "reset")
    people.reset_password(
        db, token=link(db, person, "reset"), password="other words here", address=HERE, real_now=NOW
    )
    with db.reading() as session:
        assert people.who(session, login.token, NOW) is None
        assert people.link_owner(session, other, "reset", db.clock()) is None
    assert isinstance(log_in(db), WrongCredentials)
    assert isinstance(log_in(db, "other words here"), people.SignedIn)


def test_asking_for_a_reset_says_the_same_to_all(db: Database, announced: list[Any]) -> None:
    person = make.person(db, email="known@acme.example")
    for email in ("known@acme.example", "unknown@acme.example"):
        assert people.ask_reset(db, email=email, address=HERE, real_now=NOW) is None
    assert announced == [LinkAsked(person.id, "reset")]


def test_the_hash_is_argon2id_with_its_parameters(db: Database) -> None:
    assert re.match(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$", member(db).password_hash or "")


def test_an_old_hash_is_made_anew_at_the_next_log_in(db: Database) -> None:
    person = member(db)
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)
    with db.transaction() as tx:
        tx.session.get_one(Person, person.id).password_hash = old
    assert isinstance(log_in(db), people.SignedIn)
    assert "m=19456,t=2" in (by_email(db).password_hash or "")


def test_unknown_unproven_and_wrong_answer_alike(db: Database) -> None:
    member(db)
    sign_up(db, "unproven@acme.example")
    answers = [
        log_in(db, "wrong words entirely"),
        log_in(db, email="nobody@acme.example"),
        log_in(db, email="unproven@acme.example"),
        log_in(db, email=make.person(db).email),
    ]
    assert [type(answer) for answer in answers] == [WrongCredentials] * 4


def test_a_failed_log_in_leaves_its_trace(db: Database) -> None:
    person = member(db)
    log_in(db, "wrong words entirely")
    with db.reading() as session:
        assert (
            session.scalar(
                sa.select(AuditRow.address).where(
                    AuditRow.act == "log_in.refused", AuditRow.subject == str(person.id)
                )
            )
            == HERE
        )


def test_the_suspended_are_told_only_with_the_right_password(db: Database) -> None:
    person = member(db)
    login = log_in(db)
    with db.transaction() as tx:
        tx.session.get_one(Person, person.id).suspended_at = tx.now
    assert isinstance(log_in(db, "wrong words entirely"), WrongCredentials)
    assert isinstance(log_in(db), AccountSuspended)
    with db.reading() as session:
        assert people.who(session, login.token, NOW) is None
        assert people.actor_for(session, person.id) is ANONYMOUS


def test_the_wait_grows_and_always_ends(db: Database) -> None:
    member(db)
    tries = [log_in(db, "wrong words entirely") for _ in range(6)]
    assert isinstance(tries[4], WrongCredentials)
    assert isinstance(tries[5], TooManyTries)
    assert tries[5].facts["until"] == NOW + timedelta(minutes=1)
    later = NOW + timedelta(minutes=1)
    more = [log_in(db, "wrong words entirely", real_now=later) for _ in range(5)]
    assert more[-1].facts["until"] == NOW + timedelta(minutes=15)
    assert isinstance(log_in(db, real_now=NOW + timedelta(minutes=15)), people.SignedIn)


def test_an_enemy_elsewhere_locks_nobody_out(db: Database) -> None:
    """A hundred and fifty guesses from everywhere: the owner, where they were before, still gets in."""
    member(db)
    for n in range(150):
        log_in(db, "wrong words entirely", address=f"198.51.{n % 50}.{n}")
    assert isinstance(log_in(db, address="198.51.100.200"), TooManyTries)
    assert isinstance(log_in(db), people.SignedIn)


def test_success_forgets_the_failures(db: Database) -> None:
    member(db)
    for _ in range(4):
        log_in(db, "wrong words entirely")
    log_in(db)
    assert [type(log_in(db, "wrong words entirely")) for _ in range(5)] == [WrongCredentials] * 5


def test_two_hundred_tries_at_once_count_two_hundred(own_url: str) -> None:
    """A lost update would let parallel guesses count as one."""
    engine = connect(own_url, pool_size=8)
    db = Database(engine, clock=FakeClock())

    def many() -> None:
        for _ in range(25):
            with db.transaction() as tx:
                count_tries(tx.session, [("log_in:someone", PAIR)], NOW)

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as session:
        assert set(session.scalars(sa.select(Attempt.tries))) == {200}
    engine.dispose()


def test_ipv6_counts_by_its_network() -> None:
    assert network_key("2001:db8:1:2:3:4:5:6") == network_key("2001:db8:1:2:ffff::1")
    assert network_key("2001:db8:1:2::1") != network_key("2001:db8:1:3::1")
    assert network_key("::ffff:192.0.2.1") == network_key("192.0.2.1")
    assert network_key("") == "unknown"
    assert window_start(NOW + timedelta(minutes=14), timedelta(minutes=15)) == NOW


@pytest.mark.parametrize(
    ("operator", "idle", "absolute"),
    [(True, timedelta(minutes=30), timedelta(hours=12)), (False, timedelta(hours=24), timedelta(days=30))],
)
def test_a_log_in_ends_idle_and_ends_anyway(
    db: Database, operator: bool, idle: timedelta, absolute: timedelta
) -> None:
    person = make.person(db, operator=operator)
    with db.transaction() as tx:
        login = open_log_in(tx, person, address=HERE, user_agent="", real_now=NOW)

    def known(at: datetime) -> bool:
        with db.reading() as session:
            found = people.who(session, login.token, at)
        if found is not None:
            people.seen(db, found[1], at)
        return found is not None

    assert known(NOW + idle - timedelta(seconds=1))
    assert not known(NOW + 2 * idle)
    at = NOW + idle - timedelta(seconds=1)
    while at < NOW + absolute:
        assert known(at)
        at += idle - timedelta(minutes=1)
    assert not known(NOW + absolute)


def test_the_demo_clock_does_not_end_a_log_in(db: Database, clock: FakeClock) -> None:
    member(db)
    login = log_in(db)
    clock.move(timedelta(days=90))
    with db.reading() as session:
        assert people.who(session, login.token, NOW + timedelta(minutes=1)) is not None


def test_being_seen_is_written_once_a_minute(db: Database, count_queries: Any) -> None:
    member(db)
    login = log_in(db)
    with db.reading() as session:
        found = people.who(session, login.token, NOW)
    assert found is not None
    with count_queries() as counted:
        people.seen(db, found[1], NOW + timedelta(seconds=59))
    assert counted.number == 0


def test_logging_out_ends_the_row(db: Database) -> None:
    member(db)
    login, other = log_in(db), log_in(db)
    people.log_out(db, login.token, NOW)
    people.log_out(db, login.token, NOW)
    with db.reading() as session:
        assert people.who(session, login.token, NOW) is None
        assert people.who(session, other.token, NOW) is not None


def test_log_ins_are_listed_and_ended_by_their_owner_alone(db: Database) -> None:
    person = member(db)
    first, second = log_in(db), log_in(db)
    with db.reading() as session:
        actor = people.actor_for(session, person.id)
        found = people.who(session, second.token, NOW)
        listed = people.list_log_ins(session, person.id, NOW)
    assert found is not None
    assert len(listed) == 3  # The one of the verification too.
    stranger = make.lead(db).actor
    with pytest.raises(NotFound):
        people.end_log_in(db, stranger, listed[0].id, NOW)
    with pytest.raises(NotFound):
        people.end_log_in(db, actor, uuid.uuid4(), NOW)
    people.end_other_log_ins(db, actor, found[1].id, NOW)
    with db.reading() as session:
        assert people.who(session, first.token, NOW) is None
        assert people.who(session, second.token, NOW) is not None
    people.end_log_in(db, actor, found[1].id, NOW)
    with db.reading() as session:
        assert people.who(session, second.token, NOW) is None


def test_one_click_is_for_demo_people_in_the_demo(db: Database) -> None:
    real, shown = make.person(db), make.person(db, demo=True)

    def click(person: Person, demo: bool) -> people.SignedIn:
        return people.log_in_demo(
            db, person_id=person.id, demo=demo, address=HERE, user_agent="", real_now=NOW
        )

    assert click(shown, True).person_id == shown.id
    for person, demo in ((shown, False), (real, True)):
        with pytest.raises(NotFound):
            click(person, demo)


def test_who_somebody_is(db: Database) -> None:
    lead, seller, operator = make.lead(db), make.seller(db), make.operator(db)
    with db.reading() as session:
        assert people.actor_for(session, lead.person.id) == lead.actor
        assert people.actor_for(session, seller.person.id) == seller.actor
        assert people.actor_for(session, operator.person_id) == operator
        assert people.actor_for(session, None) is ANONYMOUS
        assert people.actor_for(session, uuid.uuid4()) is ANONYMOUS
    assert people.roles_of(lead.actor) == {"lead", "admin"}
    assert people.roles_of(seller.actor) == {"expert"}
    assert people.roles_of(operator) == {"operator"}


def test_documents_are_accepted_once_a_booking_and_version(db: Database) -> None:
    person, booking = make.person(db), uuid.uuid4()
    wanted = ("charter", "confidentiality")
    for _ in range(2):
        with db.transaction() as tx:
            people.accept_documents(tx, person.id, wanted, booking, HERE)
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Acceptance)) == 2
        assert people.not_yet_accepted(session, person.id, wanted, booking) == ()
        assert people.not_yet_accepted(session, person.id, wanted, uuid.uuid4()) == wanted


def test_preferences(db: Database) -> None:
    lead = make.lead(db)
    people.change_preferences(db, lead.actor, name="  Camille   D. ", language="en", zone="Indian/Reunion")
    person = by_email(db, lead.person.email)
    assert (person.name, person.language, person.zone) == ("Camille D.", "en", "Indian/Reunion")
    for wrong in (
        {"language": "de"},
        {"zone": "Nowhere/Land"},
        {"name": "  "},
        {"name": "a\0b"},
        {"name": "n" * 121},
    ):
        with pytest.raises(TextRefused):
            people.change_preferences(db, lead.actor, **wrong)
    with pytest.raises(NotFound):
        people.change_preferences(db, ANONYMOUS, name="Nobody")


def test_demo_people_are_told_by_what_they_are(db: Database) -> None:
    lead = make.lead(db, demo=True)
    make.person(db)
    with db.reading() as session:
        shown = people.demo_people(session)
    assert [(p.id, p.company, p.operator) for p in shown] == [(lead.person.id, "Foncière Calvière", False)]

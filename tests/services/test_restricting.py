"""Hiding, suspending and restoring: who may, what follows at once, and that two at once have one winner."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import AlreadyRestricted, LastOperator, NotFound, OwnCase, ReasonMissing
from marketplace.domain.policy import Actor
from marketplace.services import people, search
from marketplace.services.moderation import restricting
from marketplace.services.offers import offer_lines
from marketplace.services.people.log_ins import open_log_in
from marketplace.services.reactions import REACTIONS
from marketplace.storage.clock import real_now
from marketplace.storage.db import Database, connect
from marketplace.storage.moderation import Restriction
from marketplace.storage.people import AuditRow, LogIn, Person
from tests import factories as make
from tests.clock import FakeClock

SAID: dict[str, Any] = {"ground": "terms", "reason": "Deux fois le même récit."}


def _rows(db: Database) -> list[Restriction]:
    with db.reading() as session:
        return list(session.scalars(sa.select(Restriction).order_by(Restriction.id)))


def test_a_hidden_offer_is_nobodys_page_and_comes_back_as_it_was(db: Database) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    with db.transaction() as tx:
        search.index_offer(tx, offer.id)
    odile = make.operator(db)
    restricting.hide_offer(db, odile, offer_id=offer.id, **SAID)
    with db.reading() as session:
        assert offer_lines(session, [offer.id]) == {}
        assert not search.find(session, "compteurs", now=db.clock()).hits
    (laid,) = _rows(db)
    assert (laid.kind, laid.ground, laid.person_id, laid.automated) == (
        "offer_hidden", "terms", seller.person.id, False,
    )  # fmt: skip
    with pytest.raises(AlreadyRestricted):
        restricting.hide_offer(db, odile, offer_id=offer.id, **SAID)
    restricting.restore_offer(db, odile, offer_id=offer.id, reason="Une erreur de notre part.")
    with db.reading() as session:
        assert search.find(session, "compteurs", now=db.clock()).hits
    assert _rows(db)[0].lifted_why == "Une erreur de notre part."
    with pytest.raises(AlreadyRestricted):
        restricting.restore_offer(db, odile, offer_id=offer.id, reason="x")
    with db.reading() as session:
        acts = session.scalars(sa.select(AuditRow.act).where(AuditRow.subject == f"offer:{offer.id}")).all()
    assert sorted(acts) == ["offer.hidden", "offer.restored"]


def test_a_suspended_person_is_out_at_once(db: Database) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    odile = make.operator(db)
    with db.transaction() as tx:
        person = tx.session.get_one(Person, seller.person.id)
        token = open_log_in(tx, person, address="192.0.2.1", user_agent="", real_now=real_now()).token
    restricting.suspend(db, odile, person_id=seller.person.id, real_now=real_now(), **SAID)
    with db.reading() as session:
        assert people.who(session, token, real_now()) is None
        assert session.scalars(sa.select(LogIn.ended_at)).one() is not None
        assert people.actor_for(session, seller.person.id).person_id is None
        assert offer_lines(session, [offer.id]) == {}
    restricting.restore_person(db, odile, person_id=seller.person.id, reason="Tout est éclairci.")
    with db.reading() as session:
        assert offer_lines(session, [offer.id])
        assert people.who(session, token, real_now()) is None, "they log in anew"


Doing = Callable[[Database, Actor, Any], None]


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_a_reason_and_a_ground_are_needed(db: Database, reason: str) -> None:
    offer = make.offer(db, make.seller(db).expert)
    odile = make.operator(db)
    with pytest.raises(ReasonMissing):
        restricting.hide_offer(db, odile, offer_id=offer.id, ground="terms", reason=reason)
    with pytest.raises(ReasonMissing):
        restricting.hide_offer(db, odile, offer_id=offer.id, ground="whim", reason="because")
    with db.reading() as session:
        assert offer_lines(session, [offer.id]), "nothing was changed"
    assert not _rows(db)


def test_nobody_decides_on_themselves(db: Database) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    both = Actor(seller.person.id, operator=True, expert_id=seller.expert.id)
    with pytest.raises(OwnCase):
        restricting.hide_offer(db, both, offer_id=offer.id, **SAID)
    with pytest.raises(OwnCase):
        restricting.suspend(db, both, person_id=seller.person.id, real_now=real_now(), **SAID)


def test_only_operators(db: Database) -> None:
    seller, other = make.seller(db), make.lead(db)
    offer = make.offer(db, seller.expert)
    for who in (seller.actor, other.actor, Actor(None)):
        with pytest.raises(NotFound):
            restricting.hide_offer(db, who, offer_id=offer.id, **SAID)
        with pytest.raises(NotFound):
            restricting.suspend(db, who, person_id=make.person(db).id, real_now=real_now(), **SAID)


def test_two_operators_cannot_put_each_other_out(own_url: str) -> None:
    db = Database(connect(own_url), clock=FakeClock(), reactions=REACTIONS)
    odile, max_ = make.operator(db), make.operator(db)
    assert odile.person_id
    assert max_.person_id
    said: list[type[BaseException] | None] = []
    barrier = threading.Barrier(2)

    def put_out(actor: Actor, other: Any) -> None:
        barrier.wait()
        try:
            restricting.suspend(db, actor, person_id=other, real_now=real_now(), **SAID)
            said.append(None)
        except LastOperator as refusal:
            said.append(type(refusal))

    pairs = ((odile, max_.person_id), (max_, odile.person_id))
    threads = [threading.Thread(target=put_out, args=pair) for pair in pairs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(map(str, said)) == sorted(map(str, [None, LastOperator]))
    db.engine.dispose()  # type: ignore[union-attr]

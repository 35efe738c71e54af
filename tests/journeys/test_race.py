"""Fifty people press “Hold this slot” at once, over HTTP, on sessions of one expert that overlap."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from marketplace.services.people.log_ins import open_log_in
from marketplace.storage.companies import Company, MailDomain, Membership
from marketplace.storage.db import Database, connect
from marketplace.storage.people import Person
from tests.journeys.site import Site
from tests.journeys.visitor import Page, Visitor

RACERS = 50
OFFERS = (
    "poser-38-000-compteurs",
    "sept-fouilles-sur-dix",
)  # Both Solène's: three hours, and three and a half.


def test_of_fifty_at_overlapping_slots_of_one_expert_exactly_one_wins(
    site: Site, visitor: Callable[..., Visitor]
) -> None:
    slots = [_offer_and_slots(site, part) for part in OFFERS]
    wanted = _overlapping(*slots)
    racers = [_ready(site, token) for token in _fifty_leads(site)]
    barrier = threading.Barrier(RACERS)
    answers: list[Page] = []
    failed: list[BaseException] = []

    def run(number: int) -> None:
        racer, csrf = racers[number]
        path, start = wanted[number % len(wanted)]
        try:
            barrier.wait(30)
            sent = {"csrf_token": csrf, "token": f"race-{number}", "slot": start, "format": "remote"}
            answers.append(racer.post(path, sent, follow=False))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert not failed, failed
    assert Counter(answer.status for answer in answers) == {303: 1, 409: RACERS - 1}
    for answer in answers:
        if answer.status == 409:
            nearest = [href for href, _words in answer.links if "slot=" in href]
            assert len(nearest) == 3, answer.words[:1000]
    assert _live_claims(site) == 1
    won = next(answer for answer in answers if answer.status == 303)
    assert won.headers["Location"].endswith("/brief")


def _offer_and_slots(site: Site, part: str) -> tuple[str, list[str]]:
    guest = Visitor(site.url)
    listed = guest.get("/en/offers?q=compteurs%20capteurs%20fuites%20fouilles")
    path = listed.link(f"/en/offers/{part}").split("?")[0] + "/slots"
    page = guest.get(path)
    slots = [value for form in page.forms for name, value in form.choices if name == "slot"]
    assert slots, page.words[:1000]
    return path, slots


def _overlapping(first: tuple[str, list[str]], second: tuple[str, list[str]]) -> list[tuple[str, str]]:
    """Starts of both offers that all lie within one hour: any two of these sessions overlap."""
    (one, ones), (other, others) = first, second
    begin = min(
        max(datetime.fromisoformat(ones[0]), datetime.fromisoformat(others[0])), _last(ones), _last(others)
    )
    near = [
        (path, start)
        for path, starts in ((one, ones), (other, others))
        for start in starts
        if 0 <= (datetime.fromisoformat(start) - begin).total_seconds() <= 3600
    ]
    assert {path for path, _start in near} == {one, other}
    assert len({start for _path, start in near}) > 1, "not the same start for all: they only overlap"
    return near


def _last(starts: list[str]) -> datetime:
    return datetime.fromisoformat(starts[-1])


def _fifty_leads(site: Site) -> list[str]:
    """A company each, so that no limit but the slot itself decides; the log-in cookie of each."""
    engine = connect(site.database_url)
    now = datetime.now(UTC)
    db = Database(engine, clock=lambda: now)
    tokens = []
    with db.transaction() as tx:
        for number in range(RACERS):
            domain = f"racer{number}.example"
            tx.session.add(MailDomain(domain=domain))
            tx.session.flush()
            company = Company(name=f"Racer {number}", domain=domain, created_at=now)
            person = Person(
                email=f"lead@{domain}", name=f"Racer {number}", email_verified_at=now, created_at=now
            )
            tx.session.add_all([company, person])
            tx.session.flush()
            tx.session.add(
                Membership(person_id=person.id, company_id=company.id, roles=["lead"], joined_at=now)
            )
            tokens.append(open_log_in(tx, person, address="127.0.0.1", user_agent="", real_now=now).token)
    engine.dispose()
    return tokens


def _ready(site: Site, token: str) -> tuple[Visitor, str]:
    """A signed-in visitor who has the form open: its anti-forgery token."""
    racer = Visitor(site.url)
    racer.keep("declic", token)
    page = racer.get("/en/preferences")
    csrf = [value for form in page.forms for name, value in form.fields if name == "csrf_token"]
    return racer, csrf[0]


def _live_claims(site: Site) -> int:
    engine = connect(site.database_url)
    with engine.connect() as connection:
        count = connection.execute(
            sa.text(
                "select count(*) from claims join experts on experts.id = claims.expert_id"
                " join people on people.id = experts.person_id where people.name = 'Solène Castagnères' and claims.live"
            )
        ).scalar_one()
    engine.dispose()
    return int(count)

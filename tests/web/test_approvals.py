"""Approvals, page by page: the rule, the invitation, asking, deciding; and who sees which slots."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services import approvals, bookings, letters
from marketplace.services.bookings.holding import free_for_offer
from marketplace.storage.approvals import ApproverInvitation
from marketplace.storage.companies import Membership
from marketplace.storage.db import Database
from marketplace.storage.letters import Letter
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_approvals import LINK, PASSWORD
from tests.services.test_letters import STATIONERY, opened, text_of
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]


@pytest.fixture
def lead(db: Database) -> make.Lead:
    return make.lead(db)


@pytest.fixture
def daf(db: Database, lead: make.Lead) -> Person:
    """Who approves for the lead's company."""
    who = make.person(db, email=f"daf@{lead.company.domain}", name="Aline Daf")
    with db.transaction() as tx:
        tx.session.add(
            Membership(person_id=who.id, company_id=lead.company.id, roles=["approver"], joined_at=tx.now)
        )
    return who


def mailed(db: Database) -> str:
    """The token of the newest invitation's letter."""
    with db.reading() as session:
        newest = session.scalars(
            sa.select(ApproverInvitation.id).order_by(ApproverInvitation.id.desc())
        ).first()
    assert newest
    letters.approver_invited(db, STATIONERY, invitation_id=newest)
    with db.reading() as session:
        row = session.scalars(
            sa.select(Letter).where(Letter.event == "approver_invited").order_by(Letter.id.desc())
        ).first()
    assert row
    found = LINK.search(text_of(opened(row.message)))
    assert found
    return found[1]


def test_a_rule_is_set_and_what_is_none_is_said_at_its_field(
    db: Database, browser: Browser, lead: make.Lead
) -> None:
    here = browser(lead.person)
    assert "/en/company" in here.get("/en/preferences").text
    assert "Never: project leads pay on their own" in here.get("/en/company").text
    refused = send(here, "/en/company/rule", {"kind": "above", "above": "0"})
    assert refused.status_code == 422
    assert "Give an amount between 0 and" in refused.text
    # "1,500" is a thousand and a half to one, one euro fifty to another.
    for typed in ("x", "1e99", "1e3", "NaN", "-5", "1,500", "1.500", "1,234.50"):
        refused = send(here, "/en/company/rule", {"kind": "above", "above": typed})
        assert refused.status_code == 422, typed
    assert send(here, "/en/company/rule", {"kind": "often", "above": ""}).status_code == 422
    assert send(here, "/en/company/rule", {"kind": "above", "above": "1 500,50"}).status_code == 303
    page = here.get("/en/company").text
    assert 'value="1500.50"' in page
    assert "Nobody approves yet" in page
    assert send(here, "/en/company/rule", {"kind": "none", "above": "x"}).status_code in (303, 422)


def test_from_the_invitation_to_the_approval(db: Database, browser: Browser, lead: make.Lead) -> None:
    here = browser(lead.person)
    at = lead.company.domain
    assert send(here, "/en/company/rule", {"kind": "always", "above": ""}).status_code == 303
    refused = send(here, "/en/company/invitation", {"email": "daf@elsewhere.example"})
    assert refused.status_code == 422
    assert "daf@elsewhere.example" in refused.text
    assert f"has an address of your company, at {at}" in refused.text
    myself = send(here, "/en/company/invitation", {"email": lead.person.email})
    assert "invite somebody else" in myself.text
    assert send(here, "/en/company/invitation", {"email": f"daf@{at}"}).status_code == 303
    assert f"daf@{at}" in here.get("/en/company").text

    guest = browser(None)
    token = mailed(db)
    page = guest.get(f"/en/invitations/{token}").text
    assert lead.company.name in page
    bad = send(guest, f"/en/invitations/{token}", {"name": "Aline Daf", "password": "x", "terms": "y"})
    assert bad.status_code == 422
    assert "Aline Daf" in bad.text
    joined = send(
        guest, f"/en/invitations/{token}", {"name": "Aline Daf", "password": PASSWORD, "terms": "y"}
    )
    assert joined.status_code == 303
    landed = guest.get(joined.location).text
    assert "compte est ouvert" in landed or "account is open" in landed
    assert "Nothing to approve" in guest.get("/en/approvals").text
    assert browser(None).get(f"/en/invitations/{token}").status_code == 410
    assert "Aline Daf" in here.get("/en/company").text

    made = make.booking(db, by=lead, days_ahead=20)
    make.write_brief(db, made)
    reference = make.read(db, made).reference
    check = here.get(f"/en/bookings/{reference}/check").text
    assert "Check and ask for approval" in check
    assert f"/en/bookings/{reference}/pay" not in check
    unticked = send(here, f"/en/bookings/{reference}/ask-approval", {"token": "a"})
    assert unticked.status_code == 422
    paid = send(here, f"/en/bookings/{reference}/pay", {"rules": "1", "terms": "1"})
    assert "Your company asks for an approval" in paid.text
    ticked = {"rules": "1", "terms": "1", "token": "a"}
    assert send(here, f"/en/bookings/{reference}/ask-approval", ticked).status_code == 303
    mine = here.get(f"/en/bookings/{reference}").text
    assert "to approve" in mine
    assert "Approval asked for" in mine
    assert f"/en/bookings/{reference}" in here.get("/en/bookings").text

    waiting = guest.get("/en/approvals").text
    assert f"/en/approvals/{reference}" in waiting
    assert '<span class="count">1</span>' in waiting
    one = guest.get(f"/en/approvals/{reference}").text
    assert "Des locataires refusent" in one
    assert "€1,584.00" in one
    assert here.get(f"/en/approvals/{reference}").status_code == 404
    assert send(here, f"/en/approvals/{reference}/approve", {"token": "y"}).status_code == 404
    bare = send(guest, f"/en/approvals/{reference}/refuse", {"token": "n", "reason": " "})
    assert bare.status_code == 422
    assert send(guest, f"/en/approvals/{reference}/approve", {"token": "y"}).status_code == 303
    assert "Approved by Aline Daf" in guest.get(f"/en/approvals/{reference}").text
    assert "Check and pay" in here.get(f"/en/bookings/{reference}/check").text
    assert "Approved. The slot is yours until" in here.get(f"/en/bookings/{reference}").text


def test_refused_the_lead_reads_why(db: Database, browser: Browser, lead: make.Lead, daf: Person) -> None:
    approvals.set_rule(db, lead.actor, kind="always")
    made = make.booking(db, by=lead, days_ahead=20)
    make.write_brief(db, made)
    reference = make.read(db, made).reference
    here, there = browser(lead.person), browser(daf)
    send(here, f"/en/bookings/{reference}/ask-approval", {"rules": "1", "terms": "1", "token": "a"})
    sent = {"token": "n", "reason": "Budget <clos>."}
    assert send(there, f"/en/approvals/{reference}/refuse", sent).status_code == 303
    assert "Budget &lt;clos&gt;." in there.get(f"/en/approvals/{reference}").text
    page = here.get(f"/en/bookings/{reference}").text
    assert "Budget &lt;clos&gt;." in page
    assert "Your company has not approved" in page
    assert "The slot is no longer held" in here.get(f"/en/bookings/{reference}/brief").text


def test_without_an_answer_the_lead_reads_that_nobody_approved(
    db: Database, browser: Browser, lead: make.Lead, daf: Person, clock: FakeClock
) -> None:
    approvals.set_rule(db, lead.actor, kind="always")
    made = make.booking(db, by=lead, days_ahead=20)
    make.write_brief(db, made)
    here = browser(lead.person)
    url = f"/en/bookings/{make.read(db, made).reference}"
    send(here, f"{url}/ask-approval", {"rules": "1", "terms": "1", "token": "a"})
    until = make.read(db, made).deadline
    assert until
    clock.move(until - clock())
    bookings.run_clock(db, None)  # type: ignore[arg-type]
    page = here.get(url).text
    assert "Nobody approved in time; nothing was taken" in page
    assert "The slot was given back" not in page


def test_a_known_account_accepts_with_a_button_and_nobody_else(
    db: Database, browser: Browser, lead: make.Lead
) -> None:
    colleague = make.lead(db, domain=lead.company.domain)
    here = browser(lead.person)
    assert send(here, "/en/company/invitation", {"email": colleague.person.email}).status_code == 303
    token = mailed(db)
    assert "sign in with it to accept" in browser(None).get(f"/en/invitations/{token}").text
    assert "signed in with another address" in here.get(f"/en/invitations/{token}").text
    assert send(here, f"/en/invitations/{token}/join").status_code == 404
    there = browser(colleague.person)
    assert f"/en/invitations/{token}/join" in there.get(f"/en/invitations/{token}").text
    assert send(there, f"/en/invitations/{token}/join").status_code == 303
    assert "Nothing to approve" in there.get("/en/approvals").text


def test_an_invitation_is_sent_again_taken_back_and_an_approver_removed(
    db: Database, browser: Browser, lead: make.Lead, daf: Person
) -> None:
    here = browser(lead.person)
    assert "no longer approves" in here.get("/en/company").text
    stands = send(here, "/en/company/invitation", {"email": f"b@{lead.company.domain}"})
    assert stands.status_code == 422
    assert send(here, f"/en/company/approvers/{daf.id}/remove").status_code == 303
    assert send(here, f"/en/company/approvers/{daf.id}/remove").status_code == 404
    assert browser(daf).get("/en/approvals").status_code == 404
    for _ in range(2):
        assert send(here, "/en/company/invitation", {"email": f"b@{lead.company.domain}"}).status_code == 303
        token = mailed(db)
    assert send(here, "/en/company/invitation/cancel").status_code == 303
    assert browser(None).get(f"/en/invitations/{token}").status_code == 410


def test_slots_too_near_for_an_approver_are_hidden_from_members_alone(
    db: Database, browser: Browser, lead: make.Lead
) -> None:
    seller = make.seller(db)
    offer = make.offer(db, seller.expert, notice_hours=72)
    now = db.clock()
    with db.reading() as session:
        free = free_for_offer(session, offer.id, window=(now, now + timedelta(days=9)), now=now)
    near = [start for start, _end in free.slots if start < now + timedelta(hours=76)]
    assert near, "the test needs a slot within four hours of the notice"
    first = near[0].isoformat()

    def shown(who: Person | None) -> bool:
        page = browser(who).get(f"/en/offers/{offer.slug}/slots").text
        return f'value="{first}"' in page

    def on_the_offer(who: Person | None) -> bool:
        stamp = near[0].strftime("%Y-%m-%dT%H:%M")
        return (
            re.search(rf'<time datetime="{stamp}', browser(who).get(f"/en/offers/{offer.slug}").text)
            is not None
        )

    held = make.booking(db, by=lead, of=seller, offer_of=offer)
    reference = make.read(db, held).reference

    def on_the_way_to_another_slot() -> bool:
        return f'value="{first}"' in browser(lead.person).get(f"/en/bookings/{reference}/slot").text

    other = make.lead(db).person
    assert shown(lead.person)
    assert on_the_way_to_another_slot()
    approvals.set_rule(db, lead.actor, kind="always")
    assert not on_the_way_to_another_slot()
    assert [shown(who) for who in (lead.person, other, None)] == [False, True, True]
    assert [on_the_offer(who) for who in (lead.person, other, None)] == [False, True, True]
    assert (
        "Your company approves this session first"
        in browser(lead.person).get(f"/en/offers/{offer.slug}/slots").text
    )


def test_a_company_billed_nowhere_yet_sees_every_slot_and_the_page_of_a_race_lost(
    db: Database, browser: Browser
) -> None:
    first, second = make.lead(db), make.lead(db, billing=False)
    made = make.booking(db, by=first)
    here = browser(second.person)
    path = f"/en/offers/{made.offer.slug}/slots"
    assert here.get(path).status_code == 200
    start = make.read(db, made).starts_at.isoformat()
    lost = send(here, path, {"slot": start, "format": "remote", "token": "late"})
    assert lost.status_code == 409
    assert len(set(re.findall(r'href="[^"]*slot=([^"&#]+)', lost.text))) == 3

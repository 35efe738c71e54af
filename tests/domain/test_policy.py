"""Who may do what: every action × everybody, against a table written by hand."""

from __future__ import annotations

import uuid

import pytest

from marketplace.domain import policy
from marketplace.domain.policy import ANONYMOUS, Actor, Parties, may

LEAD, ADMIN, COLLEAGUE, EXPERT_PERSON, OTHER_LEAD, OTHER_EXPERT_PERSON, OPERATOR, NOBODY = (
    uuid.UUID(int=n) for n in range(1, 9)
)
COMPANY, OTHER_COMPANY, EXPERT, OTHER_EXPERT = (uuid.UUID(int=n) for n in range(11, 15))
BOOKING = Parties(lead_id=LEAD, company_id=COMPANY, expert_id=EXPERT)

WHO = {
    "anonymous": ANONYMOUS,
    "signed_in": Actor(NOBODY),
    "lead": Actor(LEAD, companies={COMPANY: frozenset({"lead"})}),
    "admin": Actor(ADMIN, companies={COMPANY: frozenset({"admin"})}),
    "colleague": Actor(COLLEAGUE, companies={COMPANY: frozenset({"lead", "approver", "finance"})}),
    "other_lead": Actor(OTHER_LEAD, companies={OTHER_COMPANY: frozenset({"lead", "admin"})}),
    "expert": Actor(EXPERT_PERSON, expert_id=EXPERT),
    "other_expert": Actor(OTHER_EXPERT_PERSON, expert_id=OTHER_EXPERT),
    "operator": Actor(OPERATOR, operator=True),
    # What cannot be is let in nowhere: an operator without a person, an expert booking themselves.
    "hollow": Actor(None, operator=True, expert_id=EXPERT, companies={COMPANY: frozenset({"lead", "admin"})}),
    "lead_and_expert": Actor(LEAD, expert_id=EXPERT, companies={COMPANY: frozenset({"lead"})}),
}
PEOPLE = "signed_in lead admin colleague other_lead expert other_expert operator lead_and_expert"
EXPECTED = f"""
account.own                | {PEOPLE}
company.bill               | lead admin colleague lead_and_expert
bookings.list_own          | {PEOPLE}
payments.list_own          | {PEOPLE}
booking.hold               | lead colleague other_lead lead_and_expert
booking.write_brief        | lead lead_and_expert
booking.extend             | lead admin lead_and_expert
booking.let_go             | lead admin lead_and_expert
booking.pick_slot          | lead admin lead_and_expert
booking.reschedule_as_lead | lead admin lead_and_expert
booking.reschedule_as_expert | expert
booking.dispute_as_lead    | lead admin lead_and_expert
booking.dispute_as_expert  | expert
booking.dispute_as_operator | operator
booking.decide             | operator
booking.refund             | operator
booking.repay              | operator
booking.write_off          | operator
operator.chargebacks       | operator
chargeback.answer          | operator
queue.join                 | lead colleague other_lead lead_and_expert
places.list_own            | {PEOPLE}
place.leave                | lead lead_and_expert
times.ask                  | lead colleague other_lead lead_and_expert
times.withdraw             | lead lead_and_expert
times.take                 | expert other_expert lead_and_expert
times.answer               | expert
booking.pay                | lead lead_and_expert
booking.approve            | colleague
approvals.list_own         | colleague
company.approvals          | admin other_lead
booking.view_as_buyer      | lead admin lead_and_expert
booking.withdraw           | lead admin lead_and_expert
booking.cancel_as_lead     | lead admin lead_and_expert
booking.confirm            | lead admin lead_and_expert
booking.review_as_lead     | lead lead_and_expert
booking.rescue             | lead lead_and_expert
saved_searches.list_own    | {PEOPLE}
saved_search.manage        | lead lead_and_expert
question.ask               | lead colleague other_lead lead_and_expert
questions.list_own         | {PEOPLE}
question.view_as_lead      | lead lead_and_expert
questions.take             | expert other_expert lead_and_expert
question.answer            | expert
enquiry.publish            | lead colleague other_lead lead_and_expert
enquiries.list_own         | {PEOPLE}
enquiry.manage             | lead lead_and_expert
enquiries.read             | expert other_expert lead_and_expert
account.export             | {PEOPLE}
shortlist.own              | {PEOPLE}
expert.become              | {PEOPLE}
expert.apply               | expert other_expert lead_and_expert
expert.hours               | expert other_expert lead_and_expert
offers.list_own            | expert other_expert lead_and_expert
offer.edit                 | expert
expert.home                | expert other_expert lead_and_expert
booking.view_as_expert     | expert
booking.accept             | expert
booking.decline            | expert
booking.cancel_as_expert   | expert
booking.review_as_expert   | expert
operator.queue             | operator
operator.decide            | operator
operator.people            | operator
operator.restrict          | operator
operator.grant             | operator
operator.offers            | operator
operator.search            | operator
operator.journal           | operator
operator.bookings          | operator
operator.disputes          | operator
operator.ledger            | operator
operator.close_month       | operator
operator.pay_out           | operator
booking.stop               | operator
booking.cancel_as_operator | operator
"""
TABLE = {
    action.strip(): set(names.split())
    for action, names in (line.split("|") for line in EXPECTED.strip().splitlines())
}


def test_the_table_written_by_hand_names_every_action():
    assert set(TABLE) == set(policy.ACTIONS)


@pytest.mark.parametrize("action", sorted(policy.ACTIONS))
def test_each_action_is_for_these_and_nobody_else(action):
    assert {name for name, actor in WHO.items() if may(action, actor, BOOKING)} == TABLE[action]


@pytest.mark.parametrize("action", sorted(a for a in policy.ACTIONS if a.startswith("booking.")))
def test_without_a_booking_nobody_acts_on_one(action):
    general = {
        "booking.hold", "booking.stop", "booking.cancel_as_operator", "booking.dispute_as_operator",
        "booking.decide", "booking.refund", "booking.repay", "booking.write_off",
    }  # fmt: skip
    if action not in general:
        assert not any(may(action, actor) for actor in WHO.values())


def test_what_is_not_listed_is_forbidden_to_all():
    assert not any(may("booking.delete", actor, BOOKING) for actor in WHO.values())


def test_an_empty_rule_lets_nobody_in(monkeypatch):
    for empty in ((), ((),)):
        monkeypatch.setattr(policy, "ACTIONS", {"booking.hold": empty})
        assert not any(may("booking.hold", actor, BOOKING) for actor in WHO.values())


def test_an_imported_booking_without_a_lead_belongs_to_no_lead():
    imported = Parties(lead_id=None, company_id=None, expert_id=EXPERT)
    assert not may("booking.view_as_buyer", ANONYMOUS, imported)
    assert not may("booking.view_as_buyer", WHO["admin"], imported)
    assert may("booking.view_as_expert", WHO["expert"], imported)

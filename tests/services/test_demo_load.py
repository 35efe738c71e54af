"""Loading the demo folder: all or nothing, everything wrong named, and once only."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import DataFileWrong
from marketplace.gateways.payments import AccountSeen, Link, Refused, Unknown
from marketplace.services.demo import Onboard, Opened, load
from marketplace.services.demo.writing import default_hours
from marketplace.storage.availability import Calendar
from marketplace.storage.bookings import Booking
from marketplace.storage.companies import Company, Membership
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.offers import Offer, OfferVersion
from marketplace.storage.people import Person
from marketplace.storage.reviews import Review
from marketplace.storage.search import SearchRow
from tests import factories as make
from tests.clock import START

DEMO = Path(__file__).resolve().parents[2] / "demo"
TABLES = (Person, Expert, Calendar, Offer, OfferVersion, Booking, Review, Company, Membership, SearchRow)


class Bank:
    """Accounts by key, as a provider keeps them; `away` answers nothing."""

    def __init__(self) -> None:
        self.by_key: dict[str, AccountSeen] = {}
        self.payable: set[str] = set()
        self.away = False
        # After so many accounts, so many calls go unanswered.
        self.falls: dict[int, int] = {}
        self.refuses = ""

    def create_account(self, *, key: str, reference: str, email: str, name: str, country: str) -> AccountSeen:
        if self.away:
            raise Unknown("no_answer")
        if email == self.refuses:
            raise Refused("country_unsupported")
        if self.falls.get(len(self.by_key)):
            self.falls[len(self.by_key)] -= 1
            raise Unknown("no_answer")
        made = self.by_key.setdefault(
            key, AccountSeen(f"acct_{len(self.by_key)}", "pending", country=country, reference=reference)
        )
        return self.account(made.id)

    def account(self, account_id: str) -> AccountSeen:
        return AccountSeen(account_id, "active" if account_id in self.payable else "pending")

    def onboarding_link(self, *, key: str, account_id: str, return_url: str, refresh_url: str) -> Link:
        return Link(f"https://bank.test/{account_id}", START)

    @property
    def onboard(self) -> Onboard:
        return Onboard("https://site.test", lambda address: self.payable.add(address.rpartition("/")[2]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demo's two needed files, to be spoilt."""
    for name in ("experts.jsonl", "offers.jsonl", "taxonomy.json"):
        shutil.copy(DEMO / name, tmp_path / name)
    return tmp_path


def counts(db: Database) -> list[int]:
    with db.reading() as session:
        return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in TABLES]


def change(file: Path, line: int, **fields: Any) -> None:
    lines = file.read_text().splitlines()
    lines[line - 1] = json.dumps(json.loads(lines[line - 1]) | fields)
    file.write_text("\n".join(lines) + "\n")


def problems(db: Database, folder: Path) -> list[str]:
    before = counts(db)
    with pytest.raises(DataFileWrong) as refused:
        load(db, folder, Bank())
    assert counts(db) == before
    return [str(problem) for problem in refused.value.facts["problems"]]


def test_the_whole_demo_and_a_second_time(db: Database) -> None:
    bank = Bank()
    first = load(db, DEMO, bank, onboard=bank.onboard)
    people = [json.loads(line) for line in (DEMO / "people.jsonl").read_text("utf-8").splitlines()]
    members = [row["email"].rpartition("@")[2] for row in people if row.get("company")]
    assert first.written == {"experts": 40, "offers": 80, "people": len(people), "reviews": 120}
    assert first.accounts == Opened(active=40)
    after = counts(db)
    assert after == [40 + len(people), 40, 40, 80, 80, 120, 120, len(set(members)), len(members), 80]
    second = load(db, DEMO, bank, onboard=bank.onboard)
    assert not any(second.written.values())
    assert second.accounts == Opened()
    assert counts(db) == after
    assert len(bank.by_key) == 40


def test_instant_offers_have_what_they_need_and_others_agreed_to_nothing(db: Database) -> None:
    load(db, DEMO, Bank())
    with db.reading() as session:
        instant = set(
            session.scalars(sa.select(Offer.expert_id).join(OfferVersion).where(OfferVersion.instant))
        )
        experts = session.scalars(sa.select(Expert)).all()
        assert instant
        for expert in experts:
            assert (expert.standing_since is not None) == (expert.id in instant)
            assert (expert.meeting_link is not None) == (expert.id in instant)
            assert expert.conflicts == []
            assert expert.demo
        on_site = session.execute(
            sa.select(OfferVersion.area, Expert.city)
            .join(Offer, Offer.id == OfferVersion.offer_id)
            .join(Expert, Expert.id == Offer.expert_id)
            .where(OfferVersion.format != "remote")
        ).all()
        assert on_site
        assert all(area == city for area, city in on_site)
        assert set(session.scalars(sa.select(OfferVersion.failed))) == {""}


def test_imported_reviews_lie_in_the_past_and_have_one_mark(db: Database, clock: Any) -> None:
    load(db, DEMO, Bank())
    with db.reading() as session:
        rows = session.execute(
            sa.select(Review, Booking).join(Booking, Booking.id == Review.booking_id)
        ).all()
        created = session.scalars(sa.select(sa.func.max(Offer.created_at))).one()
    for review, booking in rows:
        assert booking.origin == "imported"
        assert booking.company_id is None
        assert booking.created_at > created
        assert review.sent_at < clock.now
        assert booking.starts_at.isoweekday() <= 5
        assert review.usefulness is not None
        assert (review.prepared, review.expertise, review.clarity) == (None, None, None)
    assert {review.language for review, _ in rows} == {"fr", "en"}


def test_without_an_answer_accounts_wait_for_the_next_run(db: Database) -> None:
    bank = Bank()
    bank.away = True
    waits: list[float] = []
    first = load(db, DEMO, bank, onboard=bank.onboard, pause=waits.append)
    assert first.accounts == Opened(unanswered=40)
    assert waits == sorted(waits)
    assert len(waits) == 5, "one expert's tries; then nobody answers, and the others are not asked"
    bank.away = False
    second = load(db, DEMO, bank, onboard=bank.onboard)
    assert second.accounts == Opened(active=40)
    with db.reading() as session:
        assert set(session.scalars(sa.select(Expert.account_status))) == {"active"}


def test_a_provider_that_stumbles_is_asked_again(db: Database) -> None:
    bank = Bank()
    bank.falls = {3: 2, 17: 5}
    waits: list[float] = []
    loaded = load(db, DEMO, bank, onboard=bank.onboard, pause=waits.append)
    assert loaded.accounts == Opened(active=40)
    assert len(waits) == 7
    assert len(bank.by_key) == 40


def test_one_that_falls_for_good_leaves_the_rest(db: Database) -> None:
    bank = Bank()
    bank.falls = {10: 6}
    loaded = load(db, DEMO, bank, onboard=bank.onboard, pause=lambda seconds: None)
    assert loaded.accounts == Opened(active=10, unanswered=30)
    assert load(db, DEMO, bank, onboard=bank.onboard).accounts == Opened(active=30)


def test_a_refusal_is_one_experts_alone(db: Database) -> None:
    bank = Bank()
    bank.refuses = "maelle.kervadoret@example.com"
    loaded = load(db, DEMO, bank, onboard=bank.onboard)
    assert loaded.accounts == Opened(active=39, refused=(("Maëlle Kervadoret", "country_unsupported"),))


def test_without_a_click_accounts_are_for_the_experts_to_complete(db: Database) -> None:
    assert load(db, DEMO, Bank()).accounts == Opened(to_complete=40)


def test_only_the_two_files_are_needed(db: Database, folder: Path) -> None:
    (folder / "taxonomy.json").unlink()
    assert load(db, folder, Bank()).written == {"experts": 40, "offers": 80, "people": 0, "reviews": 0}


def test_a_wrong_field_is_named_by_file_line_and_field(db: Database, folder: Path) -> None:
    change(folder / "offers.jsonl", 3, price_eur=0)
    change(folder / "offers.jsonl", 7, expert="e99")
    change(folder / "experts.jsonl", 2, time_zone="Europe/Atlantis")
    assert problems(db, folder) == [
        'experts.jsonl:2: time_zone: "Europe/Atlantis" is no time zone',
        "offers.jsonl:3: price_eur: 0 is not between 1 and 100000",
        'offers.jsonl:7: expert: "e99" is no expert of experts.jsonl',
    ]


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"title": None}, "title: is missing"),
        ({"title": "   "}, "title: is empty"),
        ({"title": "a\x00b"}, "title: holds characters nobody types"),
        ({"title": "a\ud800b"}, "title: holds characters nobody types"),
        ({"title": "x" * 161}, "title: is longer than 160 characters"),
        ({"title": 4}, "title: a text is wanted, not 4"),
        ({"price_eur": 12.5}, "price_eur: a whole number is wanted, not 12.5"),
        ({"price_eur": True}, "price_eur: a whole number is wanted, not true"),
        ({"duration_minutes": 200}, "duration_minutes: 200 is none of 180, 210, 240"),
        ({"takeaways": "many"}, 'takeaways: a list is wanted, not "many"'),
        ({"topics": ["alchemy"]}, 'topics: "alchemy" is no slug of taxonomy.json (topics)'),
        ({"instant_booking": "yes"}, 'instant_booking: true or false is wanted, not "yes"'),
        ({"id": "o002"}, "id: o002 stands here twice"),
        ({"prize_eur": 3}, "prize_eur: no such field is known here"),
    ],
)
def test_what_is_wrong_with_an_offer_is_said(
    db: Database, folder: Path, fields: dict[str, Any], said: str
) -> None:
    change(folder / "offers.jsonl", 1, **fields)
    line = 2 if "id" in fields else 1
    assert problems(db, folder) == [f"offers.jsonl:{line}: {said}"]


def test_broken_lines_and_missing_files_are_said(db: Database, folder: Path) -> None:
    with (folder / "offers.jsonl").open("ab") as file:
        file.write(b'{"id": \n\n[1]\n"\xff"\n')
    found = problems(db, folder)
    assert [one.split(" (")[0] for one in found] == [
        "offers.jsonl:81: is not JSON",
        "offers.jsonl:83: an object is wanted",
        "offers.jsonl:84: is not UTF-8",
    ]
    (folder / "offers.jsonl").unlink()
    assert problems(db, folder) == ["offers.jsonl: the file is missing"]


def test_at_most_fifty_are_listed(db: Database, folder: Path) -> None:
    for line in range(1, 81):
        change(folder / "offers.jsonl", line, price_eur=-1)
    with pytest.raises(DataFileWrong) as refused:
        load(db, folder, Bank())
    assert len(refused.value.facts["problems"]) == 50
    assert refused.value.facts["more"] == 30


@pytest.mark.parametrize(
    ("hours", "said"),
    [({"weekly": [{"days": [1], "start": "14:00", "end": "12:30"}]}, "weekly[1]: ends before it begins"),
     ({"weekly": [{"days": [2], "start": "09:00", "end": "12:00"}, {"days": [1, 2], "start": "11:00", "end": "14:00"}]},
      "weekly[2]: overlaps another range"),
     ({"weekly": [{"days": [1], "start": f"{h:02}:{m:02}", "end": f"{h:02}:{m + 10:02}"} for h in range(20) for m in (0, 20, 40)]},
      "weekly[51]: more than 50 ranges a week"),
     ({"dated": [{"day": "2025-12-24", "ranges": [["09:00", "12:00"], ["11:00", "13:00"]]}]}, "dated[1]: overlaps another range"),
     ({"dated": [{"day": "2025-12-24", "ranges": []}, {"day": "2025-12-24", "ranges": [["09:00", "12:00"]]}]},
      "dated[2]: is a day with hours and without")],
)  # fmt: skip
def test_hours_out_of_order_are_said(db: Database, folder: Path, hours: dict[str, Any], said: str) -> None:
    (folder / "availability.jsonl").write_text(json.dumps({"expert": "e01"} | hours) + "\n")
    assert problems(db, folder) == [f"availability.jsonl:1: {said}"]


def test_hours_that_touch_or_run_past_midnight_are_in_order(db: Database, folder: Path) -> None:
    weekly = [{"days": [1, 2], "start": "09:00", "end": "12:00"}, {"days": [1], "start": "12:00", "end": "14:00"},
              {"days": [7], "start": "20:00", "end": "01:00"}]  # fmt: skip
    dated = [{"day": "2020-01-01", "ranges": []}, {"day": "2026-12-24", "ranges": [["09:00", "11:00"]]}]
    (folder / "availability.jsonl").write_text(
        json.dumps({"expert": "e01", "weekly": weekly, "dated": dated}) + "\n"
    )
    assert load(db, folder, Bank()).written["experts"] == 40


def test_an_address_twice_is_said_once(db: Database, folder: Path) -> None:
    change(folder / "experts.jsonl", 2, email="maelle.kervadoret@example.com")
    assert problems(db, folder) == ["experts.jsonl:2: email: maelle.kervadoret@example.com stands here twice"]


def test_hours_of_the_file_take_the_place_of_the_default(db: Database, folder: Path) -> None:
    hours = {
        "expert": "e01", "zone": "Indian/Reunion", "weekly": [{"days": [1, 3], "start": "08:00", "end": "12:00"}],
        "dated": [{"day": "2026-12-24", "ranges": []}], "buffers": {"before": 10, "after": 20}, "notice": 48,
        "grid": 15,
    }  # fmt: skip
    (folder / "availability.jsonl").write_text(json.dumps(hours) + "\n")
    load(db, folder, Bank())
    with db.reading() as session:
        rows = dict(session.execute(sa.select(Expert.source_id, Calendar).join(Calendar)).all())
    calendar = rows["e01"]
    assert (calendar.zone, calendar.weekly, calendar.dated) == (
        hours["zone"],
        hours["weekly"],
        hours["dated"],
    )
    assert (calendar.before_minutes, calendar.after_minutes, calendar.notice_hours) == (10, 20, 48)
    assert calendar.grid_minutes == 15
    assert rows["e02"].zone == "Europe/Stockholm"
    assert len(rows["e02"].weekly) == 2


def test_what_hours_leave_out_is_the_stated_default(db: Database, folder: Path) -> None:
    (folder / "availability.jsonl").write_text(json.dumps({"expert": "e02", "notice": 72}) + "\n")
    load(db, folder, Bank())
    with db.reading() as session:
        calendar = session.scalars(sa.select(Calendar).join(Expert).where(Expert.source_id == "e02")).one()
    stated = default_hours(1, "Europe/Stockholm") | {"notice_hours": 72}
    assert {name: getattr(calendar, name) for name in stated} == stated


def change_all(file: Path, act: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    rows = [act(json.loads(line)) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_another_folder_may_use_the_same_ids_for_other_people(db: Database, folder: Path) -> None:
    bank = Bank()
    load(db, DEMO, bank)
    before = counts(db)
    change_all(
        folder / "experts.jsonl", lambda row: row | {"name": f"{row['name']} II", "email": f"x{row['email']}"}
    )
    change_all(folder / "offers.jsonl", lambda row: row | {"title": f"{row['title']} (II)"[:160]})
    reviews = [{"offer": "o001", "reviewer_name": "N. M.", "reviewer_company": "M", "rating": 4, "time_saved_days": 3,
                "unlocked": "yes", "months_ago": 2, "text": "Clear and useful."}]  # fmt: skip
    (folder / "reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in reviews))
    assert load(db, folder, bank).written == {"experts": 40, "offers": 80, "people": 0, "reviews": 1}
    again = load(db, folder, bank)
    assert not any(again.written.values())
    after = counts(db)
    assert [after[n] - before[n] for n in (1, 3)] == [40, 80]
    with db.reading() as session:
        rows = session.execute(
            sa.select(Person.email, OfferVersion.title)
            .join(Expert, Expert.person_id == Person.id)
            .join(Offer, Offer.expert_id == Expert.id)
            .join(OfferVersion, OfferVersion.offer_id == Offer.id)
        ).all()
    assert all(title.endswith("(II)") == email.startswith("x") for email, title in rows)


def test_other_ids_for_people_who_are_here_bring_their_new_offers(db: Database, folder: Path) -> None:
    bank = Bank()
    load(db, DEMO, bank)
    change_all(folder / "experts.jsonl", lambda row: row | {"id": f"n{row['id']}"})
    change_all(
        folder / "offers.jsonl", lambda row: row | {"id": f"n{row['id']}", "expert": f"n{row['expert']}"}
    )
    assert load(db, folder, bank).written == {"experts": 0, "offers": 80, "people": 0, "reviews": 0}


def test_a_loaded_expert_who_changed_their_address_is_not_doubled(db: Database, folder: Path) -> None:
    bank = Bank()
    load(db, folder, bank)
    with db.transaction() as tx:
        person = tx.session.scalars(sa.select(Person).where(Person.email.startswith("maelle"))).one()
        person.email = "moved@example.org"
    assert not any(load(db, folder, bank).written.values())


def test_real_people_are_not_made_experts_by_a_file(db: Database, folder: Path) -> None:
    bank = Bank()
    make.lead(db, domain="elsewhere.example")
    make.person(db, email="maelle.kervadoret@example.com", name="Maëlle Kervadoret")
    assert problems(db, folder) == [
        "experts.jsonl:1: email: maelle.kervadoret@example.com has an account of its own here"
    ]
    with db.transaction() as tx:
        tx.session.execute(
            sa.update(Person).values(email="other@example.com").where(Person.email.startswith("maelle"))
        )
    assert load(db, folder, bank).written["experts"] == 40


def test_wrong_hours_are_said(db: Database, folder: Path) -> None:
    (folder / "availability.jsonl").write_text(
        json.dumps(
            {
                "expert": "e01",
                "zone": "Europe/Paris",
                "weekly": [{"days": [0], "start": "9h", "end": "12:00"}],
            }
        )
    )
    assert problems(db, folder) == [
        "availability.jsonl:1: weekly[1].days: ISO days 1 (Monday) to 7 are wanted",
        "availability.jsonl:1: weekly[1].start: '9h' is no time of the form 09:30",
    ]

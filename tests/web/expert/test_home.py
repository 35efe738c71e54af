"""The expert's home and money: what waits, the week to scale, where the money is, all rows as a file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.range import Range

from marketplace.services.bookings import run_clock
from marketplace.services.payouts import schedule_transfer
from marketplace.services.sessions import Week
from marketplace.storage.availability import Calendar
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert, ProfileDraft
from marketplace.storage.payments import Payment
from marketplace.storage.payouts import Transfer
from marketplace.storage.reviews import Review
from marketplace.web.expert.money import _cell
from marketplace.web.expert.week import week_view
from tests import factories as make
from tests.clock import FakeClock


@pytest.fixture
def seller(db: Database) -> make.Seller:
    return make.seller(db)


def week_of(db: Database, made: make.Made) -> str:
    return f"/en/expert/?week={make.read(db, made).starts_at.date().isoformat()}"


class TestHome:
    def test_a_request_waits_with_its_deadline(self, browser: Any, db: Database, seller: make.Seller) -> None:
        made = make.booking(db, state="requested", of=seller)
        page = browser(seller.person).get(week_of(db, made)).text
        assert "Answer Foncière Calvière" in page
        listed = browser(seller.person).get("/en/expert/bookings").text
        assert "Waits for your answer" in listed
        assert "Waiting for the expert" not in listed
        assert "Des locataires refusent" in page
        assert "Read and answer" in page
        assert 'class="cal-block asked"' in page
        # 1,200.00 + VAT 20% − commission 10% − its VAT.
        assert "€1,296.00" in page

    def test_a_hold_tells_the_time_alone(self, browser: Any, db: Database, seller: make.Seller) -> None:
        made = make.booking(db, state="held", of=seller)
        page = browser(seller.person).get(week_of(db, made)).text
        assert 'class="cal-block held"' in page
        assert "Foncière" not in page
        assert make.read(db, made).reference not in page

    def test_the_next_session_with_its_course(self, browser: Any, db: Database, seller: make.Seller) -> None:
        make.booking(db, state="confirmed", of=seller)
        page = browser(seller.person).get("/en/expert/").text
        assert "Next session: Foncière Calvière" in page
        assert "Work on their case" in page

    def test_what_is_still_to_do_for_oneself(self, browser: Any, db: Database) -> None:
        seller = make.seller(db, account_status="restricted", account_asks=["individual.id_number"])
        offer = make.offer(db, seller.expert)
        with db.transaction() as tx:
            tx.session.get_one(Calendar, seller.expert.id).weekly = []
            tx.session.add(
                ProfileDraft(
                    expert_id=seller.expert.id,
                    content={},
                    state="changes",
                    notes={"bio": "x"},
                    saved_at=tx.now,
                )
            )
        page = browser(seller.person).get("/en/expert/").text
        assert "Complete your payout account" in page
        assert "Say when you may be booked" in page
        assert "Changes asked on your profile" in page
        assert "none, until your payout account is ready" in page
        assert offer.slug in page

    def test_reviews_to_write(
        self, browser: Any, db: Database, clock: FakeClock, seller: make.Seller
    ) -> None:
        made = make.booking(db, state="confirmed", of=seller)
        clock.move_to(make.read(db, made).ends_at + timedelta(minutes=5))
        run_clock(db, None)  # type: ignore[arg-type]
        assert "Rate the session with Foncière Calvière" in browser(seller.person).get("/en/expert/").text

    def test_applicants_go_to_their_list(self, browser: Any, db: Database) -> None:
        answer = browser(make.seller(db, status="applying").person).get("/en/expert/")
        assert (answer.status_code, answer.location) == (303, "/en/expert/application")

    @pytest.mark.parametrize("week", ["", "x", "0001-01-01", "9999-12-31", "2026-02-30", "'"])
    def test_weeks_nobody_plans_by(self, browser: Any, seller: make.Seller, week: str) -> None:
        assert browser(seller.person).get("/fr/expert/", query_string={"week": week}).status_code == 200

    def test_costs_the_same_with_more(
        self, browser: Any, db: Database, seller: make.Seller, count_queries: Any
    ) -> None:
        page = browser(seller.person)
        make.booking(db, state="requested", of=seller)

        def cost(path: str) -> int:
            with count_queries() as counted:
                assert page.get(path).status_code == 200
            return int(counted.number)

        before = {path: cost(path) for path in ("/en/expert/", "/en/expert/money")}
        for days in (9, 12, 16):
            make.booking(db, state="confirmed", of=seller, days_ahead=days)
        assert {path: cost(path) for path in before} == before


def due(db: Database, made: make.Made, *, why: str = "due", held_up_by: str | None = None) -> None:
    payment = make.payment_of(db, made)
    with db.transaction() as tx:
        row = tx.session.get_one(Payment, payment.id)
        schedule_transfer(tx, row, amount_minor=129_600, due_at=tx.now + timedelta(days=3), why=why)
        tx.session.flush()
        tx.session.query(Transfer).filter_by(payment_id=payment.id).one().held_up_by = held_up_by


class TestMoney:
    def test_by_where_it_is(self, browser: Any, db: Database, seller: make.Seller) -> None:
        make.booking(db, state="requested", of=seller)
        make.booking(db, state="confirmed", of=seller, days_ahead=12)
        due(db, make.booking(db, state="confirmed", of=seller, days_ahead=14), why="new_expert")
        page = browser(seller.person).get("/en/expert/money").text
        sums = page.split('class="amounts"')[1].split("</dl>")[0]
        assert sums.count("€1,296.00") == 3
        assert "1 request" in sums
        assert "Why the transfer of Foncière Calvière waits" in page
        assert "seven days more" in page

    @pytest.mark.parametrize(
        ("held_up_by", "words"),
        [
            ("account_restricted", "See what is asked"),
            ("frozen", "bank contests the payment"),
            ("refund_under_way", "refund is under way"),
        ],
    )
    def test_says_what_holds_it_up(
        self, browser: Any, db: Database, seller: make.Seller, held_up_by: str, words: str
    ) -> None:
        due(db, make.booking(db, state="confirmed", of=seller), held_up_by=held_up_by)
        assert words in browser(seller.person).get("/en/expert/money").text.split("Why the transfer")[1]

    def test_nothing_is_said_in_the_language_of_who_read_before(
        self, browser: Any, seller: make.Seller
    ) -> None:
        # A filter on a constant is worked out once, when the template is compiled.
        page = browser(seller.person)
        said = {language: page.get(f"/{language}/expert/money").text for language in ("fr", "en", "fr")}
        assert (said["fr"].count("€0.00"), said["en"].count("€0.00")) == (0, 4)

    def test_pages(
        self, browser: Any, db: Database, seller: make.Seller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("marketplace.web.expert.money.A_PAGE", 2)
        for days in (9, 12, 16):
            make.booking(db, state="confirmed", of=seller, days_ahead=days)
        page = browser(seller.person)
        first = page.get("/en/expert/money").text
        following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
        second = page.get(following).text
        seen = [text.split("<tbody>")[1].count("/en/expert/money/") for text in (first, second)]
        assert seen == [2, 1]
        assert page.get("/en/expert/money?after=junk").status_code == 200

    @pytest.mark.parametrize(
        ("language", "separator", "amount"), [("en", ",", "1296.00"), ("fr", ";", "1296,00")]
    )
    def test_all_rows_as_a_file(
        self, browser: Any, db: Database, seller: make.Seller, monkeypatch: pytest.MonkeyPatch, language: str,
        separator: str, amount: str,
    ) -> None:  # fmt: skip
        monkeypatch.setattr("marketplace.web.expert.money.A_CHUNK", 2)
        for days in (9, 12, 16):
            make.booking(db, state="confirmed", of=seller, days_ahead=days)
        answer = browser(seller.person).get(f"/{language}/expert/money.csv")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        head, *lines = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=separator)
        assert (len(head), [len(line) for line in lines]) == (16, [16, 16, 16])
        assert {line[8] for line in lines} == {amount}
        assert all(date.fromisoformat(line[0]) and date.fromisoformat(line[11]) for line in lines)

    def test_no_text_becomes_a_formula(self) -> None:
        assert [_cell(text) for text in ("=1+1", "@x", "+3", "-cmd", "-12.00", "Foncière")] == [
            "'=1+1", "'@x", "'+3", "'-cmd", "-12.00", "Foncière",
        ]  # fmt: skip

    def test_nobody_elses(self, browser: Any, db: Database, seller: make.Seller) -> None:
        make.booking(db, state="confirmed", of=seller)
        other = browser(make.seller(db).person)
        assert "Foncière" not in other.get("/en/expert/money").text + other.get("/en/expert/money.csv").text
        assert browser(make.person(db)).get("/en/expert/money.csv").status_code == 404


class TestTheWeekToScale:
    def booking(self, start: datetime, minutes: int, state: str = "confirmed", pad: int = 0) -> Any:
        end, around = start + timedelta(minutes=minutes), timedelta(minutes=pad)
        return SimpleNamespace(
            starts_at=start,
            ends_at=end,
            state=state,
            during=Range(start - around, end + around),
            reference="r",
        )

    def test_stands_where_the_clock_says(self) -> None:
        start = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)  # 09:30 in Paris.
        week = Week(date(2026, 11, 23), "Europe/Paris", [self.booking(start, 210, pad=30)],
                    [(start - timedelta(minutes=90), start + timedelta(hours=9))], ())  # fmt: skip
        view = week_view(week, start + timedelta(minutes=30))
        (block,) = view.days[3].blocks
        assert (block.hour, block.quarter, block.minutes, len(block.ticks)) == (1, 30, 210, 6)
        assert view.days[3].hours == [("0%", "95.455%")]
        assert view.height == 11 * 56
        assert view.days[3].now == "18.182%"
        assert [day.narrow for day in view.days] == [True, True, True, False, True, True, True]

    @given(
        st.lists(
            st.tuples(st.integers(0, 7 * 96), st.sampled_from([180, 210, 240]), st.integers(0, 60)),
            max_size=5,
        ),
        st.sampled_from(["Europe/Paris", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]),
        st.sampled_from([date(2026, 10, 19), date(2026, 11, 23), date(2027, 3, 22)]),
    )
    def test_nothing_leaves_its_day(self, sessions: list[Any], zone: str, monday: date) -> None:
        begin = datetime(monday.year, monday.month, monday.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        bookings = [self.booking(begin + timedelta(minutes=15 * n), m, pad=pad) for n, m, pad in sessions]
        view = week_view(Week(monday, zone, bookings, [], ()), begin)
        hours = len(view.clock)
        assert view.clock[0] <= 8
        assert view.clock[-1] >= 17
        assert view.height == 56 * hours
        for day in view.days:
            for box in (*day.hours, *day.buffers):
                assert float(box.y[:-1]) >= 0
                assert float(box.y[:-1]) + float(box.height[:-1]) <= 100.01
            for block in day.blocks:
                assert 0 <= block.hour < 24
                assert block.quarter % 5 == 0
                assert 5 <= block.minutes <= 240
                assert block.minutes % 5 == 0


def test_an_expert_without_anything_has_a_home(browser: Any, db: Database) -> None:
    seller = make.seller(db)
    page = browser(seller.person).get("/fr/expert/")
    assert page.status_code == 200
    with db.reading() as session:
        assert session.get_one(Expert, seller.expert.id)


class TestReviews:
    def said(self, db: Database, made: make.Made, **more: Any) -> None:
        with db.transaction() as tx:
            booking = tx.session.get_one(Booking, made.id)
            booking.reviews_until = tx.now + timedelta(days=14)
            tx.session.add(
                Review(
                    booking_id=made.id, offer_id=made.offer.id, expert_id=made.seller.expert.id, side="lead",
                    author_name="Camille", author_company="Foncière", usefulness=5, unlocked="yes", days_saved=12,
                    **{"text": "Trouvé en deux heures.", "note_to_other": "Gardez le tableau.", "sent_at": tx.now}
                    | more,
                )
            )  # fmt: skip

    def test_visible_ones_with_the_word_for_them_alone(
        self, browser: Any, db: Database, clock: FakeClock, seller: make.Seller
    ) -> None:
        made = make.booking(db, state="confirmed", of=seller)
        page = browser(seller.person)
        assert "No review yet" in page.get("/en/expert/reviews").text
        self.said(db, made, note_to_operators="Entre nous.")
        assert "Trouvé en deux heures." not in page.get("/en/expert/reviews").text
        clock.move(timedelta(days=15))
        text = page.get("/en/expert/reviews").text
        assert "Trouvé en deux heures." in text
        assert "Gardez le tableau." in text
        assert make.read(db, made).reference in text
        assert "Entre nous." not in text
        assert "Gardez" not in browser(None).get(f"/en/offers/{made.offer.slug}").text
        assert "Trouvé" not in browser(make.seller(db).person).get("/en/expert/reviews").text

    def test_pages(
        self,
        browser: Any,
        db: Database,
        clock: FakeClock,
        seller: make.Seller,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("marketplace.web.expert.reviews.A_PAGE", 2)
        for days in (9, 12, 16):
            self.said(
                db,
                make.booking(db, state="confirmed", of=seller, days_ahead=days),
                text=f"Après {days} jours",
            )
        clock.move(timedelta(days=15))
        page = browser(seller.person)
        first = page.get("/en/expert/reviews").text
        following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
        second = page.get(following).text
        assert [text.count("Après") for text in (first, second)] == [2, 1]
        assert page.get("/en/expert/reviews?after=junk").status_code == 200

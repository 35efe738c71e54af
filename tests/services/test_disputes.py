"""Disputes: every move of the table against the services, and money that always adds up."""

from __future__ import annotations

import io
import itertools
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from marketplace.domain import postings
from marketplace.domain.bookings import Move, State, open_moves
from marketplace.domain.errors import (
    BetweenTheSides,
    EvidenceRefused,
    MoveNotOpen,
    NotFound,
    ReasonMissing,
    RefundTooLarge,
    Refusal,
    ReportRefused,
    SameOperator,
)
from marketplace.domain.policy import Actor
from marketplace.gateways.payments import RefundSeen
from marketplace.services import bookings, disputes, ledger
from marketplace.services.disputes import Words
from marketplace.services.files import read_evidence
from marketplace.services.payments.applying import apply_refund
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.db import Database
from marketplace.storage.disputes import Dispute, DisputeStatement
from marketplace.storage.experts import Expert
from marketplace.storage.payments import Payment, Refund
from marketplace.storage.payouts import Transfer
from tests import factories as make
from tests.clock import FakeClock

_tokens = itertools.count(1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIMIT = 10_000_000
TOLD = "The video broke down after an hour and never came back."


class Case:
    """A booking on its way through a dispute."""

    def __init__(self, db: Database, clock: FakeClock, *, state: str = "delivered") -> None:
        self.db, self.clock = db, clock
        self.made = make.booking(db, state="confirmed", days_ahead=10)
        self.operator, self.other = make.operator(db), make.operator(db)
        self.actors = {
            "lead": self.made.lead.actor,
            "expert": self.made.seller.actor,
            "operator": self.operator,
        }
        if state == "cancelled":
            self.go(self.booking.starts_at - 2 * DAY)
            bookings.cancel(
                db, self.actors["lead"], booking_id=self.made.id, side="lead", reason="", expected_minor=None,
                token=self.token(),
            )  # fmt: skip
        elif state == "confirmed":
            self.go(self.booking.starts_at + HOUR)
        elif state == "delivered":
            self.go(self.booking.ends_at + HOUR)
            self.tick()

    @property
    def booking(self) -> Booking:
        return make.read(self.db, self.made)

    def token(self) -> str:
        return f"d{next(_tokens)}"

    def go(self, at: object) -> None:
        self.clock.move(at - self.clock())  # type: ignore[operator]

    def tick(self) -> None:
        bookings.run_clock(self.db, None)  # type: ignore[arg-type]

    def report(self, side: str = "lead", kind: str = "quality", share: int = 40, **more: object) -> Booking:
        said = Words(TOLD, share, kind=kind, **more)  # type: ignore[arg-type]
        return disputes.report(
            self.db, self.actors[side], booking_id=self.made.id, side=side, said=said, token=self.token()
        )

    def answer(self, side: str = "expert", share: int | None = 10, **more: object) -> Booking:
        said = Words("It went on by telephone.", share, **more)  # type: ignore[arg-type]
        return disputes.answer(
            self.db, self.actors[side], booking_id=self.made.id, side=side, said=said, token=self.token()
        )

    def agree(self, side: str, share: int) -> Booking:
        return disputes.agree(
            self.db, self.actors[side], booking_id=self.made.id, side=side, share=share, token=self.token()
        )

    def withdraw(self, side: str = "lead") -> Booking:
        return disputes.withdraw_report(
            self.db, self.actors[side], booking_id=self.made.id, side=side, token=self.token()
        )

    def decide(self, share: int = 30, by: Actor | None = None, above: int = LIMIT) -> object:
        return disputes.decide(
            self.db, by or self.operator, booking_id=self.made.id, share=share, reason_lead="to the lead",
            reason_expert="to the expert", second_above=above, token=self.token(),
        )  # fmt: skip

    def accept(self, side: str) -> Booking:
        return disputes.accept_decision(
            self.db, self.actors[side], booking_id=self.made.id, side=side, token=self.token()
        )

    def appeal(self, side: str = "expert") -> Booking:
        return disputes.appeal(
            self.db, self.actors[side], booking_id=self.made.id, side=side, words="not so", token=self.token()
        )

    def refund(self, minor: int, borne_by: str = "us", above: int = LIMIT, by: Actor | None = None) -> object:
        return disputes.refund_later(
            self.db, by or self.operator, booking_id=self.made.id, amount_minor=minor, borne_by=borne_by,
            reason="goodwill", second_above=above, token=self.token(),
        )  # fmt: skip

    def after_two_days(self) -> None:
        self.clock.move(48 * HOUR)

    def payment(self) -> Payment:
        return make.payment_of(self.db, self.made)

    def refunds_arrive(self) -> None:
        """The provider's word on every refund under way."""
        with self.db.transaction() as tx:
            payment = tx.session.scalars(sa.select(Payment).where(Payment.subject == self.made.id)).one()
            for refund in tx.session.scalars(
                sa.select(Refund).where(Refund.payment_id == payment.id, Refund.state == "intended")
                .order_by(Refund.id)
            ):  # fmt: skip
                seen = RefundSeen(f"re_{refund.id.hex}", "done", refund.amount_minor, "EUR")
                apply_refund(tx, payment, refund.id, seen)

    def adds_up(self) -> None:
        """Captured = refunded + the expert's + ours, and the ledger's own check finds nothing."""
        self.refunds_arrive()
        payment = self.payment()
        with self.db.reading() as session:
            assert [one for one in ledger.check(session) if not one.shortfall] == []
            books = ledger.balances(session)
        expert = self.made.seller.expert.id
        own = sum(
            books.get(one, 0) for one in ("service_fee", "vat:service_fee", "commission", "vat:commission")
        )
        payable = books.get(postings.payable(expert), 0)
        borne = books.get("goodwill", 0)
        assert books.get(postings.held(self.made.id), 0) == 0
        assert payment.captured_minor == payment.refunded_minor - payable - own - borne


@pytest.fixture
def case(db: Database, clock: FakeClock) -> Case:
    return Case(db, clock)


class TestReport:
    @pytest.mark.parametrize("state", ["confirmed", "delivered", "cancelled"])
    @pytest.mark.parametrize("side", ["lead", "expert", "operator"])
    def test_a_report_freezes_the_booking_where_it_stands(
        self, db: Database, clock: FakeClock, state: str, side: str
    ) -> None:
        case = Case(db, clock, state=state)
        case.report(side, share=60)
        booking = case.booking
        assert (booking.state, booking.disputed_from) == ("disputed", state)
        assert booking.captured_at is not None
        assert booking.deadline == booking.captured_at + 80 * DAY
        assert booking.reviews_until is None
        with db.reading() as session:
            assert session.scalars(sa.select(Transfer)).all() == []

    def test_from_the_start_and_a_no_show_a_quarter_of_an_hour_later(
        self, db: Database, clock: FakeClock
    ) -> None:
        case = Case(db, clock, state="confirmed")
        start = case.booking.starts_at
        case.clock.move(start - timedelta(seconds=1) - case.clock() if case.clock() < start else timedelta(0))
        case2 = make.booking(db, state="confirmed", days_ahead=20)
        clock.move(make.read(db, case2).starts_at + timedelta(minutes=14) - clock())
        said = Words(TOLD, 100, kind="expert_absent")
        with pytest.raises(ReportRefused) as refused:
            disputes.report(db, case2.lead.actor, booking_id=case2.id, side="lead", said=said, token="a")
        assert refused.value.facts["why"] == "early"
        clock.move(timedelta(minutes=1))
        disputes.report(db, case2.lead.actor, booking_id=case2.id, side="lead", said=said, token="a")
        assert make.read(db, case2).state == "disputed"

    def test_not_once_the_window_is_over(self, case: Case) -> None:
        case.clock.move(71 * HOUR)
        with pytest.raises((ReportRefused, MoveNotOpen)):
            case.report()

    def test_a_cancelled_booking_only_before_its_share_falls_due(
        self, db: Database, clock: FakeClock
    ) -> None:
        case = Case(db, clock, state="cancelled")
        clock.move(72 * HOUR)
        case.tick()
        with pytest.raises(ReportRefused):
            case.report()

    def test_the_same_form_twice_is_one_report(self, case: Case) -> None:
        for _again in range(2):
            disputes.report(
                case.db, case.actors["lead"], booking_id=case.made.id, side="lead",
                said=Words(TOLD, 40, kind="quality"), token="same",
            )  # fmt: skip
        with case.db.reading() as session:
            assert len(session.scalars(sa.select(DisputeStatement)).all()) == 1

    def test_a_stranger_finds_nothing(self, case: Case) -> None:
        with pytest.raises(NotFound):
            disputes.report(
                case.db, make.lead(case.db).actor, booking_id=case.made.id, side="lead",
                said=Words(TOLD, 40, kind="quality"), token="x",
            )  # fmt: skip

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            (Words("short", 40, kind="quality"), "words"),
            (Words(TOLD, 101, kind="quality"), "share"),
            (Words(TOLD, None, kind="quality"), "share"),
            (Words(TOLD, 40, kind="bored"), "kind"),
            (Words(TOLD, 40, kind="ended_early", held=500), "minutes"),
        ],
    )
    def test_what_is_no_report_is_refused_by_name(self, case: Case, said: Words, why: str) -> None:
        with pytest.raises(ReportRefused) as refused:
            disputes.report(
                case.db, case.actors["lead"], booking_id=case.made.id, side="lead", said=said, token="x"
            )
        assert refused.value.facts["why"] == why
        assert case.booking.state == "delivered"

    def test_the_share_starts_from_the_kind_and_never_under_what_went_back(
        self, db: Database, clock: FakeClock
    ) -> None:
        case = Case(db, clock, state="cancelled")  # moderate, 48 h before: half went back
        with db.reading() as session:
            booking = session.get_one(Booking, case.made.id)
            assert disputes.share_for(session, booking, "quality") == 50
            assert disputes.share_for(session, booking, "technical") == 100


class TestBetweenTheSides:
    def test_each_last_share_stands_and_is_agreed_to(self, case: Case) -> None:
        case.report(share=80)
        case.answer(share=10)
        case.answer(share=25)
        case.agree("lead", 25)
        booking = case.booking
        assert booking.state == "settled"
        assert booking.refund_minor == pytest.approx(case.payment().amount_minor * 25 / 100, abs=4)
        assert booking.reviews_until is not None
        assert booking.reviews_until >= case.clock() + 7 * DAY
        case.adds_up()

    def test_nobody_agrees_to_their_own_share_or_to_none(self, case: Case) -> None:
        case.report(share=80)
        with pytest.raises(MoveNotOpen):
            case.agree("lead", 80)
        case.answer(share=80)
        with pytest.raises(MoveNotOpen):
            case.agree("expert", 80)

    def test_agreeing_is_to_what_was_shown(self, case: Case) -> None:
        case.report(share=80)
        with pytest.raises(ReportRefused) as refused:
            case.agree("expert", 70)
        assert refused.value.facts["why"] == "changed"
        assert case.booking.state == "disputed"

    def test_never_less_than_was_refunded_before(self, db: Database, clock: FakeClock) -> None:
        case = Case(db, clock, state="cancelled")
        had = case.booking.refund_minor
        case.report("expert", share=50)
        with pytest.raises(ReportRefused):
            case.answer("lead", share=20)
        case.agree("lead", 50)
        assert case.booking.refund_minor == had
        case.adds_up()

    @pytest.mark.parametrize(
        ("state", "back"),
        [("confirmed", "confirmed"), ("delivered", "delivered"), ("cancelled", "cancelled")],
    )
    def test_a_report_taken_back_leads_back(
        self, db: Database, clock: FakeClock, state: str, back: str
    ) -> None:
        case = Case(db, clock, state=state)
        case.report(share=60)
        clock.move(HOUR)
        case.withdraw()
        booking = case.booking
        assert booking.state == back
        least = clock() + 24 * HOUR if back != "confirmed" else booking.ends_at
        assert booking.deadline is not None
        assert booking.deadline >= least
        with pytest.raises(ReportRefused) as refused:
            case.report(share=60)
        assert refused.value.facts["why"] == "again"
        case.report("expert", share=60)

    def test_taken_back_after_the_end_it_is_delivered(self, db: Database, clock: FakeClock) -> None:
        case = Case(db, clock, state="confirmed")
        case.report()
        case.go(case.booking.ends_at + HOUR)
        case.withdraw()
        booking = case.booking
        assert booking.state == "delivered"
        assert booking.reviews_until is not None

    def test_all_who_reported_take_it_back(self, case: Case) -> None:
        case.report("lead")
        case.answer("expert", share=0, kind="buyer_absent")
        case.withdraw("lead")
        assert case.booking.state == "disputed"
        case.withdraw("expert")
        assert case.booking.state == "delivered"

    def test_who_did_not_report_takes_nothing_back(self, case: Case) -> None:
        case.report("lead")
        with pytest.raises(MoveNotOpen):
            case.withdraw("expert")

    def test_who_did_not_come_is_counted_once_it_is_settled(self, case: Case) -> None:
        case.report(kind="both_absent", share=100)
        case.agree("expert", 100)
        with case.db.reading() as session:
            assert session.get_one(Expert, case.made.seller.expert.id).absent_count == 1
        assert case.booking.reviews_until is None


class TestDecisions:
    def test_not_while_it_is_between_the_sides(self, case: Case) -> None:
        case.report()
        with pytest.raises(BetweenTheSides):
            case.decide()
        case.after_two_days()
        case.decide()
        booking = case.booking
        assert booking.state == "resolved"
        assert booking.deadline == case.clock() + 5 * DAY

    def test_five_days_pass(self, case: Case) -> None:
        case.report()
        case.after_two_days()
        case.decide(share=30)
        case.clock.move(5 * DAY - timedelta(seconds=1))
        case.tick()
        assert case.booking.state == "resolved"
        case.clock.move(timedelta(seconds=1))
        case.tick()
        assert case.booking.state == "settled"
        case.adds_up()

    def test_both_accept(self, case: Case) -> None:
        case.report()
        case.after_two_days()
        case.decide()
        case.accept("lead")
        case.accept("lead")
        assert case.booking.state == "resolved"
        case.accept("expert")
        assert case.booking.state == "settled"
        case.adds_up()

    def test_one_appeal_which_another_operator_decides_at_once(self, case: Case) -> None:
        case.report()
        case.after_two_days()
        case.decide(share=0)
        case.appeal("lead")
        assert case.booking.state == "disputed"
        with pytest.raises(SameOperator):
            case.decide(share=50)
        case.decide(share=50, by=case.other)
        assert case.booking.state == "settled"
        with case.db.reading() as session:
            assert session.scalars(sa.select(Dispute.share)).one() == 50
        case.adds_up()

    def test_no_appeal_after_five_days(self, case: Case) -> None:
        case.report()
        case.after_two_days()
        case.decide()
        case.clock.move(5 * DAY)
        with pytest.raises(MoveNotOpen):
            case.appeal()

    def test_four_eyes_above_the_limit(self, case: Case) -> None:
        case.report()
        case.after_two_days()
        decision = case.decide(share=90, above=10_000)
        assert case.booking.state == "disputed"

        def second(by: Actor, yes: bool = True) -> None:
            disputes.second(
                case.db,
                by,
                booking_id=case.made.id,
                decision_id=decision.id,
                yes=yes,
                token=case.token(),  # type: ignore[attr-defined]
            )

        with pytest.raises(SameOperator):
            second(case.operator)
        second(case.other)
        assert case.booking.state == "resolved"

    def test_a_reason_to_each_side(self, case: Case) -> None:
        case.report()
        case.after_two_days()
        with pytest.raises(ReasonMissing):
            disputes.decide(
                case.db, case.operator, booking_id=case.made.id, share=10, reason_lead="why", reason_expert=" ",
                second_above=LIMIT, token="x",
            )  # fmt: skip

    def test_no_report_is_taken_back_after_a_decision(self, case: Case) -> None:
        case.report()
        case.after_two_days()
        case.decide()
        case.appeal()
        with pytest.raises(MoveNotOpen):
            case.withdraw()

    @pytest.mark.parametrize("decided", [False, True])
    def test_day_80_ends_it(self, case: Case, decided: bool) -> None:
        case.report(share=40)
        case.after_two_days()
        if decided:
            case.decide(share=70)
            case.appeal()
        captured = case.booking.captured_at
        assert captured is not None
        case.go(captured + 80 * DAY)
        case.tick()
        assert case.booking.state == "settled"
        with case.db.reading() as session:
            assert session.scalars(sa.select(Dispute.share)).one() == (70 if decided else 40)
        case.adds_up()


class TestLaterRefund:
    def completed(self, case: Case) -> None:
        case.clock.move(72 * HOUR)
        case.tick()
        assert case.booking.state == "completed"

    @pytest.mark.parametrize("borne_by", ["us", "expert"])
    def test_an_amount_comes_back(self, case: Case, borne_by: str) -> None:
        self.completed(case)
        case.refund(12_345, borne_by)
        booking = case.booking
        assert (booking.state, booking.refund_minor) == ("completed", 12_345)
        case.adds_up()

    def test_never_more_than_is_left(self, case: Case) -> None:
        self.completed(case)
        case.refund(case.payment().captured_minor - 5)
        with pytest.raises(RefundTooLarge):
            case.refund(6)
        case.refund(5, "us")
        case.adds_up()

    def test_not_before_the_share_fell_due(self, db: Database, clock: FakeClock) -> None:
        case = Case(db, clock, state="cancelled")
        with pytest.raises(MoveNotOpen):
            case.refund(100)

    def test_four_eyes_above_the_limit(self, case: Case) -> None:
        self.completed(case)
        row = case.refund(20_000, above=10_000)
        assert case.booking.refund_minor == 0
        second = {"booking_id": case.made.id, "refund_id": row.id, "yes": True}  # type: ignore[attr-defined]
        with pytest.raises(SameOperator):
            disputes.second_refund(case.db, case.operator, **second, token=case.token())
        disputes.second_refund(case.db, case.other, **second, token=case.token())
        assert case.booking.refund_minor == 20_000


class TestEvidence:
    def test_a_picture_is_made_anew_and_a_pdf_kept(self, case: Case) -> None:
        raw = io.BytesIO()
        Image.new("RGB", (900, 500), "navy").save(raw, "PNG")
        picture = read_evidence("proof.exe", raw.getvalue())
        paper = read_evidence("a.pdf", b"%PDF-1.4\n...\n%%EOF\n")
        assert (picture.media_type, paper.media_type) == ("image/webp", "application/pdf")
        case.report(files=(picture, paper))
        with case.db.reading() as session:
            from marketplace.storage.disputes import DisputeFile

            rows = session.scalars(sa.select(DisputeFile).order_by(DisputeFile.name)).all()
            assert [one.name for one in rows] == ["a.pdf", "proof.exe"]
            file, _name = disputes.evidence_file(session, case.made.id, rows[0].file_id)
            assert file.content == paper.content
            with pytest.raises(NotFound):
                disputes.evidence_file(session, uuid.uuid4(), rows[0].file_id)

    @pytest.mark.parametrize(
        ("content", "why"), [(b"MZ\x90 not a picture", "kind"), (b"%PDF-1.4 cut off", "kind"), (b"%PDF-" + b"a" * 6_000_000, "size")]
    )  # fmt: skip
    def test_anything_else_is_refused(self, content: bytes, why: str) -> None:
        with pytest.raises(EvidenceRefused) as refused:
            read_evidence("x.pdf", content)
        assert refused.value.facts["why"] == why

    def test_three_at_once(self, case: Case) -> None:
        paper = read_evidence("a.pdf", b"%PDF-1.4\n%%EOF")
        with pytest.raises(EvidenceRefused):
            case.report(files=(paper,) * 4)
        assert case.booking.state == "delivered"


MAKES = {
    Move.REPORT: lambda case: case.report("expert", share=60),
    Move.ANSWER: lambda case: case.answer("expert", share=55),
    Move.AGREE: lambda case: case.agree("expert", 60),
    Move.WITHDRAW_REPORT: lambda case: case.withdraw("lead"),
    Move.DECIDE: lambda case: case.decide(by=case.other, share=70),
    Move.APPEAL: lambda case: case.appeal("lead"),
    Move.REFUND: lambda case: case.refund(100),
}
REACH = {
    "confirmed": lambda db, clock: Case(db, clock, state="confirmed"),
    "delivered": lambda db, clock: Case(db, clock),
    "cancelled": lambda db, clock: Case(db, clock, state="cancelled"),
    "disputed": lambda db, clock: _disputed(db, clock),
    "resolved": lambda db, clock: _resolved(db, clock),
    "settled": lambda db, clock: _settled(db, clock),
}


def _disputed(db: Database, clock: FakeClock) -> Case:
    case = Case(db, clock)
    case.report("lead", share=60)
    case.after_two_days()
    return case


def _resolved(db: Database, clock: FakeClock) -> Case:
    case = _disputed(db, clock)
    case.decide(share=65)
    return case


def _settled(db: Database, clock: FakeClock) -> Case:
    case = _disputed(db, clock)
    case.agree("expert", 60)
    return case


@pytest.mark.parametrize("state", list(REACH))
@pytest.mark.parametrize("move", list(MAKES))
def test_the_grid_of_moves(db: Database, clock: FakeClock, state: str, move: Move) -> None:
    """What the table holds succeeds with one history row of that name; the rest is refused and changes nothing."""
    case = REACH[state](db, clock)
    held = move in open_moves(State(state))
    if state == "cancelled" and move is Move.REFUND:
        held = False  # Not before its share fell due.

    def rows() -> list[str]:
        with db.reading() as session:
            return list(
                session.scalars(sa.select(BookingMove.move).where(BookingMove.booking_id == case.made.id))
            )

    before = rows()
    if held:
        MAKES[move](case)
        assert rows().count(move.value) == before.count(move.value) + 1
    else:
        with pytest.raises(Refusal):
            MAKES[move](case)
        assert rows() == before
        assert case.booking.state == state


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["report", "answer", "agree", "withdraw", "decide", "accept", "appeal", "wait", "refund"]
        ),
        st.sampled_from(["lead", "expert"]),
        st.integers(0, 100),
        st.booleans(),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, state=st.sampled_from(["confirmed", "delivered", "cancelled"]))
def test_money_adds_up_whatever_happens(
    db: Database, clock: FakeClock, acts: list[tuple[str, str, int, bool]], state: str
) -> None:
    """Random histories: refunds only grow, one settlement at most, and the books hold at every step and the end."""
    case = Case(db, clock, state=state)
    before = case.payment().refunded_minor
    for what, side, share, flag in acts:
        try:
            _act(case, what, side, share, flag)
        except (Refusal, AssertionError) as refused:
            if isinstance(refused, AssertionError):
                raise
        now = case.payment().refunded_minor
        assert now >= before
        before = now
    captured = case.booking.captured_at
    assert captured is not None
    case.go(max(case.clock(), captured + 80 * DAY))
    for _again in range(3):
        case.tick()
    assert case.booking.state in ("completed", "settled", "cancelled")
    with db.reading() as session:
        settled = session.scalars(
            sa.select(BookingMove.id).where(BookingMove.booking_id == case.made.id, BookingMove.to_state == "settled",
                                            BookingMove.from_state.in_(("disputed", "resolved")))
        ).all()  # fmt: skip
    assert len(settled) <= 1
    case.refunds_arrive()
    with db.reading() as session:
        assert [one for one in ledger.check(session) if not one.shortfall] == []


def _act(case: Case, what: str, side: str, share: int, flag: bool) -> None:
    match what:
        case "report":
            case.report(side, kind="technical" if flag else "quality", share=share)
        case "answer":
            case.answer(side, share=share)
        case "agree":
            with case.db.reading() as session:
                found = session.scalars(
                    sa.select(DisputeStatement.share).where(DisputeStatement.side != side)
                    .order_by(DisputeStatement.said_at.desc(), DisputeStatement.id.desc())
                ).first()  # fmt: skip
            case.agree(side, share if found is None else found)
        case "withdraw":
            case.withdraw(side)
        case "decide":
            case.decide(share=share, by=case.other if flag else case.operator)
        case "accept":
            case.accept(side)
        case "appeal":
            case.appeal(side)
        case "wait":
            case.clock.move(timedelta(hours=share))
            case.tick()
        case "refund":
            case.refund(share * 500 + 1, "expert" if flag else "us")

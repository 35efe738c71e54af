"""What the records hold about a person, section by section: only what is theirs, and no secret."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, undefer

from ...storage.approvals import ApproverInvitation
from ...storage.availability import BusyCalendar, Calendar
from ...storage.bookings import Booking, BookingMove, Proposal
from ...storage.briefs import Brief
from ...storage.companies import Company, Membership
from ...storage.disputes import Dispute, DisputeFile, DisputeStatement
from ...storage.enquiries import Enquiry, EnquiryInvitation, EnquiryMail, EnquiryProposal
from ...storage.experts import Expert, ProfileDraft
from ...storage.feeds import CalendarFeed, ReminderMail
from ...storage.files import File
from ...storage.letters import Letter
from ...storage.moderation import Case, Notice, Restriction
from ...storage.offers import Offer, OfferDraft, OfferVersion
from ...storage.payments import Payment, Refund
from ...storage.payouts import Transfer
from ...storage.people import Acceptance, AuditRow, LogIn, MailedLink, Person, SecondFactor
from ...storage.questions import Question, QuestionLimit
from ...storage.queues import AskedTimes, QueuePlace
from ...storage.reviews import Review, seen_by_all
from ...storage.saved_searches import SavedSearch
from ...storage.shortlists import Shortlist, ShortlistItem

MARKS = ("prepared", "expertise", "usefulness", "clarity", "brief_mark", "punctuality", "openness")
REVIEW = ("unlocked", "days_saved", "text", "language", "sent_at")
DRAFT = ("content", "state", "notes", "saved_at", "submitted_at")
VERSION = (
    "number", "live", "language", "title", "problem", "failed", "unlocked", "takeaways", "for_whom", "not_for_whom",
    "topics", "industries", "minutes", "price_minor", "currency", "format", "area", "languages", "notice_hours",
    "policy", "instant", "promises_plan", "questions", "published_at",
)  # fmt: skip
EXPERT = (
    "slug", "status", "admitted_at", "headline", "startup", "startup_role", "city", "country", "languages", "bio",
    "language", "legal_name", "address", "vat_status", "vat_number", "vat_ground", "registration", "account_id",
    "account_status", "account_asks", "standing_since", "conflicts", "meeting_link", "bank_changed_at",
    "cancelled_count", "absent_count", "created_at",
)  # fmt: skip
HOURS = (
    "zone", "weekly", "dated", "before_minutes", "after_minutes", "notice_hours", "horizon_days", "grid_minutes",
    "per_day", "per_week", "holidays_of", "holidays_region",
)  # fmt: skip
ASKED = ("state", "starts", "format", "words", "answer", "asked_at", "closed_at")
BRIEF = (
    "language", "subject", "context", "decision", "firms_concerned", "needs", "answers", "purchase_order",
    "cost_centre", "created_at", "saved_at",
)  # fmt: skip


def account(session: Session, me: uuid.UUID) -> dict[str, Any]:
    """Who somebody is here, how they get in, and what they accepted."""
    person = session.get_one(Person, me)
    factor = session.get(SecondFactor, me)
    feed, reminders = session.get(CalendarFeed, me), session.get(ReminderMail, me)
    files = session.scalars(
        sa.select(File).where(File.person_id == me).order_by(File.id).options(undefer(File.content))
    )
    return {
        "person": _some(person, ("id", "email", "name", "language", "zone", "operator", "demo", "email_verified_at",
                                 "suspended_at", "absent_count", "created_at")),
        "second_factor": _some(factor, ("made_at", "confirmed_at")) if factor is not None else None,
        "log_ins": _rows(session, LogIn, LogIn.person_id == me, "created_at", "seen_at", "proved_at", "ended_at",
                         "user_agent", "address"),
        "mailed_links": _rows(session, MailedLink, MailedLink.person_id == me, "purpose", "carries", "made_at",
                              "until", "used_at"),
        "accepted_documents": _rows(session, Acceptance, Acceptance.person_id == me, "document", "version",
                                    "booking_id", "accepted_at", "address"),
        "companies": [
            {"company": name, "domain": domain, "roles": roles, "joined_at": joined}
            for name, domain, roles, joined in session.execute(
                sa.select(Company.name, Company.domain, Membership.roles, Membership.joined_at)
                .join(Membership, Membership.company_id == Company.id)
                .where(Membership.person_id == me)
                .order_by(Company.name, Company.id)
            )
        ],
        "approver_invitations": _rows(session, ApproverInvitation, ApproverInvitation.person_id == me, "email",
                                      "made_at", "until", "accepted_at"),
        "approvals": _rows(session, BookingMove, sa.and_(BookingMove.actor_id == me, BookingMove.actor_kind == "approver"),
                           "booking_id", "at", "move", "reason"),
        "times_proposed": [
            {"booking": number} | _some(row, ("kind", "starts_at", "ends_at", "words", "state", "made_at", "ended_at"))
            for number, row in session.execute(
                sa.select(Booking.number, Proposal)
                .join(Proposal, Proposal.booking_id == Booking.id)
                .where(Proposal.person_id == me)
                .order_by(Proposal.made_at, Proposal.id)
            )
        ],
        "letters": _rows(session, Letter, Letter.person_id == me, "event", "recipient", "subject", "made_at",
                         "sent_at"),
        "calendar_address": _some(feed, ("detailed", "made_at")) if feed is not None else None,
        "reminders_off": reminders.off if reminders is not None else [],
        "files": [
            _some(file, ("id", "kind", "media_type", "made_at"))
            | {"content_base64": base64.b64encode(file.content).decode()}
            for file in files
        ],
        "journal": [
            {"at": row.at, "act": row.act, "by": "you" if row.actor_id == me else "the platform",
             "reason": row.reason if row.actor_id == me else "",
             "address": row.address if row.actor_id in (me, None) else ""}
            for row in session.scalars(
                sa.select(AuditRow)
                .where(sa.or_(AuditRow.actor_id == me, AuditRow.subject == str(me)))
                .order_by(AuditRow.at, AuditRow.id)
            )
        ],
    }  # fmt: skip


def buying(session: Session, me: uuid.UUID, now: datetime) -> dict[str, Any]:
    """What they book, pay, write and rate as a project lead; instants in UTC, amounts in minor units."""
    mine = Booking.lead_id == me
    payments = session.execute(
        sa.select(Booking.number, Payment)
        .join(Payment, Payment.subject == Booking.id)
        .where(mine)
        .order_by(Payment.id)
    )
    refunds = session.execute(
        sa.select(Booking.number, Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Booking, Booking.id == Payment.subject)
        .where(mine)
        .order_by(Refund.id)
    )
    return {
        "bookings": _bookings(session, mine, me, "refund_minor", "payment_opened_at"),
        "briefs": [
            # Who sits in with them is other people's: how many is theirs.
            _some(brief, BRIEF) | {"attendees": len(brief.attendees)}
            for brief in session.scalars(sa.select(Brief).where(Brief.lead_id == me).order_by(Brief.id))
        ],
        "payments": [
            {"booking": number}
            | _some(row, ("amount_minor", "captured_minor", "refunded_minor", "currency", "state", "authorised_at",
                          "captured_at", "ended_at", "created_at"))
            for number, row in payments
        ],
        "refunds": [
            {"booking": number} | _some(row, ("amount_minor", "currency", "why", "state", "decided_at", "ended_at"))
            for number, row in refunds
        ],
        "reviews_written": [
            {"booking": number, "side": row.side, "marks": _marks(row)}
            | _some(row, (*REVIEW, "note_to_other", "note_to_operators", "hidden_at", "hidden_why"))
            for number, row in session.execute(
                sa.select(Booking.number, Review)
                .join(Review, Review.booking_id == Booking.id)
                .where(Review.author_id == me)
                .order_by(Review.sent_at, Review.id)
            )
        ],
        "reports_and_answers": [
            {"booking": number, "files": names}
            | _some(row, ("side", "kind", "words", "share", "minutes_held", "said_at", "withdrawn_at"))
            for number, row, names in session.execute(_said_in_disputes(me))
        ],
        "reviews_of_you_as_buyer": _reviews(session, sa.and_(mine, _seen_by_lead(now))),
    }  # fmt: skip


def _said_in_disputes(me: uuid.UUID) -> sa.Select[str, DisputeStatement, list[str]]:
    """What somebody said in disputes, whichever side they stood on; the bytes are among their files."""
    names = (
        sa.select(sa.func.coalesce(sa.func.array_agg(DisputeFile.name), sa.text("'{}'::text[]")))
        .where(DisputeFile.statement_id == DisputeStatement.id)
        .scalar_subquery()
    )
    return (
        sa.select(Booking.number, DisputeStatement, names)
        .join(Dispute, Dispute.id == DisputeStatement.dispute_id)
        .join(Booking, Booking.id == Dispute.booking_id)
        .where(DisputeStatement.person_id == me)
        .order_by(DisputeStatement.said_at, DisputeStatement.id)
    )


def selling(session: Session, expert_id: uuid.UUID | None, now: datetime) -> dict[str, Any]:
    """What they offer, keep and are paid as an expert; empty for whoever sells nothing."""
    if expert_id is None:
        return {}
    expert = session.get_one(Expert, expert_id)
    draft, hours = session.get(ProfileDraft, expert_id), session.get(Calendar, expert_id)
    offers = session.scalars(sa.select(Offer).where(Offer.expert_id == expert_id).order_by(Offer.id)).all()
    versions = session.scalars(
        sa.select(OfferVersion).join(Offer).where(Offer.expert_id == expert_id).order_by(OfferVersion.number)
    ).all()
    drafts = session.scalars(sa.select(OfferDraft).join(Offer).where(Offer.expert_id == expert_id)).all()
    transfers = session.execute(
        sa.select(Booking.number, Transfer)
        .join(Booking, Booking.id == Transfer.subject)
        .where(Transfer.expert_id == expert_id)
        .order_by(Transfer.id)
    )
    return {
        "expert": _some(expert, EXPERT),
        "profile_draft": _some(draft, DRAFT) if draft is not None else None,
        "hours": _some(hours, HOURS) if hours is not None else None,
        "busy_calendars": _rows(session, BusyCalendar, BusyCalendar.expert_id == expert_id, "name", "shown", "good_at", "made_at"),
        "offers": [
            _some(offer, ("slug", "status", "created_at"))
            | {
                "versions": [_some(one, VERSION) for one in versions if one.offer_id == offer.id],
                "drafts": [_some(one, DRAFT) for one in drafts if one.offer_id == offer.id],
            }
            for offer in offers
        ],
        "sessions_given": _bookings(
            session, Booking.expert_id == expert_id, expert.person_id, "origin", "accepted_at", "share_due_at"
        ),
        "transfers": [
            {"booking": number}
            | _some(row, ("amount_minor", "currency", "due_at", "why", "state", "held_up_by", "made_at", "ended_at"))
            for number, row in transfers
        ],
        "reviews_of_you_as_expert": _reviews(
            session, sa.and_(Review.expert_id == expert_id, seen_by_all(now))
        ),
    }  # fmt: skip


def asking(session: Session, me: uuid.UUID, expert_id: uuid.UUID | None) -> dict[str, Any]:
    """Questions before booking, enquiries and saved searches, one's own side of them; answers were given to be read."""
    question = ("summary", "asked", "words", "state", "asked_at", "closed_at")
    proposal = ("price_minor", "slots", "format", "place", "words", "made_at")
    found: dict[str, Any] = {
        "questions_asked": _rows(session, Question, Question.asker_id == me, *question),
        "enquiries": _rows(session, Enquiry, Enquiry.lead_id == me, "title", "summary", "details", "language",
                           "state", "published_at", "closed_at"),
        "queue_places": _rows(session, QueuePlace, QueuePlace.lead_id == me, "state", "begins_at", "ends_at", "joined_at"),
        "times_asked": _rows(session, AskedTimes, AskedTimes.lead_id == me, *ASKED),
        "saved_searches": _rows(session, SavedSearch, SavedSearch.person_id == me, "name", "query", "filters",
                                "ordered_by", "frequency", "made_at", "seen_at"),
        "shortlist": _shortlist(session, me),
    }  # fmt: skip
    if expert_id is None:
        return found
    limit, mail = session.get(QuestionLimit, expert_id), session.get(EnquiryMail, expert_id)
    return found | {
        "questions_received": _rows(session, Question, Question.expert_id == expert_id, *question),
        "times_received": _rows(session, AskedTimes, AskedTimes.expert_id == expert_id, *ASKED),
        "question_limit": _some(limit, ("per_week", "paused", "changed_at")) if limit is not None else None,
        "enquiry_invitations": _rows(session, EnquiryInvitation, EnquiryInvitation.expert_id == expert_id,
                                     "enquiry_id", "invited_at"),
        "enquiry_proposals": _rows(session, EnquiryProposal, EnquiryProposal.expert_id == expert_id, *proposal),
        "daily_mail": {"off": mail.off} if mail is not None else None,
    }  # fmt: skip


def _shortlist(session: Session, me: uuid.UUID) -> dict[str, Any]:
    """The offers kept, those no longer offered too, and since when its link is open."""
    rows = session.execute(
        sa.select(Shortlist.shared_at, Offer.slug, OfferVersion.title, ShortlistItem.added_at)
        .outerjoin(ShortlistItem, ShortlistItem.shortlist_id == Shortlist.id)
        .outerjoin(Offer, Offer.id == ShortlistItem.offer_id)
        .outerjoin(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .where(Shortlist.person_id == me)
        .order_by(ShortlistItem.added_at, ShortlistItem.offer_id)
    ).all()
    return {
        "shared_at": rows[0].shared_at if rows else None,
        "offers": [
            {"offer": row.title or row.slug, "slug": row.slug, "added_at": row.added_at}
            for row in rows
            if row.slug
        ],
    }


def moderation(session: Session, me: uuid.UUID) -> dict[str, Any]:
    """Cases, notices and restrictions about them."""
    told = sa.and_(Case.person_id == me, Case.kind != "report")
    return {
        "cases": [
            _some(case, ("number", "kind", "title", "state", "opened_at"))
            # A decision is theirs to know once they were told.
            | (_some(case, ("decision", "decided_at", "reason", "notes")) if case.told_at is not None else {})
            for case in session.scalars(sa.select(Case).where(told).order_by(Case.id))
        ],
        "restrictions": _rows(session, Restriction, Restriction.person_id == me, "kind", "ground", "reason",
                              "automated", "at", "lifted_at", "lifted_why"),
        "reports_sent": _rows(session, Notice, Notice.person_id == me, "about", "why", "text", "name", "email",
                              "made_at"),
    }  # fmt: skip


def _bookings(
    session: Session, whose: sa.ColumnElement[bool], me: uuid.UUID, *more: str
) -> list[dict[str, Any]]:
    """The booking as both sides see it, its history with one's own words only."""
    rows = session.execute(
        sa.select(Booking, OfferVersion.title, Person.name, Company.name)
        .join(OfferVersion, OfferVersion.id == Booking.version_id)
        .join(Expert, Expert.id == Booking.expert_id)
        .join(Person, Person.id == Expert.person_id)
        .outerjoin(Company, Company.id == Booking.company_id)
        .where(whose)
        .order_by(Booking.created_at, Booking.id)
    ).all()
    moves: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for move in session.scalars(
        sa.select(BookingMove)
        .join(Booking, Booking.id == BookingMove.booking_id)
        .where(whose)
        .order_by(BookingMove.at, BookingMove.id)
    ):
        said = {"by": move.actor_kind, "reason": move.reason if move.actor_id == me else ""}
        moves.setdefault(move.booking_id, []).append(_some(move, ("at", "move", "to_state")) | said)
    names = ("number", "state", "starts_at", "ends_at", "price_minor", "currency", "policy", "format",
             "meeting_place", "created_at", *more)  # fmt: skip
    return [
        {"offer": title, "expert": expert, "company": company or ""}
        | _some(booking, names)
        | {"history": moves.get(booking.id, [])}
        for booking, title, expert, company in rows
    ]


def _reviews(session: Session, which: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    """What the other side said and may be read: as its page shows it."""
    rows = session.execute(
        sa.select(Booking.number, Review)
        .join(Review, Review.booking_id == Booking.id)
        .where(which)
        .order_by(Review.sent_at, Review.id)
    )
    return [
        {"booking": number, "author": row.author_name, "company": row.author_company, "marks": _marks(row)}
        | _some(row, (*REVIEW, "note_to_other"))
        for number, row in rows
    ]


def _seen_by_lead(now: datetime) -> sa.ColumnElement[bool]:
    """An expert's review, once the lead sent theirs or the time for it is over; not hidden."""
    own = aliased(Review)
    both = sa.exists().where(own.booking_id == Review.booking_id, own.side == "lead")
    return sa.and_(
        Review.side == "expert", Review.hidden_at.is_(None), sa.or_(both, Booking.reviews_until <= now)
    )


def _marks(review: Review) -> dict[str, int]:
    return {mark: value for mark in MARKS if (value := getattr(review, mark)) is not None}


def _rows(
    session: Session, kind: type[Any], which: sa.ColumnElement[bool], *names: str
) -> list[dict[str, Any]]:
    return [_some(row, names) for row in session.scalars(sa.select(kind).where(which).order_by(kind.id))]


def _some(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def plain(value: Any) -> Any:
    """As JSON takes it: instants in UTC with a Z, ids as text."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, uuid.UUID) else value

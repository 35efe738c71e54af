"""Letters around the operators' queue: what was received, what was decided, what was restricted and why.

A case's people are told once its decision can no longer be taken back. Statements of reasons: Regulation
(EU) 2022/2065, art. 17; receipts and outcomes of notices: art. 16, 4 and 5.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...domain.moderation import OF_OFFER, UNDO_WINDOW
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.moderation import Case, Notice, Restriction
from ...storage.offers import Offer, OfferDraft, OfferVersion
from ...storage.people import Person
from ...storage.reviews import Review
from .desk import put
from .facts import Party, party
from .stationery import Stationery

log = logging.getLogger(__name__)

# At most so many cases a sweep: the next one takes the rest.
MOST = 100


def application_received(db: Database, stationery: Stationery, *, expert_id: uuid.UUID) -> None:
    """Tell an applicant that their application is with the operators, and until when they are answered."""
    with db.transaction() as tx:
        case = tx.session.scalar(
            sa.select(Case).where(Case.expert_id == expert_id, Case.kind == "expert", Case.state == "open")
        )
        if case is not None and case.person_id is not None:
            me = party(tx.session.get_one(Person, case.person_id))
            url = stationery.links.application(me.language)
            _put(tx, stationery, "application_received", str(case.id), me, url=url, until=case.target_at)


def tell_decided(db: Database, stationery: Stationery) -> int:
    """Tell the people of every case whose decision stands for good now; how many cases that were."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(Case.id)
            .where(
                Case.state == "decided", Case.told_at.is_(None), Case.decided_at <= db.clock() - UNDO_WINDOW
            )
            .order_by(Case.decided_at, Case.id)
            .limit(MOST)
        ).all()
    told = 0
    for case_id in due:
        try:
            _tell(db, stationery, case_id)
        except Exception:
            # One letter that cannot be written keeps nobody else waiting; the next sweep tries it again.
            log.exception("case %s could not be told", case_id)
        else:
            told += 1
    return told


def restriction_laid(db: Database, stationery: Stationery, *, restriction_id: uuid.UUID) -> None:
    """The statement of reasons to whom it concerns; a case's goes out with the case."""
    with db.transaction() as tx:
        laid = tx.session.get(Restriction, restriction_id)
        if laid is not None and laid.case_id is None:
            _state_reasons(tx, stationery, laid)


def restriction_lifted(db: Database, stationery: Stationery, *, restriction_id: uuid.UUID) -> None:
    """Tell whom it concerns that what was hidden stands again, or that they may log in again."""
    with db.transaction() as tx:
        laid = tx.session.get(Restriction, restriction_id)
        if laid is None or laid.person_id is None or laid.lifted_at is None:
            return
        me = party(tx.session.get_one(Person, laid.person_id))
        facts = _about(tx, stationery, laid, me)
        _put(
            tx,
            stationery,
            "restriction_lifted",
            str(laid.id),
            me,
            kind=laid.kind,
            reason=laid.lifted_why,
            **facts,
        )


def notice_received(db: Database, stationery: Stationery, *, notice_id: uuid.UUID) -> None:
    """The receipt of a notice, at once, to whoever left an address."""
    with db.transaction() as tx:
        notice = tx.session.get(Notice, notice_id)
        if notice is None or not notice.email:
            return
        case = tx.session.get_one(Case, notice.case_id)
        _put(
            tx, stationery, "notice_received", str(notice.id), _writer(notice), known=notice.person_id is not None,
            number=case.number, title=case.title, text=notice.text, until=case.target_at,
        )  # fmt: skip


def _tell(db: Database, stationery: Stationery, case_id: uuid.UUID) -> None:
    with db.transaction() as tx:
        case = tx.session.get_one(Case, case_id, with_for_update=True)
        if case.state != "decided" or case.told_at is not None or case.decided_at is None:
            return  # Taken back in the last moment, or told by another sweep.
        if case.kind == "report":
            _tell_report(tx, stationery, case)
        elif case.person_id is not None:
            _tell_author(tx, stationery, case, party(tx.session.get_one(Person, case.person_id)))
        case.told_at = tx.now


def _tell_author(tx: Tx, stationery: Stationery, case: Case, me: Party) -> None:
    links = stationery.links
    # A case may be decided, asked back, and decided again: each decision is a letter of its own.
    subject = f"{case.id}:{case.decided_at:%Y%m%d%H%M%S}"
    own_page = (
        links.own_offer(str(case.offer_id), me.language)
        if case.offer_id is not None
        else links.application(me.language)
        if case.kind == "expert"
        else links.profile(me.language)
    )
    if case.decision != "approve":
        event = "changes_asked" if case.decision == "changes" else "submission_refused"
        notes = [(field.removeprefix(OF_OFFER), words) for field, words in case.notes.items()]
        _put(tx, stationery, event, subject, me, kind=case.kind, title=case.title, notes=notes, reason=case.reason,
             url=own_page)  # fmt: skip
        return
    if case.kind == "profile":
        _put(tx, stationery, "profile_published", subject, me, url=own_page)
        return
    offer_id = case.offer_id or (uuid.UUID(case.undo["first"]) if "first" in case.undo else None)
    title, slug = _offer(tx, offer_id)
    url = links.offer(slug, me.language) if slug else own_page
    if case.kind == "expert":
        expert = tx.session.get_one(Expert, case.expert_id)
        _put(tx, stationery, "application_admitted", subject, me, url=url, title=title,
             payable=expert.account_status == "active", account=links.payout_account(me.language))  # fmt: skip
    else:
        first = case.undo.get("previous_version_id") is None
        _put(tx, stationery, "offer_published", subject, me, url=url, title=title, first=first)


def _tell_report(tx: Tx, stationery: Stationery, case: Case) -> None:
    for laid in tx.session.scalars(
        sa.select(Restriction).where(Restriction.case_id == case.id, Restriction.lifted_at.is_(None))
    ):
        _state_reasons(tx, stationery, laid)
    for notice in tx.session.scalars(
        sa.select(Notice).where(Notice.case_id == case.id, Notice.told_at.is_(None))
    ):
        if notice.email:
            _put(
                tx, stationery, "notice_outcome", str(notice.id), _writer(notice),
                known=notice.person_id is not None, number=case.number, title=case.title, decision=case.decision,
                about=notice.about, reason=case.reason,
            )  # fmt: skip
        notice.told_at = tx.now


def _state_reasons(tx: Tx, stationery: Stationery, laid: Restriction) -> None:
    if laid.person_id is None:
        return  # The author of an imported review has no account.
    me = party(tx.session.get_one(Person, laid.person_id))
    noticed = laid.case_id is not None
    _put(
        tx, stationery, "restriction_laid", str(laid.id), me, kind=laid.kind, ground=laid.ground,
        reason=laid.reason, automated=laid.automated, at=laid.at, noticed=noticed,
        **_about(tx, stationery, laid, me),
    )  # fmt: skip


def _about(tx: Tx, stationery: Stationery, laid: Restriction, me: Party) -> Mapping[str, Any]:
    """What was restricted, as its owner knows it, and where it stands."""
    links = stationery.links
    if laid.kind == "review_hidden":
        review = tx.session.get_one(Review, laid.review_id)
        title, slug = _offer(tx, review.offer_id)
        return {"title": title, "text": review.text, "url": links.offer(slug or "", me.language)}
    if laid.kind == "offer_hidden":
        title, _slug = _offer(tx, laid.offer_id)
        return {"title": title, "text": "", "url": links.own_offer(str(laid.offer_id), me.language)}
    return {"title": me.name, "text": "", "url": links.log_in(me.language)}


def _offer(tx: Tx, offer_id: uuid.UUID | None) -> tuple[str, str | None]:
    """(its title as it stands, its address where it is to be read)."""
    row = tx.session.execute(
        sa.select(Offer.slug, Offer.status, OfferVersion.title, OfferDraft.content)
        .outerjoin(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .outerjoin(OfferDraft, OfferDraft.offer_id == Offer.id)
        .where(Offer.id == offer_id)
    ).one_or_none()
    if row is None:
        return "", None
    slug, status, title, content = row
    return title or str((content or {}).get("title") or ""), None if status == "draft" else slug


def _writer(notice: Notice) -> Party:
    """Whoever reported, perhaps without an account."""
    return Party(
        notice.person_id or notice.id,
        notice.name or notice.email,
        notice.email,
        notice.language,
        "Europe/Paris",
    )


def _put(
    tx: Tx, stationery: Stationery, event: str, subject: str, me: Party, *, known: bool = True, **facts: Any
) -> None:
    common = {
        "me": me, "home": stationery.links.home(me.language), "contact": stationery.contact,
        "policy": stationery.links.reviews_policy(me.language), "terms": stationery.links.terms(me.language),
    }  # fmt: skip
    put(tx, stationery, event=event, subject=subject, to=me, facts=common | facts, known=known)

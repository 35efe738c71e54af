"""Signing up, proving the address, choosing a password; and choosing it anew.

A password is chosen only by whoever opened the mail: signing up with somebody else's address gives
nobody a way in later. The pages answer the same whether an address is known or not (ASVS 6.3.8).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ...domain.addresses import company_name_from, domain_of, is_free_mail
from ...domain.errors import FreeMailAddress, LinkSpent, TermsNotAccepted, TooManyTries
from ...domain.events import AddressKnownAlready, LinkAsked, SecurityChanged
from ...domain.ids import new_id
from ...domain.passwords import check_password
from ...domain.terms import AT_SIGN_UP
from ...domain.words import clean_line
from ...storage.companies import Company, MailDomain, Membership
from ...storage.db import Database, Tx
from ...storage.people import Person
from .documents import accept_documents
from .hashing import hash_password
from .limits import MAILS, SIGN_UPS, account_key, count_tries, network_key
from .links import is_kept, link_owner, use_link
from .log_ins import SignedIn, end_all, open_log_in
from .passwords import PRODUCT_WORDS
from .selves import LONGEST_NAME
from .trail import write_audit

# The founder of a company of one leads projects and administers it.
FIRST_ROLES = ["lead", "admin"]


def sign_up(
    db: Database,
    *,
    email: str,
    name: str,
    company_name: str = "",
    language: str,
    zone: str,
    accepted: tuple[str, ...] = AT_SIGN_UP,
    address: str,
    real_now: datetime,
) -> TooManyTries | None:
    """A person and their company of one, unproven until the mailed link is used.

    A known address changes nothing and its owner is told by mail; an unproven one takes the newest
    words and gets a new link. FreeMailAddress (domain), TermsNotAccepted (missing), TextRefused.
    """
    email, name = cleaned_words(email, name)
    domain = domain_of(email)
    if is_free_mail(domain):
        raise FreeMailAddress(domain=domain)
    missing = [document for document in AT_SIGN_UP if document not in accepted]
    if missing:
        raise TermsNotAccepted(missing=tuple(missing))
    company_name = clean_line(company_name, LONGEST_NAME) or company_name_from(domain)
    with db.transaction() as tx:
        person = enter(
            tx, email=email, name=name, language=language, zone=zone, address=address, real_now=real_now
        )
        if isinstance(person, TooManyTries):
            return person
        if person is not None:
            _name_company(tx, person, domain, company_name)
    return None


def cleaned_words(email: str, name: str) -> tuple[str, str]:
    """Address and name as they are kept; TextRefused."""
    return clean_line(email, 254).lower(), clean_line(name, LONGEST_NAME)


def enter(
    tx: Tx, *, email: str, name: str, language: str, zone: str, address: str, real_now: datetime
) -> Person | TooManyTries | None:
    """The unproven account of this address, made or found, with its link on the way (part of both sign-ups).

    An unproven one takes the newest words. None: the address is known and its owner is told by mail, or it
    had its mails for today; the page says the same. TooManyTries is returned, so that its count stands.
    """
    until = count_tries(tx.session, [(f"sign_up:{network_key(address)}", SIGN_UPS)], real_now)
    if until is not None:
        return TooManyTries(until=until)
    # Beyond a few a day no more mail goes to this address; the page says the same.
    if count_tries(tx.session, [(f"mail:{account_key(email)}", MAILS)], real_now) is not None:
        return None
    if is_kept(tx.session, email, tx.now):
        return None  # Who left it three days ago at most may still come back to it.
    made = tx.session.scalar(
        insert(Person)
        .values(id=new_id(), email=email, name=name, language=language, zone=zone, operator=False, demo=False,
                created_at=tx.now)
        .on_conflict_do_nothing(index_elements=[Person.email])
        .returning(Person.id)
    )  # fmt: skip
    person = tx.session.scalars(sa.select(Person).where(Person.email == email).with_for_update()).one()
    if person.email_verified_at is not None:
        tx.announce(AddressKnownAlready(person.id))
        return None
    if made is not None:
        accept_documents(tx, person.id, AT_SIGN_UP, None, address)
        write_audit(tx, actor_id=person.id, act="sign_up", subject=str(person.id), address=address)
    person.name, person.language, person.zone = name, language, zone
    tx.announce(LinkAsked(person.id, "verify"))
    return person


def _name_company(tx: Tx, person: Person, domain: str, name: str) -> None:
    """A company of one; whoever signs up again before the link is used gives it its newest name."""
    companies = tx.session.scalars(
        sa.select(Company).join(Membership).where(Membership.person_id == person.id)
    ).all()
    for company in companies:
        company.name = name
    if companies:
        return
    tx.session.execute(insert(MailDomain).values(domain=domain).on_conflict_do_nothing())
    company = Company(id=new_id(), name=name, domain=domain, created_at=tx.now)
    tx.session.add(company)
    tx.session.flush()
    tx.session.add(
        Membership(person_id=person.id, company_id=company.id, roles=list(FIRST_ROLES), joined_at=tx.now)
    )


def ask_reset(db: Database, *, email: str, address: str, real_now: datetime) -> TooManyTries | None:
    """Mail a link to choose a new password, if the address has an account; the answer is the same for all."""
    with db.transaction() as tx:
        until = count_tries(tx.session, [(f"ask:{network_key(address)}", SIGN_UPS)], real_now)
        if until is not None:
            return TooManyTries(until=until)
        if count_tries(tx.session, [(f"mail:{account_key(email)}", MAILS)], real_now) is not None:
            return None
        person = tx.session.scalar(
            sa.select(Person).where(Person.email == email, Person.suspended_at.is_(None))
        )
        if person is None:
            return None
        # Who never proved the address and forgot the password proves the address first.
        needed = "verify" if person.email_verified_at is None else "reset"
        tx.announce(LinkAsked(person.id, needed))
    return None


def verify_address(
    db: Database, *, token: str, password: str, address: str, user_agent: str, real_now: datetime
) -> SignedIn:
    """The mailed link and a password: the address is proven and its owner logged in.

    LinkSpent; WeakPassword (why, least), which leaves the link usable.
    """
    fresh = _checked_hash(db, token, "verify", password)
    with db.transaction() as tx:
        person = use_link(tx, token, "verify")
        person.password_hash = fresh
        person.email_verified_at = person.email_verified_at or tx.now
        write_audit(tx, actor_id=person.id, act="address.verified", subject=str(person.id), address=address)
        return open_log_in(tx, person, address=address, user_agent=user_agent, real_now=real_now)


def reset_password(db: Database, *, token: str, password: str, address: str, real_now: datetime) -> None:
    """A new password by the mailed link; every log-in of the person ends. LinkSpent, WeakPassword."""
    fresh = _checked_hash(db, token, "reset", password)
    with db.transaction() as tx:
        person = use_link(tx, token, "reset")
        person.password_hash = fresh
        person.email_verified_at = person.email_verified_at or tx.now
        end_all(tx, person.id, real_now)
        write_audit(tx, actor_id=person.id, act="password.reset", subject=str(person.id), address=address)
        tx.announce(SecurityChanged(person.id, "password"))


def _checked_hash(db: Database, token: str, purpose: str, password: str) -> str:
    """Check the password against the owner's own words and hash it, before any lock is held."""
    with db.reading() as session:
        person = link_owner(session, token, purpose, db.clock())
        if person is None:
            raise LinkSpent
        companies = session.scalars(
            sa.select(Company.name).join(Membership).where(Membership.person_id == person.id)
        )
        words = (*PRODUCT_WORDS, person.name, person.email, *companies)
        operator = person.operator
    check_password(password, operator=operator, own_words=words)
    return hash_password(password)

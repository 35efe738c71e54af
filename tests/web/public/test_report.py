"""The form by which anybody reports a text, and the trace a hidden review leaves."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services.moderation import restricting
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.moderation import Case, Notice
from marketplace.storage.reviews import Review
from tests import factories as make
from tests.web.conftest import send

GIVEN = {
    "why": "untrue", "text": "The figures of this story are not theirs.", "name": "Agnès Lecteur",
    "email": "Agnes@Lecteur.example", "good_faith": "y",
}  # fmt: skip


@pytest.fixture
def made(db: Database) -> make.Made:
    booked = make.booking(db, state="confirmed")
    with db.transaction() as tx:
        tx.session.get_one(Booking, booked.id).reviews_until = tx.now
        tx.session.add(
            Review(
                booking_id=booked.id, offer_id=booked.offer.id, expert_id=booked.seller.expert.id, side="lead",
                author_id=booked.lead.person.id, author_name="Camille", author_company="Calvière", unlocked="no",
                text="Une heure de moins que promis.", sent_at=tx.now,
            )
        )  # fmt: skip
    return booked


def _review(db: Database) -> Review:
    with db.reading() as session:
        return session.scalars(sa.select(Review)).one()


def _notices(db: Database) -> list[Notice]:
    with db.reading() as session:
        return list(session.scalars(sa.select(Notice)))


def test_the_offers_page_leads_to_a_form_for_each_text(
    db: Database, client: FlaskClient, made: make.Made
) -> None:
    page = client.get(f"/en/offers/{made.offer.slug}").text
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/en/report\?[^"]+)"', page)]
    assert len(links) == 3
    for link in links:
        about = re.search(r"about=(\w+)", link).group(1)  # type: ignore[union-attr]
        assert f"Report this {about}" in client.get(link).text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_report_is_received(db: Database, client: FlaskClient, made: make.Made, language: str) -> None:
    link = f"/{language}/report?about=review&id={_review(db).id}"
    answer = send(client, link, GIVEN)
    assert answer.status_code == 303
    (notice,) = _notices(db)
    assert (notice.about, notice.why, notice.email, notice.good_faith) == (
        "review",
        "untrue",
        "agnes@lecteur.example",
        True,
    )
    assert "agnes@lecteur.example" in client.get(answer.location).text


@pytest.mark.parametrize(("mark", "about"), [("", "offer"), ("#who-head", "profile"), ("#review", "review")])
def test_by_the_pages_address(
    db: Database, client: FlaskClient, made: make.Made, mark: str, about: str
) -> None:
    if about == "review":
        mark = f"#review-{_review(db).id}"
    where = f"http://localhost/en/offers/{made.offer.slug}{mark}"
    assert send(client, "/en/report", GIVEN | {"where": where}).status_code == 303
    assert _notices(db)[0].about == about


@pytest.mark.parametrize(
    "where",
    [
        "",
        "https://elsewhere.example/en/offers/x",
        "/en/offers/nothing",
        "javascript:alert(1)",
        "http://[",
        "/en/",
    ],
)
def test_an_address_that_is_none_of_ours(db: Database, client: FlaskClient, where: str) -> None:
    page = send(client, "/en/report", GIVEN | {"where": where})
    assert page.status_code == 422
    assert "Give the address" in page.text
    assert "The figures of this story" in page.text, "what was typed is kept"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"why": ""}, "Choose what comes nearest."),
        ({"why": "whim"}, "Not a valid choice"),
        ({"text": "short"}, "Between 20 and 4,000 characters."),
        ({"text": "x" * 5000}, "At most 4000 characters."),
        ({"name": ""}, "Say who you are."),
        ({"email": ""}, "Say who you are."),
        ({"email": "nobody"}, "This is not an address"),
        ({"good_faith": ""}, "in good faith"),
    ],
)
def test_what_is_missing_is_said_at_its_field(
    db: Database, client: FlaskClient, made: make.Made, wrong: dict[str, str], says: str
) -> None:
    page = send(client, f"/en/report?about=offer&id={made.offer.id}", GIVEN | wrong)
    assert page.status_code == 422
    assert says in page.text
    assert not _notices(db)


def test_no_name_is_needed_for_the_abuse_of_a_child(
    db: Database, client: FlaskClient, made: make.Made
) -> None:
    link = f"/en/report?about=offer&id={made.offer.id}"
    assert send(client, link, GIVEN | {"why": "child_abuse", "name": "", "email": ""}).status_code == 303
    assert len(_notices(db)) == 1


@pytest.mark.parametrize("about", ["offer", "review", "profile", "booking", ""])
def test_what_nobody_can_read_is_not_reported(db: Database, client: FlaskClient, about: str) -> None:
    for subject in (uuid.uuid4(), "x", ""):
        answer = client.get("/en/report", query_string={"about": about, "id": subject})
        assert answer.status_code == (200 if not about and not subject else 404)


def test_the_seventh_in_an_hour_waits_with_its_words_kept(
    db: Database, client: FlaskClient, made: make.Made
) -> None:
    link = f"/en/report?about=offer&id={made.offer.id}"
    for _ in range(6):
        assert send(client, link, GIVEN).status_code == 303
    late = send(client, link, GIVEN)
    assert late.status_code == 429
    assert "The figures of this story" in late.text
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Case)) == 1


def test_a_hidden_review_leaves_its_trace(db: Database, client: FlaskClient, made: make.Made) -> None:
    said: dict[str, Any] = {"ground": "reviews_policy", "reason": "Elle révèle un nom."}
    restricting.hide_review(db, make.operator(db), review_id=_review(db).id, **said)
    page = client.get(f"/en/offers/{made.offer.slug}").text
    assert "Une heure de moins" not in page
    assert "was hidden by the operators: it broke the rules for reviews" in page
    assert "Elle révèle un nom." not in page, "the reason is its author's"

"""The desk: every page in both languages, every button does what it says, and no other site can press one."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from sandbox import chargebacks, faults
from sandbox.pages import acts
from tests.clock import FakeClock
from tests.provider import provider

from .conftest import AMOUNT, FEE, Shop

LANGUAGES = ("fr", "en")


def get(url: str, language: str = "en") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Accept-Language": language})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def post(url: str, action: str, headers: dict[str, str] | None = None, **more: str) -> int:
    body = urllib.parse.urlencode({"action": action, **more}).encode()
    request = urllib.request.Request(url, data=body, method="POST", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # The way back is followed.
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


def buttons(page: str) -> list[str]:
    return re.findall(r'<button name="action" value="([^"]+)"', page)


class Desk:
    """A shop with something of everything, and its addresses."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.site = shop, shop.at.site
        charge = shop.charge()
        self.payment, self.charge = str(charge.payment_intent), charge.id
        self.reserved = shop.paid(capture="manual").id
        self.account, self.customer = shop.account(), shop.customer().id
        shop.v1.transfers.create({"amount": 900, "currency": "eur", "destination": self.account, "source_transaction": charge.id})  # fmt: skip
        self.refund = shop.v1.refunds.create({"charge": charge.id, "amount": 500}).id
        self.dispute = shop.does(chargebacks.open_dispute, "charge", shop.charge().id)
        self.transfer = shop.transfer_asked(self.customer).id
        self.login = shop.v1.accounts.login_links.create(self.account).url
        shop.v1.topups.create({"amount": 5_000, "currency": "eur"})

    def pages(self) -> list[str]:
        lists = [f"/list/{kind}" for kind in ("payments", "disputes", "accounts", "payouts", "customers")]
        about = [f"/payment/{one}" for one in (self.payment, self.reserved, self.transfer, self.dispute["payment_intent"])]  # fmt: skip
        return [
            "/", "/balance", "/dial", f"/account/{self.account}", f"/customer/{self.customer}",
            f"/transfer/{self.transfer}", *lists, *about,
        ]  # fmt: skip


@pytest.fixture
def at_desk(shop: Shop) -> Desk:
    return Desk(shop)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_shows(at_desk: Desk, language: str) -> None:
    for path in at_desk.pages():
        status, page = get(at_desk.site + path, language)
        assert (status, f'<html lang="{language}">' in page) == (200, True), path
        assert "None" not in re.sub(r">None\.<", "", page), path
        assert "_" not in " ".join(re.findall(r"<button[^>]*>([^<]+)", page))
    assert get(at_desk.login, language)[0] == 200


def test_every_button_is_a_deed_and_every_deed_has_a_button(at_desk: Desk) -> None:
    seen: set[str] = set()
    known = {*acts.ACTS, *acts.WHOLE}
    for _ in range(3):  # What one button does brings the next.
        for path in at_desk.pages():
            if path in ("/dial", f"/transfer/{at_desk.transfer}"):
                continue
            for action in buttons(get(at_desk.site + path)[1]):
                verb = action.partition(":")[0]
                assert verb in known, action
                if verb not in seen:
                    seen.add(verb)
                    assert post(at_desk.site + path, action) == 200
                    break
    shop = at_desk.shop
    inquiry = shop.does(chargebacks.open_dispute, "charge", shop.charge().id, "inquiry")
    pending = shop.charge()
    post(f"{at_desk.site}/payment/{pending.payment_intent}", f"refunds_pend:{pending.id}")
    shop.v1.refunds.create({"charge": pending.id, "amount": 100})
    shop.settle()
    shop.v1.payouts.create({"amount": 100, "currency": "eur"})
    for path in (
        f"/payment/{inquiry['payment_intent']}",
        f"/payment/{pending.payment_intent}",
        *at_desk.pages(),
    ):
        seen |= {action.partition(":")[0] for action in buttons(get(at_desk.site + path)[1])}
    shown = " ".join(path.read_text("utf-8") for path in (acts_templates()))
    assert known - seen - {verb for verb in known if f'"{verb}' in shown} == set()


def acts_templates() -> list[Any]:
    from sandbox.pages.view import HERE

    return list((HERE / "templates").glob("*.html"))


def test_what_a_button_does_is_done(at_desk: Desk) -> None:
    shop, here = at_desk.shop, f"{at_desk.site}/payment/{at_desk.payment}"
    post(here, f"dispute_part:{at_desk.charge}")
    (dispute,) = shop.v1.disputes.list({"charge": at_desk.charge}).data
    assert (dispute.amount, dispute.status) == (AMOUNT // 3, "needs_response")
    post(here, f"won_with_fee:{dispute.id}")
    assert shop.v1.disputes.retrieve(dispute.id).status == "won"
    post(here, f"refund_fails:{at_desk.refund}")
    assert shop.v1.refunds.retrieve(at_desk.refund).status == "failed"
    post(f"{at_desk.site}/payment/{at_desk.reserved}", f"capture_fails:{at_desk.reserved}")
    assert shop.v1.payment_intents.capture(at_desk.reserved).status == "canceled"
    post(f"{at_desk.site}/transfer/{at_desk.transfer}", "half")
    post(f"{at_desk.site}/transfer/{at_desk.transfer}", "more")
    assert shop.v1.payment_intents.retrieve(at_desk.transfer).status == "succeeded"
    held: Any = shop.v1.customers.cash_balance.retrieve(at_desk.customer).available
    assert held["eur"] == 10_000
    post(f"{at_desk.site}/account/{at_desk.account}", f"account_tax:{at_desk.account}")
    seen: Any = shop.client.v2.core.accounts.retrieve(at_desk.account, {"include": ["requirements"]})
    assert [one.description for one in seen.requirements.entries] == ["identity.business_details.id_numbers"]
    post(f"{at_desk.site}/balance", "daily")
    assert shop.v1.balance_settings.retrieve().payments.payouts.schedule.interval == "daily"
    post(at_desk.login, "pay_out")
    with shop.books() as books:
        assert books.must("v2.core.account", at_desk.account)["_balance"] == 0


def test_what_has_moved_on_is_said_and_nothing_is_done(at_desk: Desk) -> None:
    here, action = (
        f"{at_desk.site}/payment/{at_desk.dispute['payment_intent']}",
        f"lost:{at_desk.dispute['id']}",
    )
    assert (post(here, action), post(here, action)) == (200, 200)
    assert "done nothing" in get(f"{here}?refused=1")[1]
    assert post(here, "lost:du_nothing") == 404
    assert post(here, "nonsense") == 404


def test_the_dial_turns(at_desk: Desk) -> None:
    here = f"{at_desk.site}/dial"
    post(here, "drop:rate", drop_number="15")
    post(here, "lost_reply:next", lost_reply_number="2")
    with at_desk.shop.books() as books:
        _, found = faults.dial(books.connection)
    assert (found["drop"].permille, found["lost_reply"].next) == (150, 2)
    assert "15%" in get(here)[1]
    post(here, "off", seed="42")
    with at_desk.shop.books() as books:
        seed, found = faults.dial(books.connection)
    assert (seed, any(one.on for one in found.values())) == (42, False)
    assert post(here, "everything:next") == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_presses_nothing(at_desk: Desk, headers: dict[str, str]) -> None:
    before = at_desk.shop.balance()
    for path, action in (
        ("/balance", "fee"),
        ("/dial", "drop:next"),
        (f"/transfer/{at_desk.transfer}", "whole"),
    ):
        assert post(at_desk.site + path, action, headers) == 403
    assert at_desk.shop.balance() == before
    assert (
        post(f"{at_desk.site}/balance", "fee", {"Origin": at_desk.site, "Sec-Fetch-Site": "same-origin"})
        == 200
    )


def test_looking_changes_nothing(at_desk: Desk) -> None:
    def state() -> list[Any]:
        with at_desk.shop.books() as books:
            return books.connection.execute("select id, data from sandbox.objects order by id").fetchall()

    before = state()
    for path in at_desk.pages():
        get(at_desk.site + path)
    assert state() == before


def test_the_language_is_chosen_and_kept(at_desk: Desk) -> None:
    jar = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    for language in LANGUAGES:
        jar.open(f"{at_desk.site}/?lang={language}", timeout=10).close()
        with jar.open(f"{at_desk.site}/balance", timeout=10) as answer:
            assert f'<html lang="{language}">'.encode() in answer.read()


def test_lists_go_on_page_by_page(shop: Shop) -> None:
    for _ in range(27):
        shop.customer()
    _, first = get(f"{shop.at.site}/list/customers")
    older = re.search(r'href="\?after=(\w+)"', first)
    assert older
    _, second = get(f"{shop.at.site}/list/customers?after={older[1]}")
    seen = [re.findall(r"/customer/(cus_\w+)", page) for page in (first, second)]
    assert [len(set(one)) for one in seen] == [25, 2]
    assert get(f"{shop.at.site}/list/customers?after=cus_none")[0] == 404
    assert get(f"{shop.at.site}/list/nonsense")[0] == 404


def test_the_desk_is_shut_where_not_everybody_may(own_url: str, clock: FakeClock) -> None:
    with provider(own_url, clock, everyone=False) as at:
        shop = Shop(at, clock)
        assert shop.charge().amount == AMOUNT  # Paying goes on.
        for path in ("/", "/balance", "/dial", "/list/payments"):
            assert get(at.site + path)[0] == 404
        assert post(f"{at.site}/balance", "fee") == 404
        assert sum(shop.balance()) == AMOUNT - FEE

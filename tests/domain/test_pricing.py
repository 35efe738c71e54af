"""Quotes: golden amounts, the VAT rule row by row, and what always holds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import CurrencyMismatch
from marketplace.domain.pricing import (
    BuyerTax,
    FeeRates,
    PlatformTax,
    Quote,
    SellerTax,
    Vat,
    fees_at,
    fees_on,
    preview,
    quote,
    vat_between,
)
from marketplace.domain.vat import EU_RATES, OTHER_RATES, standard_rate, territory

FRENCH = SellerTax("FR", vat_number="FR12345678901")
PARIS = BuyerTax("FR", vat_number="FR98765432109")


def french(price: int = 120_000, service: int = 1_000, commission: int = 1_000) -> Quote:
    return quote(
        price,
        service_fee_bp=service,
        commission_bp=commission,
        seller=FRENCH,
        buyer=PARIS,
        platform=PlatformTax("FR"),
    )


def test_twelve_hundred_euros_between_french_companies_cost_one_thousand_five_hundred_and_eighty_four():
    q = french()
    assert (q.price, q.seller_vat, q.service_fee, q.vat_service_fee) == (120_000, 24_000, 12_000, 2_400)
    assert q.total == 158_400
    assert (q.net, q.vat) == (132_000, 26_400)
    assert q.expert_share == 120_000 + 24_000 - 12_000 - 2_400


def test_the_worked_example_of_the_payments_page():
    q = french(service=600, commission=1_200)
    assert (q.service_fee, q.vat_service_fee, q.commission, q.vat_commission) == (7_200, 1_440, 14_400, 2_880)
    assert q.total == 152_640
    assert q.expert_share == 126_720


@pytest.mark.parametrize(
    ("seller", "buyer", "numbered", "liable", "rate", "ground"),
    [
        ("FR", "FR", True, True, 2_000, None),
        ("FR", "FR", False, True, 2_000, None),
        ("DE", "DE", True, True, 1_900, None),
        ("FR", "DE", True, True, 0, "reverse_charge"),
        ("FR", "DE", False, True, 2_000, None),
        ("HU", "FR", False, True, 2_700, None),
        ("FR", "CH", True, True, 0, "outside_scope"),
        ("FR", "US", False, True, 0, "outside_scope"),
        ("GB", "FR", True, True, 0, "reverse_charge"),
        ("NO", "FR", False, True, 0, "reverse_charge"),
        ("CA", "DE", True, True, 0, "reverse_charge"),
        ("CH", "GB", True, True, 0, "outside_scope"),
        ("CH", "CH", True, True, 810, None),
        ("CA", "CA", True, True, 0, "outside_scope"),
        ("US", "US", True, True, 0, "outside_scope"),
        ("FR", "FR", True, False, 0, "fr_293b"),
        ("FR", "DE", True, False, 0, "fr_293b"),
        ("DE", "DE", True, False, 0, "small_business"),
        ("FR", "MC", True, True, 2_000, None),
        ("GR", "EL", True, True, 2_400, None),
        ("fr", "be", True, True, 0, "reverse_charge"),
    ],
)
def test_the_vat_rule(seller, buyer, numbered, liable, rate, ground):
    assert vat_between(seller, buyer, numbered=numbered, liable=liable) == Vat(rate, ground)


def test_an_exempt_seller_may_name_their_own_ground():
    assert vat_between("BE", "BE", liable=False, ground="be_56bis") == Vat(0, "be_56bis")


def test_each_supply_is_taxed_by_its_own_parties():
    q = quote(
        100_000,
        service_fee_bp=1_000,
        commission_bp=1_000,
        seller=SellerTax("DE"),
        buyer=BuyerTax("DE", vat_number="DE123456789"),
        platform=PlatformTax("FR"),
    )
    assert (q.seller_vat, q.seller_vat_rate_bp, q.seller_vat_ground) == (19_000, 1_900, None)
    assert (q.vat_service_fee, q.fee_vat_ground) == (0, "reverse_charge")
    assert (q.vat_commission, q.commission_vat_ground) == (0, "reverse_charge")


def test_an_exempt_french_expert_charges_no_vat_but_pays_it_on_the_commission():
    q = quote(
        100_000,
        service_fee_bp=1_000,
        commission_bp=1_000,
        seller=SellerTax("FR", liable=False),
        buyer=PARIS,
        platform=PlatformTax("FR"),
    )
    assert (q.seller_vat, q.seller_vat_ground) == (0, "fr_293b")
    assert (q.vat_commission, q.commission_vat_rate_bp) == (2_000, 2_000)
    assert q.expert_share == 100_000 - 10_000 - 2_000


def test_vat_rounds_half_up_and_fees_round_down():
    assert Vat(2_000).on(2) == 0  # 0.4
    assert Vat(2_000).on(3) == 1  # 0.6
    assert Vat(2_500).on(2) == 1  # 0.5
    q = french(price=10_009)
    assert (q.service_fee, q.commission) == (1_000, 1_000)


def test_a_preview_assumes_a_company_in_the_sellers_country_and_says_so():
    q = preview(120_000, service_fee_bp=1_000, commission_bp=1_000, seller=FRENCH, platform=PlatformTax("FR"))
    assert q.total == 158_400
    assert q.assumed
    assert q.buyer["country"] == "FR"
    assert q.buyer["vat_number"] is None
    abroad = preview(
        120_000,
        service_fee_bp=1_000,
        commission_bp=1_000,
        seller=FRENCH,
        platform=PlatformTax(),
        country="DE",
    )
    assert (abroad.seller_vat, abroad.seller_vat_ground) == (0, "reverse_charge")


def test_a_known_buyer_is_not_assumed():
    assert not french().assumed


def test_a_quote_survives_being_stored_as_json():
    q = french()
    assert Quote.from_dict(json.loads(json.dumps(q.as_dict()))) == q


def test_a_stored_total_that_is_not_its_lines_is_refused():
    with pytest.raises(ValueError, match="total"):
        Quote.from_dict(french().as_dict() | {"total": 1})


@pytest.mark.parametrize("price", [0, -1])
def test_no_session_is_free(price):
    with pytest.raises(ValueError, match="positive"):
        french(price=price)


def test_another_currency_is_refused_by_name():
    with pytest.raises(CurrencyMismatch):
        quote(
            1_000,
            service_fee_bp=0,
            commission_bp=0,
            seller=FRENCH,
            buyer=PARIS,
            platform=PlatformTax(),
            currency="CHF",
        )


@pytest.mark.parametrize("wrong", ["", "F", "FRA", "1A", "ÉÉ"])
def test_what_is_no_country_code_is_refused(wrong):
    with pytest.raises(ValueError, match="country"):
        territory(wrong)


def test_fee_rates_apply_from_their_day():
    fees = (FeeRates(date(2027, 1, 1), 800, 1_200), FeeRates(date(2026, 1, 1), 1_000, 1_000))
    assert fees_on(date(2026, 12, 31), fees).service_bp == 1_000
    assert fees_on(date(2027, 1, 1), fees).service_bp == 800
    with pytest.raises(ValueError, match="no fee rates"):
        fees_on(date(2025, 12, 31), fees)


@pytest.mark.parametrize(
    ("now", "service"),
    [
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), 1_000),
        # Midnight where the books are kept; in UTC the old year still runs.
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), 800),
        (datetime(2027, 1, 1, 0, 0, tzinfo=UTC), 800),
        (datetime(2026, 12, 31, 18, 0, tzinfo=ZoneInfo("America/New_York")), 800),
    ],
)
def test_a_day_of_new_rates_begins_in_the_platforms_zone(now, service):
    fees = (FeeRates(date(2026, 1, 1), 1_000, 1_000), FeeRates(date(2027, 1, 1), 800, 1_200))
    assert fees_at(now, fees).service_bp == service


def test_all_twenty_seven_have_a_rate():
    assert len(EU_RATES) == 27
    assert standard_rate("FI") == 2_550
    assert standard_rate("US") is None


countries = st.sampled_from([*EU_RATES, *OTHER_RATES, "US", "CA", "MC"])


@given(
    price=st.integers(1, 10_000_000),
    service=st.integers(0, 3_000),
    commission=st.integers(0, 3_000),
    seller=countries,
    buyer=countries,
    platform=st.sampled_from(["FR", "IE", "CH"]),
    liable=st.booleans(),
    number=st.sampled_from([None, "X1"]),
)
def test_every_quote_adds_up_and_every_zero_has_its_ground(
    price, service, commission, seller, buyer, platform, liable, number
):
    q = quote(
        price,
        service_fee_bp=service,
        commission_bp=commission,
        seller=SellerTax(seller, liable=liable),
        buyer=BuyerTax(buyer, number),
        platform=PlatformTax(platform),
    )
    assert q.total == sum(q.lines.values())
    assert q.commission * 10_000 <= price * commission < (q.commission + 1) * 10_000
    assert 0 <= q.expert_share <= q.total
    for rate, ground in (
        (q.seller_vat_rate_bp, q.seller_vat_ground),
        (q.fee_vat_rate_bp, q.fee_vat_ground),
        (q.commission_vat_rate_bp, q.commission_vat_ground),
    ):
        assert (rate == 0) == (ground is not None)
    assert abs(q.seller_vat * 10_000 - price * q.seller_vat_rate_bp) <= 5_000
    assert Quote.from_dict(q.as_dict()) == q

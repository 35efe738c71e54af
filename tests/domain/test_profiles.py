"""What an admission needs of a profile: which answers, in which country, and how an address must look."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.companies import COUNTRIES
from marketplace.domain.profiles import (
    FIELDS,
    IDENTITY,
    PROFILE,
    SPOKEN,
    empty,
    grounds_for,
    is_https,
    missing_identity,
    missing_profile,
    words_in,
)

WHOLE: dict[str, Any] = {
    "legal_name": "Aquafouine SAS", "street": "12 rue Haute", "postcode": "97400", "city": "Saint-Denis", "country": "FR",
    "registration": "552100554", "vat_status": "liable", "vat_number": "FR40303265045", "vat_ground": "",
    "photo_id": "", "headline": "h", "startup": "s", "startup_role": "r", "languages": ["fr"], "language": "fr",
    "bio": "b", "website": "", "meeting_link": "", "standing": False, "conflicts": [],
}  # fmt: skip
answers = st.fixed_dictionaries(
    {
        name: st.lists(st.sampled_from(SPOKEN), unique=True) if name == "languages"
        else st.lists(st.text(min_size=1), max_size=3) if name == "conflicts"
        else st.booleans() if name == "standing"
        else st.sampled_from(("", *sorted(COUNTRIES))) if name == "country"
        else st.sampled_from(("", "liable", "exempt")) if name == "vat_status"
        else st.text(max_size=5)
        for name in FIELDS
    }
)  # fmt: skip


def test_the_two_pages_share_all_fields_between_them() -> None:
    assert set(IDENTITY) & set(PROFILE) == set()
    assert tuple(empty()) == FIELDS == tuple(WHOLE)


def test_a_whole_profile_lacks_nothing_and_an_empty_one_says_so() -> None:
    assert (missing_identity(WHOLE), missing_profile(WHOLE)) == ((), ())
    assert missing_identity(empty()) == ("legal_name", "street", "postcode", "city", "country", "vat_status")
    assert missing_profile(empty()) == ("headline", "startup", "startup_role", "languages", "language", "bio")


@given(answers)
def test_giving_an_answer_never_makes_another_one_missing_but_its_own_follow_up(
    content: dict[str, Any],
) -> None:
    """Filling in all that is missing ends: what VAT status and country bring with them is asked at most once."""
    for _round in range(3):
        lacking = (*missing_identity(content), *missing_profile(content))
        assert set(lacking) <= set(FIELDS) - {"photo_id", "website", "standing", "conflicts"}
        content = content | {name: WHOLE[name] or "https://meet.example.com/x" for name in lacking}
    assert (missing_identity(content), missing_profile(content)) == ((), ())


@given(answers)
def test_a_number_is_asked_of_the_liable_and_a_ground_of_the_exempt(content: dict[str, Any]) -> None:
    lacking = missing_identity(content)
    assert ("vat_number" in lacking) == (content["vat_status"] == "liable" and not content["vat_number"])
    assert ("vat_ground" in lacking) == (content["vat_status"] == "exempt" and not content["vat_ground"])
    assert ("registration" in lacking) == (content["country"] == "FR" and not content["registration"])


@pytest.mark.parametrize(
    ("country", "grounds"),
    [
        ("FR", ("fr_293b",)),
        ("MC", ("fr_293b",)),
        ("DE", ("small_business",)),
        ("CH", ("small_business", "outside_scope")),
        ("US", ("small_business", "outside_scope")),
        ("", ("fr_293b", "small_business", "outside_scope")),
    ],
)
def test_each_country_has_its_grounds(country: str, grounds: tuple[str, ...]) -> None:
    assert grounds_for(country) == grounds


@given(st.sampled_from(sorted(COUNTRIES)))
def test_every_country_has_a_ground(country: str) -> None:
    assert grounds_for(country)


def test_who_accepts_in_advance_says_where_one_meets() -> None:
    assert missing_profile(WHOLE | {"standing": True}) == ("meeting_link",)
    assert missing_profile(WHOLE | {"standing": True, "meeting_link": "https://meet.example.com/a"}) == ()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("https://meet.example.com/x", True),
        ("http://meet.example.com/x", False),
        ("javascript:alert(1)", False),
        ("//evil.example", False),
        ("https://", False),
        ("https://[::1", False),
        ("https://localhost/x", False),
        ("https://a b.example/", False),
        ("meet.example.com", False),
    ],
)
def test_an_address_is_https_and_names_a_site(text: str, right: bool) -> None:
    assert is_https(text) is right


@given(st.text())
def test_no_text_breaks_the_checks(text: str) -> None:
    assert is_https(text) in (True, False)
    assert words_in(text) >= 0

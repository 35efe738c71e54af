"""Whose mail domain is a company's."""

from __future__ import annotations

import pytest

from marketplace.domain.addresses import company_name_from, domain_of, free_mail_domains, is_free_mail


@pytest.mark.parametrize(
    "domain", ["gmail.com", "GMAIL.com", "x.gmail.com", "free.fr", "laposte.net", "proton.me"]
)
def test_free_mail(domain: str) -> None:
    assert is_free_mail(domain)


@pytest.mark.parametrize(
    "domain", ["example.com", "acme.example", "edf.fr", "gmail.com.acme.example", "notgmail.com"]
)
def test_companies(domain: str) -> None:
    assert not is_free_mail(domain)


def test_the_list_holds_domains_and_nothing_else() -> None:
    assert len(free_mail_domains()) > 1000
    assert all(
        "." in domain and domain == domain.lower() and " " not in domain for domain in free_mail_domains()
    )


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("acieries-morvan.fr", "Acieries Morvan"),
        ("steel.co.uk", "Steel"),
        ("lab.steel.com", "Steel"),
        ("localhost", "Localhost"),
    ],
)
def test_a_first_name_for_a_company(domain: str, name: str) -> None:
    assert company_name_from(domain) == name


def test_what_stands_behind_the_at() -> None:
    assert domain_of("ana@Acme.Example.") == "acme.example"

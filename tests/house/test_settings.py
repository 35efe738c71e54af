"""Settings: defaults that work in demo mode, and production that names everything wrong at once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import config

SECRET = "k8Jd0-zQ4vXw_7LmPq2RtYb5NcUe9HsAfGi1ToVx3Za"
PRODUCTION = {
    "ENV": "production",
    "DATABASE_URL": "postgresql://declic@db.example/declic",
    "SECRET_KEY": SECRET,
    "SITE_URL": "https://declic.example",
    "PAYMENTS": "stripe",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRETS": "whsec_a, whsec_b",
    "CONTACT_MAIL": "bonjour@declic.example",
    "PLATFORM_NAME": "Déclic SAS",
    "PLATFORM_ADDRESS": "2 rue Neuve\\n75001 Paris",
    "PLATFORM_COUNTRY": "FR",
    "PLATFORM_REGISTRATION": "RCS Paris 1",
    "PLATFORM_VAT": "FR00000000001",
}


def problems(**changes: str) -> str:
    given = {**PRODUCTION, **changes}
    with pytest.raises(config.ConfigError) as refused:
        config.load(given)
    return "\n".join(refused.value.problems)


def test_demo_needs_nothing(tmp_path: Path) -> None:
    settings = config.load({"DATA_DIR": str(tmp_path)})
    assert settings.demo
    assert settings.sandbox
    assert not settings.secure
    assert settings.load_demo
    assert (settings.port, settings.site_url, settings.database_url) == (8000, "http://localhost:8000", "")
    assert "demo" in settings.platform_name


def test_demo_keeps_its_own_secret(tmp_path: Path) -> None:
    first = config.load({"DATA_DIR": str(tmp_path)})
    again = config.load({"DATA_DIR": str(tmp_path)})
    assert first.secret_key == again.secret_key
    assert len(first.secret_key) >= config.SHORTEST_SECRET
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert first.secret_key not in repr(first)


def test_two_instances_share_no_secret(tmp_path: Path) -> None:
    one, two = (config.load({"DATA_DIR": str(tmp_path / name)}) for name in "ab")
    assert one.secret_key != two.secret_key
    assert one.stripe_webhook_secrets != two.stripe_webhook_secrets


def test_the_embedded_database_and_the_sandbox_are_found_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "database.url").write_text("postgresql+psycopg://declic@/declic?host=/x\n")
    (tmp_path / "sandbox.port").write_text("4711\n")
    settings = config.load({"DATA_DIR": str(tmp_path)})
    assert settings.embedded_database
    assert settings.database_url == "postgresql+psycopg://declic@/declic?host=/x"
    assert settings.stripe_api_base == "http://127.0.0.1:4711"


def test_production_with_all_it_needs() -> None:
    settings = config.load(PRODUCTION)
    assert settings.secure
    assert not settings.demo
    assert not settings.load_demo
    assert settings.database_url == "postgresql+psycopg://declic@db.example/declic"
    assert settings.stripe_webhook_secrets == ("whsec_a", "whsec_b")
    assert settings.platform_address.splitlines() == ["2 rue Neuve", "75001 Paris"]
    assert "sk_live_x" not in repr(settings)


def test_production_names_all_that_is_missing_at_once() -> None:
    with pytest.raises(config.ConfigError) as refused:
        config.load({"ENV": "production"})
    for name in config.NEEDED_IN_PRODUCTION:
        assert name in str(refused.value)


@pytest.mark.parametrize("secret", ["short", "a" * 64, "change-me-change-me-change-me-now-123", "dev"])
def test_production_refuses_a_plain_secret(secret: str) -> None:
    assert "SECRET_KEY" in problems(SECRET_KEY=secret)


def test_production_takes_the_sandbox_only_when_said() -> None:
    assert "PAYMENTS" in problems(PAYMENTS="")
    without_key = {**PRODUCTION, "PAYMENTS": "sandbox", "STRIPE_SECRET_KEY": ""}
    assert config.load(without_key).sandbox


@pytest.mark.parametrize("env", ["demo", "production"])
def test_a_live_key_never_stands_beside_the_sandbox(env: str) -> None:
    assert "live" in problems(ENV=env, PAYMENTS="sandbox")


def test_demo_takes_no_live_key() -> None:
    assert "live key" in problems(ENV="demo")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "staging"),
        ("PORT", "80000"),
        ("PORT", "²"),
        ("PAYMENTS", "paypal"),
        ("SITE_URL", "declic.example"),
        ("SITE_URL", "https://declic.example/shop"),
        ("SITE_URL", "http://["),
        ("DATABASE_URL", "sqlite:///x.db"),
        ("PLATFORM_COUNTRY", "France"),
        ("CONTACT_MAIL", "Déclic <bonjour@declic.example>"),
        ("CONTACT_MAIL", "bonjour"),
        ("MAIL_FROM", "Déclic <bonjour@declic.example>"),
    ],
)
def test_what_cannot_be_is_named(name: str, value: str) -> None:
    assert name in problems(**{name: value})


def test_decisions_are_contested_where_somebody_reads(tmp_path: Path) -> None:
    assert config.load({"DATA_DIR": str(tmp_path)}).contact_mail == "contact@localhost"
    assert "CONTACT_MAIL" in problems(CONTACT_MAIL="")
    assert config.load(PRODUCTION).contact_mail == "bonjour@declic.example"


@pytest.mark.parametrize(
    "text",
    [
        "1000/1000",
        "2026-01-01 1000",
        "2026-01-01 10%/10%",
        "2026-01-01 1000/6000",
        "2026-13-01 1000/1000",
        "2026-02-01 1000/1000",  # Nothing would apply in January.
        "2026-01-01 1000/1000; 2026-01-01 900/900",
        "2027-01-01 1000/1000; 2026-01-01 900/900",
        ";",
    ],
)
def test_fees_that_cannot_be_used_stop_the_start(text: str) -> None:
    assert "FEES" in problems(FEES=text)


def test_fees_by_the_day_they_begin() -> None:
    fees = config.load({"FEES": "2026-01-01 1000/1000; 2027-01-01 1200/900"}).fees
    assert [(str(one.since), one.service_bp, one.commission_bp) for one in fees] == [
        ("2026-01-01", 1_000, 1_000),
        ("2027-01-01", 1_200, 900),
    ]
    assert config.load({}).fees[0].service_bp == 1_000

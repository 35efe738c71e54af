"""Settings: the only reader of the environment (a house test proves it).

`load()` gives one frozen `Config`, or one `ConfigError` that names everything that is wrong at
once. In demo mode all of them have a default that works; production starts only with its own.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from marketplace.domain.pricing import DEFAULT_FEES, FeeRates

ROOT = Path(__file__).resolve().parent
# Before numpy is loaded by whomever: a sentence is encoded in 2 ms on one thread, in 40 on many.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
SHORTEST_SECRET = 32
# What people paste out of tutorials: long enough to pass the length check, known to everybody.
KNOWN_SECRETS = ("change", "secret", "default", "example", "insecure", "password", "development")

NEEDED_IN_PRODUCTION = (
    "DATABASE_URL",
    "SECRET_KEY",
    "SITE_URL",
    "PAYMENTS",
    "CONTACT_MAIL",
    "PLATFORM_NAME",
    "PLATFORM_ADDRESS",
    "PLATFORM_COUNTRY",
    "PLATFORM_REGISTRATION",
    "PLATFORM_VAT",
)

# Invented, and marked so: nobody must take a demo's legal notice for a firm's.
DEMO_IDENTITY = {
    "PLATFORM_NAME": "Déclic Démo SAS (demo, invented)",
    "PLATFORM_ADDRESS": "1 rue de l’Exemple\n75000 Paris (demo, invented)",
    "PLATFORM_COUNTRY": "FR",
    "PLATFORM_REGISTRATION": "RCS Paris 000 000 000 (demo, invented)",
    "PLATFORM_VAT": "FR00000000000",
}


class ConfigError(ValueError):
    """The settings cannot be used; `problems` holds one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Config:
    """All settings, checked. Secrets are kept out of its printed form."""

    env: str  # demo | production
    host: str
    port: int
    data_dir: Path
    site_url: str  # no slash at the end
    site_name: str
    database_url: str = field(repr=False)  # "" while no database runs
    secret_key: str = field(repr=False)
    smtp_url: str = field(repr=False)  # "" = mail stays in the mailbox page
    mail_from: str
    contact_mail: str  # a mailbox a person reads: legal notice, every redress sentence
    payments: str  # sandbox | stripe
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_api_base: str  # "" = the provider's own address
    stripe_account_id: str  # "" = events never name it
    platform_name: str
    platform_address: str  # lines, parted by newlines
    platform_country: str  # ISO 3166, two letters
    platform_registration: str
    platform_vat: str
    load_demo: bool
    embeddings_url: str = ""  # "" = the small models in process
    embeddings_model: str = ""
    embeddings_key: str = field(default="", repr=False)
    # Minor units: more than this going back at once needs a second operator.
    second_operator_above: int = 100_000
    fees: tuple[FeeRates, ...] = DEFAULT_FEES  # by the day they begin, the first at the latest on 2026-01-01
    embeddings_means: str = ""  # a file that tools/means.py made with this model
    # No DATABASE_URL was given: the server of storage/embedded.py, its address written by `make run`.
    embedded_database: bool = False

    @property
    def secure(self) -> bool:
        """Served over https: `__Host-` cookies and HSTS."""
        return self.site_url.startswith("https://")

    @property
    def demo(self) -> bool:
        """Demo mode: one-click log-in, the movable clock, the mailbox page."""
        return self.env == "demo"

    @property
    def sandbox(self) -> bool:
        """Payments go to the sandbox provider; no money moves."""
        return self.payments == "sandbox"

    @property
    def database_file(self) -> Path:
        """Where the embedded database's address stands while it runs."""
        return self.data_dir / "database.url"

    @property
    def sandbox_port_file(self) -> Path:
        """Where the sandbox provider writes the loopback port it chose."""
        return self.data_dir / "sandbox.port"


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check all settings; `ConfigError` names all that is missing or wrong."""
    problems: list[str] = []
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    env = _choice(given, "ENV", ("demo", "production"), "demo", problems)
    demo = env == "demo"
    if not demo:
        missing = [name for name in NEEDED_IN_PRODUCTION if name not in given]
        if missing:
            problems.append(f"ENV=production needs {', '.join(missing)}.")

    port = _port(given.get("PORT", "8000"), problems)
    data_dir = ROOT / Path(given.get("DATA_DIR", "var")).expanduser()
    payments = _choice(given, "PAYMENTS", ("sandbox", "stripe"), "sandbox", problems)
    secret_key = given.get("SECRET_KEY", "")
    if secret_key or not demo:
        _check_secret(secret_key, problems)
    else:
        secret_key = _own_secret(data_dir)
    key, webhook_secrets, api_base = _provider(given, payments, demo, secret_key, data_dir, problems)
    identity = {name: given.get(name, default if demo else "") for name, default in DEMO_IDENTITY.items()}
    if identity["PLATFORM_COUNTRY"] and not _is_country(identity["PLATFORM_COUNTRY"]):
        problems.append("PLATFORM_COUNTRY is two capital letters, such as FR.")

    site_url = _site_url(given, port, problems)
    for name in ("MAIL_FROM", "CONTACT_MAIL"):
        if name in given and not _is_mail(given[name]):
            problems.append(f"{name} is one plain address, such as contact@example.com, not {given[name]!r}.")
    database_url = _database_url(given, demo, data_dir, problems)
    embeddings_url = _embeddings_url(given, problems)
    second_above = _euros(given.get("SECOND_OPERATOR_ABOVE", "1000"), problems)
    fees = _fees(given.get("FEES", ""), problems)
    if problems:
        raise ConfigError(problems)
    return Config(
        env=env,
        host=given.get("HOST", "127.0.0.1"),
        port=port,
        data_dir=data_dir,
        site_url=site_url,
        site_name=given.get("SITE_NAME", "Déclic"),
        database_url=database_url,
        secret_key=secret_key,
        smtp_url=given.get("SMTP_URL", ""),
        mail_from=given.get("MAIL_FROM", f"noreply@{urlsplit(site_url).hostname}"),
        contact_mail=given.get("CONTACT_MAIL", f"contact@{urlsplit(site_url).hostname}"),
        payments=payments,
        stripe_secret_key=key,
        stripe_webhook_secrets=webhook_secrets,
        stripe_api_base=api_base,
        stripe_account_id=given.get("STRIPE_ACCOUNT_ID", ""),
        platform_name=identity["PLATFORM_NAME"],
        platform_address=identity["PLATFORM_ADDRESS"].replace("\\n", "\n"),
        platform_country=identity["PLATFORM_COUNTRY"],
        platform_registration=identity["PLATFORM_REGISTRATION"],
        platform_vat=identity["PLATFORM_VAT"],
        load_demo=given.get("LOAD_DEMO", "1" if demo else "0") not in ("0", "no", "false"),
        embedded_database="DATABASE_URL" not in given,
        embeddings_url=embeddings_url,
        embeddings_model=given.get("EMBEDDINGS_MODEL", ""),
        embeddings_key=given.get("EMBEDDINGS_KEY", ""),
        embeddings_means=given.get("EMBEDDINGS_MEANS", ""),
        second_operator_above=second_above * 100,
        fees=fees,
    )


def _choice(
    given: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str, problems: list[str]
) -> str:
    value = given.get(name, default)
    if value not in allowed:
        problems.append(f"{name} is {' or '.join(allowed)}, not {value!r}.")
    return value


def _port(text: str, problems: list[str]) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    problems.append(f"PORT is a number from 1 to 65535, not {text!r}.")
    return 0


def _euros(text: str, problems: list[str]) -> int:
    if text.isascii() and text.isdigit() and len(text) < 8:
        return int(text)
    problems.append(f"SECOND_OPERATOR_ABOVE is an amount in whole euros, such as 1000, not {text!r}.")
    return 0


def _fees(text: str, problems: list[str]) -> tuple[FeeRates, ...]:
    """ "2026-01-01 1000/1000; 2027-01-01 1200/900": from a day on, service fee and commission in basis points."""
    found, wrong = [], len(problems)
    for line in filter(None, (part.strip() for part in text.split(";"))):
        day, _space, rates = line.partition(" ")
        service, _slash, commission = (part.strip() for part in rates.partition("/"))
        try:
            found.append(FeeRates(date.fromisoformat(day), _basis_points(service), _basis_points(commission)))
        except ValueError:
            problems.append(
                "FEES is like 2026-01-01 1000/1000; 2027-01-01 1200/900: a day, then service fee and commission in"
                f" basis points from 0 to 5000, not {line!r}."
            )
    if not text or len(problems) > wrong:
        return DEFAULT_FEES
    days = [one.since for one in found]
    if days != sorted(set(days)):
        problems.append("FEES names its days in order, each once.")
    elif not days or days[0] > DEFAULT_FEES[0].since:
        problems.append(
            f"FEES begins with {DEFAULT_FEES[0].since} or a day before: every booking has its rates."
        )
    return tuple(found)


def _basis_points(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= 5_000):
        raise ValueError(text)
    return int(text)


def _check_secret(secret: str, problems: list[str]) -> None:
    if not secret:
        return  # Named already among what production needs.
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < 10:
        problems.append(
            f"SECRET_KEY is too short or too plain: at least {SHORTEST_SECRET} random characters, "
            'such as `python3 -c "import secrets; print(secrets.token_urlsafe(48))"` prints.'
        )
    elif any(word in secret.lower() for word in KNOWN_SECRETS):
        problems.append("SECRET_KEY looks like a default out of some example: use random characters.")


def _own_secret(data_dir: Path) -> str:
    """Demo's own secret: random, made once, readable by its owner alone."""
    path = data_dir / "secret_key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        # Web and worker may start together: a whole file appears at once, and the first one stands.
        draft = data_dir / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def _provider(
    given: Mapping[str, str],
    payments: str,
    demo: bool,
    secret_key: str,
    data_dir: Path,
    problems: list[str],
) -> tuple[str, tuple[str, ...], str]:
    """Key, webhook secrets and address of the payment provider."""
    key = given.get("STRIPE_SECRET_KEY", "")
    hooks = tuple(s.strip() for s in given.get("STRIPE_WEBHOOK_SECRETS", "").split(",") if s.strip())
    base = given.get("STRIPE_API_BASE", "").rstrip("/")
    live = key.startswith(("sk_live_", "rk_live_"))
    if payments == "sandbox":
        if live:
            problems.append("A live STRIPE_SECRET_KEY stands beside PAYMENTS=sandbox: take one of them away.")
        # The sandbox process and ours derive the same ones, so none has to be handed over.
        key = key or f"sk_test_{_derived(secret_key, 'sandbox key')}"
        # The second one signs the thin events of accounts.
        hooks = hooks or tuple(
            f"whsec_{_derived(secret_key, f'sandbox {one}webhooks')}" for one in ("", "thin ")
        )
        return key, hooks, base or _sandbox_address(data_dir)
    if payments == "stripe":
        missing = [
            name
            for name, value in (("STRIPE_SECRET_KEY", key), ("STRIPE_WEBHOOK_SECRETS", hooks))
            if not value
        ]
        if missing:
            problems.append(f"PAYMENTS=stripe needs {', '.join(missing)}.")
        if demo and live:
            problems.append("ENV=demo lets anybody log in as anybody: it does not take a live key.")
    return key, hooks, base


def _derived(secret_key: str, what: str) -> str:
    return hmac.new(secret_key.encode(), what.encode(), hashlib.sha256).hexdigest()


def _sandbox_address(data_dir: Path) -> str:
    port = _written(data_dir / "sandbox.port")
    # Not written yet: an address where nobody answers, never the real provider's.
    return f"http://127.0.0.1:{port}" if port.isdigit() else "http://127.0.0.1:9"


def _site_url(given: Mapping[str, str], port: int, problems: list[str]) -> str:
    url = given.get("SITE_URL", f"http://localhost:{port}").rstrip("/")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        problems.append(f"SITE_URL is like https://example.com, without a path, not {url!r}.")
    return url


def _database_url(given: Mapping[str, str], demo: bool, data_dir: Path, problems: list[str]) -> str:
    """The server named, else the embedded one, which leaves its address under DATA_DIR."""
    url = given.get("DATABASE_URL", "")
    if not url and demo:
        url = _written(data_dir / "database.url")
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            url = "postgresql+psycopg://" + url.removeprefix(scheme)
    if url and not url.startswith("postgresql+psycopg://"):
        problems.append("DATABASE_URL is a PostgreSQL address: postgresql://user:password@host/database.")
    return url


def _embeddings_url(given: Mapping[str, str], problems: list[str]) -> str:
    """The server's address without what every such server's own path ends with."""
    url = given.get("EMBEDDINGS_URL", "").rstrip("/").removesuffix("/embeddings").removesuffix("/v1")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if url and not usable:
        problems.append(f"EMBEDDINGS_URL is like http://127.0.0.1:8080/v1, not {url!r}.")
    if url and "EMBEDDINGS_MODEL" not in given:
        problems.append("EMBEDDINGS_URL needs EMBEDDINGS_MODEL, the model's name at that server.")
    return url


def _written(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()


def _is_mail(text: str) -> bool:
    name, _, host = text.rpartition("@")
    return bool(name and host) and text.isprintable() and not set(text) & set(' <>,;"')

"""Déclic: the house, wired in one place.

`create_app` is the only wiring point, made of named steps; `wsgi.py`, the worker's entry, the
commands and the tests call it. Its parts are imported inside it, so that importing a room of the
domain never brings Flask along.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from flask import Flask

    from config import Config

    from .gateways.mail import Mail
    from .house import House
    from .services.letters import Stationery
    from .storage.db import Database


def create_app(
    config: Config, *, clock: Callable[[], datetime] | None = None, database: Database | None = None
) -> Flask:
    """The application, with its collaborators in `app.extensions["declic"]`.

    `clock` and `database` are given by tests; else the platform's own are made from the settings.
    """
    from flask import Flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    app = Flask(
        __name__, template_folder="../templates", static_folder="../static", static_url_path="/static"
    )
    _configure_settings(app, config)
    app.extensions["declic"] = _house(config, clock, database)
    _configure_web(app, config)
    _configure_blueprints(app, config)
    _configure_commands(app)
    _configure_files(app, config)
    if config.env == "production":
        # One reverse proxy stands before us (docs/operations.md); what a client sends itself is not believed.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def _configure_settings(app: Flask, config: Config) -> None:
    site = urlsplit(config.site_url)
    app.config.update(
        SECRET_KEY=config.secret_key,
        PREFERRED_URL_SCHEME=site.scheme,
        SERVER_NAME=None,
        TEMPLATES_AUTO_RELOAD=False,
    )


def _house(config: Config, clock: Callable[[], datetime] | None, database: Database | None) -> House:
    from .gateways.calendars_holidays import HolidaysPackage
    from .gateways.calendars_icalendar import IcalendarReader
    from .gateways.embeddings_choice import ChosenEncoders
    from .gateways.fetch import Fetcher
    from .gateways.payments_stripe import StripePayments
    from .gateways.queue import JobQueue
    from .gateways.statements_fpdf import FpdfStatements
    from .house import House
    from .services.reactions import REACTIONS
    from .storage.clock import OffsetClock, real_now, refuse_moved_clock
    from .storage.db import Database as Records
    from .storage.db import connect

    queue = JobQueue(config.database_url)
    if database is None:
        engine = connect(config.database_url)
        # Production has no movable clock: no statement is spent on asking for it.
        clock = clock or (OffsetClock(engine) if config.demo else real_now)
        if not config.demo:
            refuse_moved_clock(engine)
        database = Records(engine, clock=clock, reactions=REACTIONS, queue=queue, fees=config.fees)
    payments = StripePayments(
        config.stripe_secret_key,
        config.stripe_webhook_secrets,
        api_base=config.stripe_api_base or None,
        live=config.stripe_secret_key.startswith(("sk_live_", "rk_live_")),
        account_id=config.stripe_account_id or None,
    )
    return House(
        config=config,
        db=database,
        clock=clock or database.clock,
        payments=payments,
        mail=_mail(config),
        statements=FpdfStatements(Path(__file__).resolve().parent.parent / "static/build/fonts"),
        stationery=_stationery(config),
        queue=queue,
        encoders=ChosenEncoders(
            config.embeddings_url,
            config.embeddings_model,
            key=config.embeddings_key,
            means=config.embeddings_means,
        ),
        calendars=IcalendarReader(Fetcher(), own_host=urlsplit(config.site_url).hostname or "localhost"),
        holidays=HolidaysPackage(),
    )


def _mail(config: Config) -> Mail:
    from .gateways.mail_mailbox import Mailbox
    from .gateways.mail_smtp import SmtpMail

    return SmtpMail(config.smtp_url) if config.smtp_url else Mailbox()


def _stationery(config: Config) -> Stationery:
    from .gateways.invitations_icalendar import IcalendarInvitations
    from .gateways.letters import LetterPress
    from .services.letters import Stationery
    from .web.links import SiteLinks

    root = Path(__file__).resolve().parent.parent
    return Stationery(
        press=LetterPress(
            templates=root / "templates",
            translations=root / "translations",
            site_name=config.site_name,
            sandbox=config.sandbox,
        ),
        links=SiteLinks(config.site_url),
        invitations=IcalendarInvitations(organiser_name=config.site_name, organiser_email=config.mail_from),
        site_name=config.site_name,
        site_host=urlsplit(config.site_url).hostname or "localhost",
        mail_from=config.mail_from,
        contact=config.contact_mail,
    )


def _configure_web(app: Flask, config: Config) -> None:
    from .web import errors, formats, gate, language, security

    language.start(app)
    security.start(app)
    gate.start(app)
    errors.start(app)
    formats.install(app)


def _configure_blueprints(app: Flask, config: Config) -> None:
    from .web import access, api, buyer, crawlers, expert, feed, health, operator, public, webhooks
    from .web.account import blueprint as account
    from .web.public import photo

    for blueprint in (public.blueprint, account, buyer.blueprint, expert.blueprint, operator.blueprint):
        app.register_blueprint(blueprint)
    app.register_blueprint(photo.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(crawlers.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(feed.blueprint)
    if config.demo:
        from .web import dev, dev_mail, kit

        app.register_blueprint(dev.blueprint)
        app.register_blueprint(dev_mail.bp)
        app.register_blueprint(kit.bp)
    access.refuse_unruled(app)


def _configure_files(app: Flask, config: Config) -> None:
    from .web import assets, security

    assets.hand_out(app, security.file_headers(secure=config.secure))


def _configure_commands(app: Flask) -> None:
    from .cli import commands

    for command in commands():
        app.cli.add_command(command)


__all__: list[str] = ["create_app"]

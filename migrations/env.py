"""How Alembic reaches the database: DATABASE_URL, or a connection handed over by the caller."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, text


def run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = create_engine(context.config.attributes.get("url") or _from_settings())
    with engine.connect() as connection:
        migrate(connection)
        connection.commit()
    engine.dispose()


def _from_settings() -> str:
    # Here and not above: tests and the supervisor hand the address over and need no settings.
    import config

    return config.load().database_url


def migrate(connection) -> None:  # type: ignore[no-untyped-def]
    # Two instances that start at once: the second waits, then finds nothing to do.
    connection.execute(text("select pg_advisory_xact_lock(734112)"))
    connection.execute(text("set local lock_timeout = '4s'"))
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


run()

"""Whether a database, ours or one that was named, can hold this product."""

from __future__ import annotations

import psycopg

from .errors import EmbeddedError

EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent", "vector")


def refuse_unfit(url: str) -> None:
    """Raise `EmbeddedError`, in one sentence, for a database this product would not run right on."""
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(address, connect_timeout=5) as connection:
            version = connection.info.server_version
            row = connection.execute("select lower('É') = 'é'").fetchone()
            found = {name for (name,) in connection.execute("select name from pg_available_extensions")}
    except psycopg.OperationalError as error:
        raise EmbeddedError(f"The database does not answer: {str(error).strip()}") from error
    if version < 150000:
        raise EmbeddedError(f"The database is PostgreSQL {version // 10000}: 15 or newer is needed.")
    if not row or not row[0]:
        raise EmbeddedError(
            "The database does not know that É is a capital é: create it with ENCODING 'UTF8' and a UTF-8 locale."
        )
    missing = [name for name in EXTENSIONS if name not in found]
    if missing:
        raise EmbeddedError(f"The database server lacks the extensions {', '.join(missing)}.")

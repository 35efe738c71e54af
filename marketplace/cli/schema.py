"""The tables, brought to what the code expects."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).resolve().parents[2]


def upgrade(url: str) -> None:
    """Run the migrations that are missing; of two at once the second waits, then finds nothing to do."""
    settings = Config(str(ROOT / "alembic.ini"))
    settings.set_main_option("script_location", str(ROOT / "migrations"))
    settings.attributes["url"] = url
    command.upgrade(settings, "head")

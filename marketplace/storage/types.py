"""Column types and aliases every room uses."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from sqlalchemy import DateTime, ForeignKey, MetaData, String, Text, Uuid, inspect, types
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, aliased, mapped_column

from ..domain.ids import new_id


class Instant(types.TypeDecorator[datetime]):
    """An aware instant, UTC in and out; a naive value is refused (rule 7)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"a naive time is no instant: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All records. Constraint names follow one convention, so migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: Instant,
        str: Text,
        uuid.UUID: Uuid,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(Text),
    }


Id = Annotated[uuid.UUID, mapped_column(primary_key=True, default=new_id)]
Currency = Annotated[str, mapped_column(String(3))]


def refers(to: str, **options: Any) -> Any:
    """A foreign key column with its index; keys point left only, and nothing is deleted under them."""
    return mapped_column(ForeignKey(to, ondelete="RESTRICT"), index=options.pop("index", True), **options)


def one_of(column: str, values: tuple[str, ...]) -> str:
    """The CHECK text that keeps a text column to its values."""
    return f"{column} in ({', '.join(repr(v) for v in values)})"


Record = TypeVar("Record", bound=Base)


def another(record: type[Record]) -> type[Record]:
    """A second name for a table in one statement, made once for a module and shared by threads.

    SQLAlchemy fills an alias's index of columns at its first use, in place (`_init_proxy_index`): a thread
    that comes meanwhile finds half of it and names the table itself beside its alias, and this wrong
    statement stays in the process's cache. So it is filled here, while one thread imports.
    """
    made = aliased(record)
    inspect(made).selectable.corresponding_column(next(iter(record.__table__.c)))
    return made

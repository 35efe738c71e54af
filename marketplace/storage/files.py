"""Files people gave us: pictures re-made by us (never the bytes that came), and PDF documents as they came."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, one_of, refers


class File(Base):
    """A photograph or picture: decoded and encoded anew, so nothing that hid in the upload is in it.

    Evidence may also be a PDF, kept as it came and only ever handed out as a download.
    """

    __tablename__ = "files"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("photo", "evidence")), "kind"),
        CheckConstraint(
            "octet_length(content) between 1 and case kind when 'photo' then 1048576 else 5242880 end", "size"
        ),
    )
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id")
    kind: Mapped[str] = mapped_column(default="photo")
    media_type: Mapped[str]
    # SHA-256 of `content`, hex: the same picture in two accounts is one of the checks.
    digest: Mapped[str] = mapped_column(index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    made_at: Mapped[datetime]

"""An expert's photograph: everybody's once they are admitted, else its owner's and the operators'."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, g

from ...services import files
from ..access import rule
from ..house import house

# No page, so no language in its address (docs/decisions/006).
blueprint = Blueprint("photos", __name__)


@blueprint.get("/photos/<uuid:photo_id>", endpoint="photo")
@rule("public")
def photo(photo_id: uuid.UUID) -> Response:
    """The picture as we made it. Kept by browsers only while it is public."""
    with house().db.reading() as session:
        file, public = files.photo(session, g.actor, photo_id)
        answer = Response(file.content, mimetype=file.media_type)
    answer.headers["Content-Disposition"] = "inline"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if public:
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer

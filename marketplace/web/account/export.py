"""One's own data, to take away."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, g, request

from ...domain.errors import TooManyTries
from ...domain.offers import slug
from ...services import privacy
from ..access import recent, rule
from ..house import house, real_now
from . import blueprint


@blueprint.post("/preferences/export")
@rule("account.export")
@recent
def export() -> Any:
    """Everything about the person as one JSON file."""
    found = privacy.export_own(house().db, g.actor, address=request.remote_addr or "", real_now=real_now())
    if isinstance(found, TooManyTries):
        raise found
    name = f"{slug(house().config.site_name)}-{house().clock():%Y-%m-%d}.json"
    answer = Response(json.dumps(found, ensure_ascii=False, indent=1) + "\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer

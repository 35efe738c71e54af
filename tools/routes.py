"""Print every route with its rule and who passes it, as a table: `python tools/routes.py`.

Read off the URL map and `domain/policy.py`, the same two that `tests/web/test_every_route.py` walks.
"""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config import load
from marketplace import create_app
from marketplace.domain.policy import ANONYMOUS, Actor, Parties, may
from marketplace.storage.clock import real_now

LEAD, OTHER, EXPERT, COMPANY = (uuid.UUID(int=n) for n in range(1, 5))
THING = Parties(lead_id=LEAD, company_id=COMPANY, expert_id=EXPERT)
WHO = {
    "nobody": ANONYMOUS,
    "outsider": Actor(OTHER),
    "other lead": Actor(OTHER, companies={OTHER: frozenset({"lead", "admin"})}),
    "other expert": Actor(OTHER, expert_id=OTHER),
    "its lead": Actor(LEAD, companies={COMPANY: frozenset({"lead", "admin"})}),
    "its expert": Actor(OTHER, expert_id=EXPERT),
    "operator": Actor(OTHER, operator=True),
}


def rows() -> list[tuple[str, str, str, list[bool]]]:
    """(methods, address, rule, who may in the order of WHO), by address."""
    # Nothing is asked of the database: the address only has to be one.
    app = create_app(load({"DATABASE_URL": "postgresql://nobody@localhost/nothing"}), clock=real_now)
    found = []
    for route in app.url_map.iter_rules():
        rule = getattr(app.view_functions[route.endpoint], "rule", "public")
        methods = ", ".join(sorted((route.methods or set()) - {"HEAD", "OPTIONS"}))
        let_in = [rule == "public" or may(rule, actor, THING) for actor in WHO.values()]
        found.append((methods, str(route), rule, let_in))
    return sorted(found, key=lambda row: (row[1], row[0]))


def main() -> None:
    """The table in Markdown."""
    print("| route | rule | " + " | ".join(WHO) + " |")
    print("|---|---|" + "---|" * len(WHO))
    for methods, address, rule, let_in in rows():
        marks = " | ".join("yes" if yes else "–" for yes in let_in)
        print(f"| {methods} `{address}` | {rule} | {marks} |")


if __name__ == "__main__":
    main()

"""The pages of text: how it works, how results are ranked, terms, privacy and the like."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template

from ...domain.pricing import fees_at
from ...domain.questions import ANSWER_WITHIN, PRIOR_ANSWERED, PRIOR_CLOSED, RATE_FROM
from ...domain.reviews import PRIOR_COUNT, PRIOR_SUM
from ...domain.search import RANKING
from ...domain.vectors import COMPOSITION
from ..access import rule
from ..house import house
from . import blueprint
from .narrowing import order_words

HOUR = timedelta(hours=1)
# endpoint → address below the language
PAGES = {
    "how": "how-it-works",
    "ranking": "ranking",
    "reviews_policy": "reviews",
    "terms": "terms",
    "charter": "charter",
    "confidentiality": "confidentiality",
    "privacy": "privacy",
    "legal": "legal",
    "accessibility": "accessibility",
}


def _page(name: str) -> None:
    @rule("public")
    def show() -> str:
        rates = fees_at(house().clock(), house().config.fees)
        return render_template(
            f"public/{name}.html", rates=rates, ranking=RANKING, composition=COMPOSITION, orders=order_words(),
            prior=(PRIOR_COUNT, PRIOR_SUM // PRIOR_COUNT), answers=(PRIOR_CLOSED, PRIOR_ANSWERED), rate_from=RATE_FROM,
            answer_hours=ANSWER_WITHIN // HOUR,
        )  # fmt: skip

    show.__name__ = name
    blueprint.add_url_rule(f"/{PAGES[name]}", name, show, methods=["GET"])


for _name in PAGES:
    _page(_name)

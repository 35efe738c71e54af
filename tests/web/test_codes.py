"""Every code the records may hold is said in words, in both languages; what somebody typed stays as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from marketplace.domain.transfers import FREEZES
from marketplace.services import ledger
from marketplace.services.bookings.answering import DECLINE_REASONS
from marketplace.storage.payments import CALL_STATES, PAYMENT_STATES
from marketplace.storage.payouts import TRANSFER_STATES
from marketplace.web.formats import codes
from marketplace.web.language import TRANSLATIONS

NO_BREAK = "\u00a0"
KINDS = (
    ledger.CAPTURED, ledger.PROVIDER_FEE, ledger.SHARE_DUE, ledger.REFUND, ledger.REFUND_FAILED, ledger.TRANSFER,
)  # fmt: skip
VOCABULARIES = [
    (codes.reason_words, (*DECLINE_REASONS, "standing_acceptance", "agreed_before", "late_payment")),
    (codes.payment_state, PAYMENT_STATES),
    (codes.call_state, (*CALL_STATES, *TRANSFER_STATES)),
    (codes.transfer_why, ("due", "new_expert", "day_80", "bank_changed", *FREEZES)),
    (codes.ledger_words, KINDS),
]
EVERY_CODE = [(say, code) for say, known in VOCABULARIES for code in known]


def said(language: str, say: Callable[[str], str], code: str) -> str:
    app = Flask(__name__)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app)
    with app.test_request_context(), force_locale(language):
        return say(code)


@pytest.mark.parametrize(("say", "code"), EVERY_CODE, ids=lambda v: getattr(v, "__name__", v))
def test_a_code_has_words(say: Callable[[str], str], code: str) -> None:
    words = said("en", say, code)
    assert words != code or code in ("done", "failed")
    assert "_" not in words
    if say is codes.transfer_why:
        assert words != said("en", say, "a word of the provider")


def test_a_reason_keeps_the_words_behind_its_code() -> None:
    assert said("en", codes.reason_words, "conflict: I sit on their board: since May") == (
        "A conflict of interest: I sit on their board: since May"
    )


def test_the_french_colon_has_its_space() -> None:
    assert f"{NO_BREAK}: je siège" in said("fr", codes.reason_words, "conflict: je siège à leur conseil")


def test_typed_words_stay_as_they_are() -> None:
    assert said("fr", codes.reason_words, "Sorry: I am ill") == "Sorry: I am ill"


def test_the_providers_own_words_are_not_shown() -> None:
    assert "capability_missing_xyz" not in said("en", codes.transfer_why, "capability_missing_xyz")

"""Both languages say everything, with the same facts in it."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Message

from tools import catalogue

PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%%")
# French sets a no-break space of either width before these signs.
BEFORE_SIGNS = re.compile(r"(?<![\s\u00a0\u202f/:?&=.;!])(?: ?)([;!?»%])(?=\s|$)")


@pytest.fixture(scope="module")
def spoken() -> list[Message]:
    return [message for message in catalogue.spoken() if message.id]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_sentence_is_said(language: str, spoken: list[Message]) -> None:
    known = catalogue.read(language)
    lacking = [m.id for m in spoken if not said(known.get(m.id, m.context))]
    assert not lacking, (
        f"{len(lacking)} without {language}: {lacking[:20]} (tools/catalogue.py missing / renew)"
    )


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_is_guessed_or_left_over(language: str, spoken: list[Message]) -> None:
    known = [m for m in catalogue.read(language) if m.id]
    assert not [m.id for m in known if m.fuzzy]
    now = {(m.id if isinstance(m.id, str) else m.id[0], m.context) for m in spoken}
    old = [m.id for m in known if (m.id if isinstance(m.id, str) else m.id[0], m.context) not in now]
    assert not old, f"no longer said (tools/catalogue.py renew): {old[:20]}"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_same_facts_in_both(language: str) -> None:
    wrong = []
    for message in catalogue.read(language):
        if not message.id:
            continue
        asked = facts(*forms(message.id))
        for form in forms(message.string):
            # A singular may leave its number out ("one day"); nothing else may be lost or invented.
            if form and not (
                facts(form) == asked or (message.pluralizable and asked - facts(form) <= {"num", "n"})
            ):
                wrong.append((form, sorted(facts(form) ^ asked)))
    assert not wrong, wrong[:10]


def test_french_sets_its_spaces() -> None:
    """No plain space, and not none, before ; ! ? » and %: a no-break one."""
    wrong = []
    for message in catalogue.read("fr"):
        for form in forms(message.string) if message.id else ():  # Without an id it is the file's own header.
            text = PLACEHOLDER.sub("0", form)
            wrong += [form for found in BEFORE_SIGNS.finditer(text) if found.group(1)]
    assert not wrong, f"{len(wrong)}: {wrong[:10]}"


def test_no_straight_apostrophes() -> None:
    wrong = [
        form
        for language in ("fr", "en")
        for message in catalogue.read(language)
        for form in forms(message.string)
        if message.id and re.search(r"\w'\w", form)
    ]
    assert not wrong, f"{len(wrong)}: {wrong[:10]}"


def forms(text: object) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (str(text),) if text else ()


def facts(*texts: str) -> set[str]:
    return {name for text in texts for name in PLACEHOLDER.findall(text) if name}


def said(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    return bool(forms(message.string)) and all(forms(message.string))

"""Contact details: found as people write and disguise them, in both languages; stories stay whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.checks import contacts
from marketplace.domain.contacts import MASK, is_masked, mask_contacts

DEMO = Path(__file__).resolve().parents[2] / "demo"
WAYS = [
    "Write to camille.roy@eaux.fr", "camille [at] eaux [dot] fr", "camille(at)eaux.fr", "camille @ eaux . fr",
    "camille chez eaux point fr", "Écrivez à camille arobase eaux point fr", "camille arobase gmail point com",
    "c.roy at gmail dot com", "camille@EAUX.FR", "ｃａｍｉｌｌｅ＠eaux.fr", "camille\u200b@eaux.fr",
    "camille point roy arobase eaux point fr", "camille {at} eaux {point} com", "solene+demo@aqua.co.uk",
    "06 12 34 56 78", "06.12.34.56.78", "0612345678", "06-12-34-56-78", "0 6 1 2 3 4 5 6 7 8", "+33 6 12 34 56 78",
    "0033 6 12 34 56 78", "+33 (0)6 12 34 56 78", "+44 7700 900123", "07700 900123", "020 7946 0018",
    "(212) 555-0142", "212-555-0142", "+1 212 555 0142", "zéro six douze trente-quatre cinquante-six soixante-dix",
    "oh seven seven zero zero nine zero one two three", "zéro six, 12, 34, 56, 78", "appelez le 06/12/34/56/78",
    "https://aquafouine.example/moi", "http://x.io", "www.aquafouine.com", "aquafouine.fr", "aquafouine.io/contact",
    "hxxps://aquafouine.fr", "aquafouine point fr", "aquafouine dot com", "linkedin.com/in/camille", "t.me/camille",
    "@camille_roy", "Telegram: camilleroy", "Skype : live:camille", "WhatsApp = 12345", "find me on LinkedIn",
    "retrouvez-moi sur LinkedIn", "Contact me via WhatsApp", "contactez-nous par WhatsApp",
    "mon pseudo Telegram est camille", "ajoutez-moi sur Teams", "calendly.com/camille/30min",
]  # fmt: skip
STORIES = [
    "Nous avons posé 38 000 compteurs en 18 mois.", "From 6 a.m. to 10.30 p.m.", "Le lot 4 coûte 1 200,50 € HT.",
    "ISO 27001:2022 and EN 16931", "Version 3.11.7 of Python on 2026-11-24", "24/11/2026 à 14:30",
    "SIREN 552 100 554", "RGPD art. 6.1.f", "At scale, net gains are small. Net zero by 2030.",
    "We look at point clouds of buildings.", "Chez nous, le point dur est la reprise.", "un, deux, trois essais",
    "Two or three of four pilots failed", "Our CRM is monday.com and ASP.NET runs behind it",
    "Teams and Slack are both in use", "Le SSO passe par LinkedIn Learning", "We chose Signal processing",
    "Un MES chez un sous-traitant de rang 1", "entre 0,5 et 1,25 mg", "0 défaut sur 12 345 678 pièces",
    "10 000 000 lignes, 0.15 % d’erreurs", "EUR 1,234,567.89", "Lot 2026-0012-0045", "IPv4 10.0.0.1", "M&A at 3.5x EBITDA",
    "Est-ce que 3 mois suffisent ?", "un taux de 98.5 %", "De 2019 à 2024, 5 sites", "5G at 3.5 GHz",
    "Do you know how one tests it at two sites?", "Vingt et un sites sur trente", "the 2,4 GHz band",
]  # fmt: skip


@pytest.mark.parametrize("text", WAYS)
def test_a_way_to_reach_somebody_is_found(text: str) -> None:
    assert contacts(f"Bonjour, {text}. Merci")


def test_the_sentence_after_an_address_stays() -> None:
    assert (
        mask_contacts("Écrire à ines@batiluna.fr. Le budget est là.") == f"Écrire à {MASK}. Le budget est là."
    )
    assert mask_contacts("ines@batiluna. com") == mask_contacts("ines@batiluna . com") == MASK


@pytest.mark.parametrize("text", STORIES)
def test_a_story_stays_whole(text: str) -> None:
    assert mask_contacts(text) == text


def test_no_text_of_the_demo_is_touched_but_few() -> None:
    texts = []
    for name, keys in (
        ("offers", ("title", "problem", "failed", "unlocked")),
        ("briefs_dev", ("text", "brief")),
    ):
        for line in (DEMO / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            texts += [str(row[key]) for key in keys if row.get(key)]
    assert len(texts) > 100
    touched = [text for text in texts if contacts(text)]
    assert len(touched) <= 0.02 * len(texts), touched


def test_what_is_around_stays_and_the_mask_is_known() -> None:
    masked = mask_contacts("Écrivez à c.roy@eaux.fr ou au 06 12 34 56 78, avant lundi.")
    assert masked == f"Écrivez à {MASK} ou au {MASK}, avant lundi."
    assert is_masked(masked)
    assert not is_masked("avant lundi")


@given(st.text(max_size=300))
def test_places_are_in_order_and_masking_twice_is_masking_once(text: str) -> None:
    places = contacts(text)
    flat = [edge for place in places for edge in (place.start, place.end)]
    assert flat == sorted(flat)
    assert all(0 <= place.start < place.end <= len(text) for place in places)
    assert mask_contacts(mask_contacts(text)) == mask_contacts(text)


@given(st.sampled_from(WAYS), st.sampled_from(STORIES))
def test_a_way_within_a_story_is_found(way: str, story: str) -> None:
    assert is_masked(mask_contacts(f"{story} {way}"))


def test_long_texts_take_no_time() -> None:
    for text in ("a" * 8000, "0 " * 4000, "a." * 4000, "zéro " * 1600, "a point " * 1000, "(@" * 4000):
        contacts(text)

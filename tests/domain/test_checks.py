"""What machines say of public texts: found where people hide it, silent where they only tell a story."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.checks import SAME_TEXT, contacts, marked, same_site, shared, vat_says_company

HIDDEN = [
    ("Écrivez-moi à camille.durand@acme.fr avant la séance.", "email"),
    ("Camille (at) acme (dot) com answers the same day.", "email"),
    ("mon adresse : camille arobase acme point fr", "email"),
    ("camille [arobase] acme.fr", "email"),
    ("you can write to sven at fjordtech dot io", "email"),
    ("jean.dupont @ gmail . com", "email"),
    ("jean.dupont sur gmail", "email"),
    ("c\u200bamille@ac\u200bme.fr", "email"),
    ("ｃａｍｉｌｌｅ@acme.fr", "email"),
    ("Appelez le 06 12 34 56 78.", "phone"),
    ("06.12.34.56.78", "phone"),
    ("+33 (0)6 12 34 56 78", "phone"),
    ("0033612345678", "phone"),
    ("Call me: +44 20 7946 0958", "phone"),
    ("020 7946 0958 before noon", "phone"),
    ("or dial (415) 555-0132", "phone"),
    ("zéro six douze trente-quatre cinquante-six soixante-dix-huit", "phone"),
    ("zero six one two three four five six seven eight", "phone"),
    ("Tout est sur https://acme.fr/rendez-vous", "link"),
    ("see www.acme.com for more", "link"),
    ("book on calendly.com/camille directly", "link"),
    ("allez sur acme point com", "link"),
    ("go to acme dot com and book", "link"),
    ("Suivez @camille_durand", "handle"),
    ("Telegram : camilled", "handle"),
    ("WhatsApp: +33612345678", "phone"),
    ("Retrouvez-moi sur LinkedIn avant la séance.", "handle"),
    ("Contactez-moi directement par mail, c’est plus simple.", "handle"),
    ("You can find me on LinkedIn.", "handle"),
    ("Message me first via WhatsApp", "handle"),
]

STORIES = [
    "Nous avons posé 38 000 compteurs en 14 mois, pour 1 200 000 € sur 3 ans.",
    "From 14,000 network alarms a day to 40, in 2024 and 2025, at 2.5 per technician.",
    "Le 06/12/2024, puis le 12.11.2025 : deux pannes en 48 heures.",
    "Un point com chaque lundi, un point presse le mardi.",
    "We met at Lyon station at 9, at the worst possible moment.",
    "Notre campagne LinkedIn coûtait 3 000 € par mois ; WhatsApp servait aux équipes de nuit.",
    "Passage de 0,05 % à 0,12 % de rebuts ; norme ISO 9001:2015, version 3.11.2, RFC 5321.",
    "Our Node.js service answered in 120 ms; SAP S/4HANA did not.",
    "SIREN, IBAN, TVA intracommunautaire : 20 %, 10 %, 5,5 %.",
    "Entre 9 h 00 et 17 h 30, 5 jours sur 7, 220 jours par an : 1 540 heures.",
    "The point, commercially, was never the price. Point final.",
    "Nos usines de Nantes, Brest et Caen : 12 lignes, 450 personnes, 3 équipes de 8.",
    "Six sept huit fois sur dix, le chantier repart.",
    "References 4500012345 and 0000123 stood on every pallet.",
    "M. Petit. Le projet. A. Martin. Les équipes.",
]


@pytest.mark.parametrize(("text", "kind"), HIDDEN)
def test_a_way_to_reach_somebody_is_found(text: str, kind: str) -> None:
    found = contacts(text)
    assert kind in [one.kind for one in found], found
    assert all(text[one.start : one.end] == one.text for one in found)


@pytest.mark.parametrize("text", STORIES)
def test_a_story_is_no_contact(text: str) -> None:
    assert not contacts(text)


def test_the_demo_is_full_of_figures_and_holds_no_contact() -> None:
    """False alarms at most two in a hundred texts (security.md, abuse case 1)."""
    rows = (Path(__file__).parents[2] / "demo" / "offers.jsonl").read_text("utf-8").splitlines()
    texts = [
        part for row in map(json.loads, rows) for part in (row["title"], row["problem"], row["unlocked"])
    ]
    alarms = [(text, contacts(text)) for text in texts if contacts(text)]
    assert len(alarms) * 50 <= len(texts), alarms


@given(st.text(max_size=300))
def test_any_text_is_read_and_the_pieces_are_the_text(text: str) -> None:
    found = contacts(text)
    assert "".join(piece for piece, _hit in marked(text, found)) == text
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


def test_the_same_story_told_again() -> None:
    story = (
        "Les locataires refusaient le compteur parce que personne ne leur avait dit qui le lirait, ni quand, "
        "et les gardiens apprenaient les dates par eux. Nous avons formé les gardiens d’abord."
    )
    again = story.replace("Nous avons", "On a").upper()
    assert shared(story, again) >= SAME_TEXT
    other = (
        "Les machines s’arrêtaient le lundi matin, parce que le week-end refroidissait l’huile des paliers."
    )
    assert shared(story, other) < SAME_TEXT
    assert shared("Trop court.", "Trop court.") == 0


@pytest.mark.parametrize(
    ("vat", "registration", "country", "same"),
    [
        ("FR40303265045", "303 265 045", "FR", True),
        ("FR40303265045", "30326504500017", "FR", True),
        ("FR40303265045", "732829320", "FR", False),
        ("BE0403019261", "0403.019.261", "BE", True),
        ("DE136695976", "HRB 1234", "DE", None),
        ("", "303265045", "FR", None),
    ],
)
def test_the_vat_number_holds_the_companys(
    vat: str, registration: str, country: str, same: bool | None
) -> None:
    assert vat_says_company(vat, registration, country) is same


@pytest.mark.parametrize(
    ("domain", "site", "same"),
    [
        ("acme.fr", "https://www.acme.fr/equipe", True),
        ("acme.fr", "blog.acme.fr", True),
        ("mail.acme.fr", "acme.fr", True),
        ("gmail.com", "https://acme.fr", False),
        ("me.fr", "https://acme.fr", False),
        ("acme.fr", "", False),
    ],
)
def test_a_mail_domain_and_a_website(domain: str, site: str, same: bool) -> None:
    assert same_site(domain, site) is same

"""The other two doors in Chromium: an expert signs up, offers and is admitted; an operator decides and watches.

Once in French without scripts, once in English with them, with the same watch over every page as the
main job has (test_main_job.py): no console error, no breach of the policy, no answer of 500, axe at
zero, nothing wider than 320 px.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest
from PIL import Image

from tests.journeys.site import Site
from tests.journeys.test_main_job import Guest, Watch, chrome, open_guest

__all__ = ["chrome", "open_guest"]  # The browser and its people are fixtures of the main job's file.

PASSWORD = "tortue violon nuage cadran"
TOLD = (
    "In the spring our readings stopped at night and nobody saw why. Two teams blamed each other for "
    "months while the bills went out wrong and the clients called, one after the other, every Monday. "
)
LONGER = TOLD * 2


@dataclass(frozen=True)
class Door:
    """What one journey types and expects."""

    language: str
    scripts: bool
    mail: str
    name: str
    title: str
    headline: str
    in_queue: str
    asked: str
    admitted: str
    hidden: str


FRENCH = Door(
    language="fr", scripts=False, mail="lena.kervella@example.net", name="Léna Kervella",
    title="Des relevés muets la nuit : trois mois pour trouver le coupable",
    headline="Trouver pourquoi des capteurs se taisent la nuit", in_queue="Expert à admettre",
    asked="Dites dans quelle ville cela s’est passé.", admitted="Récit de terrain vérifié", hidden="Coordonnées publiques.",
)  # fmt: skip
ENGLISH = Door(
    language="en", scripts=True, mail="nora.whitlock@example.net", name="Nora Whitlock",
    title="Readings silent at night: three months to find out why",
    headline="Finding out why sensors fall silent at night", in_queue="Expert to admit",
    asked="Say in which town this happened.", admitted="A story checked in the field", hidden="Contact details in public.",
)  # fmt: skip


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("door", [FRENCH, ENGLISH], ids=["french-without-scripts", "english-with-scripts"])
def test_an_expert_comes_in_offers_and_is_kept_by_an_operator(
    door: Door, site: Site, open_guest: Callable[[Watch], Guest]
) -> None:
    watch = Watch(door)  # type: ignore[arg-type]
    expert, operator, guest = open_guest(watch), open_guest(watch), open_guest(watch)

    sign_up(expert, door)
    fill_in_the_application(expert, door)
    operator.be("Odile Marchal")
    ask_for_a_change(operator, door)
    mend_and_submit_again(expert, door)
    address = admit(operator, expert, door)
    anybody_can_book(guest, address, door)
    a_change_waits_while_the_old_one_stands(expert, operator, guest, address)
    hide_and_restore(operator, guest, address, door)
    assert not watch.faults, watch.faults


def sign_up(expert: Guest, door: Door) -> None:
    expert.go("/expert/join")
    expert.page.locator("#email").fill(door.mail)
    expert.page.locator("#name").fill(door.name)
    expert.tick("terms")
    expert.click("main form button.primary")
    assert "/check-mail" in expert.page.url
    expert.go(mailed(expert, door.mail, "/verify/"))
    expert.page.locator("#password").fill(PASSWORD)
    expert.click("main form button.primary")
    assert expert.page.url.endswith("/expert/application")


def mailed(guest: Guest, address: str, part: str) -> str:
    """The newest link of this kind in the mailbox of an address."""
    for _ in range(60):
        box = guest.fetch(f"/dev/mail?to={address}").decode()
        for letter in dict.fromkeys(re.findall(r'"(/dev/mail/[0-9a-f-]{36})"', box)):
            found = re.search(rf'https?://[^\s"<]+{part}[\w-]+', guest.fetch(letter).decode())
            if found:
                return found[0]
        guest.page.wait_for_timeout(500)
    raise AssertionError(f"no {part} was mailed to {address}")


def fill_in_the_application(expert: Guest, door: Door) -> None:
    """Every step, each left and come back to; submitting opens with the last."""
    assert expert.page.locator("main form[action$='/application/submit'] button").count() == 0
    identity(expert, door)
    payout_account(expert)
    profile(expert, door)
    first_offer(expert, door)
    weekly_hours(expert)
    expert.go("/expert/charter")
    expert.page.locator("main input[name=accepted]").check()
    expert.click("main form button.primary")
    expert.go("/expert/application")
    expert.click("main form[action$='/application/submit'] button")
    assert expert.page.locator("main form[action$='/application/withdraw'] button").count() == 1


def send(guest: Guest, button: str, lands: str) -> None:
    """Press it and wait: sending a form that saves by itself waits for a save that is on its way."""
    guest.click(button)
    guest.page.wait_for_url(f"**{lands}", wait_until="load")
    guest.watch.look(guest.page)


def identity(expert: Guest, door: Door) -> None:
    expert.go("/expert/identity")
    values = {
        "legal_name": f"{door.name} Conseil", "street": "4 quai Haut", "postcode": "29200", "city": "Brest",
        "registration": "732 829 321", "vat_number": "FR44732829320",
    }  # fmt: skip
    for name, text in values.items():
        expert.page.locator(f"#{name}").fill(text)
    expert.page.locator("#country").select_option("FR")
    expert.page.locator("input[name=vat_status][value=liable]").check()
    with expert.watch.refusing(422):
        expert.click("main form button.primary")  # The register's key digit is another.
        expert.page.locator("main [role=alert]").first.wait_for()
    assert expert.page.locator("#legal_name").input_value() == values["legal_name"]
    expert.page.locator("#registration").fill("732 829 320")
    send(expert, "main form button.primary", "/expert/application")


def payout_account(expert: Guest) -> None:
    """The provider asks for more, in words; then all is given."""
    expert.go("/expert/account")
    expert.click("main form[action$='/onboarding'] button")
    assert "/sandbox/onboarding/" in expert.page.url
    expert.click("button[value=ask]")
    expert.go("/expert/account")
    assert expert.page.locator("main .notice.todo").count() == 1
    expert.click("main form[action$='/onboarding'] button")
    expert.click("button[value=complete]")
    expert.go("/expert/account")
    assert expert.page.locator("main .notice.todo").count() == 0


def profile(expert: Guest, door: Door) -> None:
    expert.go("/expert/profile")
    picture = expert.page.locator("input[type=file]")
    picture.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": b"no photograph at all"})
    with expert.watch.refusing(422):
        expert.click("main form[action$='/photo'] button")
    picture.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    expert.click("main form[action$='/photo'] button")
    for name, text in {
        "headline": door.headline, "startup": "Nocturne", "startup_role": "CTO", "bio": LONGER,
    }.items():  # fmt: skip
        expert.page.locator(f"#{name}").fill(text)
    expert.page.locator(f"input[name=languages][value={door.language}]").check()
    send(expert, "main form[action$='/profile'] button.primary", "/expert/application")


def photograph() -> bytes:
    held = io.BytesIO()
    Image.radial_gradient("L").resize((600, 800)).convert("RGB").save(held, "JPEG")
    return held.getvalue()


def first_offer(expert: Guest, door: Door) -> None:
    expert.go("/expert/application")
    expert.click("main form[action$='/offers/new'] button")
    for name, text in {
        "title": door.title, "problem": LONGER, "failed": TOLD, "unlocked": LONGER, "takeaway_1": "Un protocole",
        "takeaway_2": "Une grille", "takeaway_3": "Un calcul", "for_whom": "Qui relève des capteurs la nuit",
        "price": "900",
    }.items():  # fmt: skip
        expert.page.locator(f"#{name}").fill(text)
    for group in ("topics", "industries"):
        opened = expert.page.locator(f"details:has(input[name={group}])")
        if opened.count():
            opened.first.locator("summary").first.click()
        expert.page.locator(f"input[name={group}]").first.check()
    send(expert, "main button[name=then][value=preview]", "/preview")
    expert.sees(door.title, door.name)
    assert expert.page.locator("main a[href$='/slots']").count() == 0, "a preview books nothing"


def weekly_hours(expert: Guest) -> None:
    expert.go("/expert/hours")
    expert.click("main button[name=add][value='1']")
    expert.page.locator("input[name=weekly_start]").first.fill("09:00")
    expert.page.locator("input[name=weekly_end]").first.fill("13:00")
    expert.click("main button[name=copy][value='1']")
    expert.click("#hours-form button.primary")
    assert expert.page.locator("input[name=weekly_start]").count() == 5


def ask_for_a_change(operator: Guest, door: Door) -> None:
    """Taken, read with what the machine checked, and sent back with a reason at one field."""
    open_case(operator, door.name)
    operator.click("main form[action$='/claim'] button")
    operator.page.locator("input[name=decision][value=changes]").check()
    note = operator.page.locator("[name='note.headline']")
    operator.page.locator("details:has([name='note.headline']) > summary").first.click()
    note.fill(door.asked)
    operator.click("#decide button.primary")


def open_case(operator: Guest, name: str) -> None:
    operator.go("/operator/queue")
    operator.click(f"main .desk-cases a:has-text('{name}')")


def mend_and_submit_again(expert: Guest, door: Door) -> None:
    expert.go("/expert/application")
    expert.go("/expert/profile")
    expert.sees(door.asked)
    expert.page.locator("#headline").fill(door.admitted)
    send(expert, "main form[action$='/profile'] button.primary", "/expert/application")
    expert.go("/expert/application")
    expert.click("main form[action$='/application/submit'] button")


def admit(operator: Guest, expert: Guest, door: Door) -> str:
    """The offer's public address, as its expert finds it."""
    open_case(operator, door.name)
    operator.sees(door.admitted)
    operator.page.locator("input[name=decision][value=approve]").check()
    operator.click("#decide button.primary")
    expert.go("/expert/offers")
    expert.sees(door.title)
    return expert.page.locator(f"main a[href^='/{door.language}/offers/']").first.get_attribute("href") or ""


def anybody_can_book(guest: Guest, address: str, door: Door) -> None:
    guest.go(guest.site.url + address)
    guest.sees(door.title, door.name, "900")
    guest.click("main a[href$='/slots']")
    assert guest.page.locator("main label.pill").count() > 0, (
        "admitted, with hours and an account, but no slot"
    )


def a_change_waits_while_the_old_one_stands(
    expert: Guest, operator: Guest, guest: Guest, address: str
) -> None:
    expert.go("/expert/offers")
    expert.click("main a[href*='/expert/offers/']")
    expert.page.locator("#price").fill("950")
    send(expert, "main button[name=then][value=check]", "/submit")
    expert.click("main form[action$='/submit'] button.primary")
    guest.go(guest.site.url + address)
    guest.sees("900")
    operator.go("/operator/queue")
    title = guest.page.locator("h1").inner_text()
    operator.click(f"main .desk-cases a:has-text('{title}')")
    operator.page.locator("input[name=decision][value=approve]").check()
    operator.click("#decide button.primary")
    guest.go(guest.site.url + address)
    guest.sees("950")


def hide_and_restore(operator: Guest, guest: Guest, address: str, door: Door) -> None:
    """Found by the expert's address; hidden with a reason and its effect said before, then shown again."""
    operator.go(f"/operator/search?q={door.mail}")
    assert "/operator/people/" in operator.page.url, "the one person found is shown at once"
    operator.click("main a[href*='/operator/offers/']")
    operator.click("main a[href$='/hide']")
    operator.page.locator("textarea[name=reason]").fill(door.hidden)
    operator.click(
        "main form:has(textarea[name=reason]) button.danger, main form:has(textarea[name=reason]) button.primary"
    )
    with guest.watch.refusing(404):
        guest.go(guest.site.url + address)
    operator.click("main a[href$='/restore']")
    operator.page.locator("textarea[name=reason]").fill(door.hidden)
    operator.click("main form:has(textarea[name=reason]) button.primary")
    guest.go(guest.site.url + address)
    guest.sees(door.title)


@pytest.mark.browser
@pytest.mark.slow
def test_an_operator_sets_up_a_second_factor_before_anything_else(
    site: Site, open_guest: Callable[[Watch], Guest]
) -> None:
    """The first operator comes by a command that works once; the pages open with the code."""
    watch = Watch(ENGLISH)  # type: ignore[arg-type]
    made = site.flask("people", "first-operator", "first@keepers.example", "--name", "Ines Keeper")
    assert made.returncode == 0, made.stderr
    again = site.flask("people", "first-operator", "second@keepers.example", "--name", "Two")
    assert again.returncode != 0
    operator = open_guest(watch)
    operator.go(mailed(operator, "first@keepers.example", "/verify/"))
    operator.page.locator("#password").fill("quinze fenêtres ouvertes au nord")
    operator.click("main form button.primary")
    operator.go("/operator/queue")
    assert "/factor" in operator.page.url, "the desk opened without a second factor"
    operator.page.locator("main details > summary").first.click()
    secret: Any = re.search(r"\b([A-Z2-7]{4}(?: ?[A-Z2-7]{4}){7,})\b", operator.text())
    assert secret, operator.text()
    operator.page.locator("main input[name=one_time_code]").fill(pyotp.TOTP(secret[1].replace(" ", "")).now())
    operator.click("main form:has(input[name=one_time_code]) button.primary")
    operator.go("/operator/queue")
    assert operator.page.url.endswith("/operator/queue")
    assert not watch.faults, watch.faults

"""The whole main job in Chromium, from a problem in one's own words to a rated and paid session.

Once in French without scripts, once in English with them. Any console error, page error, breach of
the content security policy or answer of 500 and more fails the journey; so does an accessibility
finding (axe) on any page of the English one, and sideways scrolling at 320 px in the French one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import icalendar
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.journeys.site import Site
from tools import chromium

AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
BOOKING = re.compile(r"/bookings/[^/?]+$")
NARROW, WIDE = {"width": 320, "height": 800}, {"width": 1280, "height": 900}
REVIEW = {
    "fr": "Nous avons enfin compris pourquoi les demandes étaient jetées, et par où commencer lundi.",
    "en": "We finally understood why captains pressed ignore, and which number to show them first.",
}
ABOUT_BUYER = {
    "fr": "Un dossier bien préparé, des questions franches.",
    "en": "A prepared team with honest questions.",
}

# Told to the buyer once the session is confirmed, and not before.
PLACE = "https://meet.example.com/notre-salle"


@dataclass(frozen=True)
class Story:
    """What one journey types and expects."""

    language: str
    scripts: bool
    problem: str
    title: str
    lead: str
    lead_mail: str
    legal_name: str
    expert: str
    expert_mail: str
    seller: str
    state: dict[str, str]
    receipt_lines: tuple[str, ...]
    due: str
    transferred: str
    balances: str
    being_confirmed: str


FRENCH = Story(
    language="fr",
    scripts=False,
    problem="Nos techniciens jettent les alertes prédictives de panne sans se déplacer",
    title="Nos alertes prédictives étaient justes",
    lead="Camille Desroches",
    lead_mail="camille.desroches@fonciere-calviere.example",
    legal_name="Foncière Calvière SA (démo)",
    expert="Maëlle Kervadoret",
    expert_mail="maelle.kervadoret@example.com",
    seller="Brizolia",
    state={"requested": "En attente de l’expert", "confirmed": "Confirmée"},
    receipt_lines=("TVA",),
    due="part le",
    transferred="Versé",
    balances="Les comptes tiennent",
    being_confirmed="En cours de confirmation",
)
ENGLISH = Story(
    language="en",
    scripts=True,
    problem="Ship captains ignore the speed recommendations of our software",
    title="Captains pressed “ignore”",
    lead="Jonas Weidner",
    lead_mail="jonas.weidner@nordhavel.example",
    legal_name="Nordhavel Logistik GmbH (demo)",
    expert="Astrid Nygårdvik",
    expert_mail="astrid.nygardvik@example.com",
    seller="Kursvind",
    state={"requested": "Waiting for the expert", "confirmed": "Confirmed"},
    receipt_lines=("VAT",),
    due="leaves on",
    transferred="Transferred",
    balances="The books hold",
    being_confirmed="Being confirmed",
)


@dataclass
class Watch:
    """Everything a page may do wrong, and which pages were looked at."""

    story: Story
    faults: list[str] = field(default_factory=list)
    looked_at: set[str] = field(default_factory=set)
    # The browser notes every answer of 400 and more in its console, sometimes a page later: one note for each
    # refusal asked for.
    expected: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"page error at {page.url}: {error}"))
        page.on("response", self._response)

    @contextmanager
    def refusing(self, status: int) -> Iterator[None]:
        """What happens inside is refused on purpose, with this status."""
        self.expected.append(f"status of {status}")
        yield

    def _console(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(f"CSP: {message.text}")
        elif message.type == "error":
            asked_for = next((words for words in self.expected if words in message.text), None)
            if asked_for is None:
                self.faults.append(f"console: {message.text} {message.location}")
            else:
                self.expected.remove(asked_for)

    def _response(self, answer: Any) -> None:
        if answer.status >= 500:
            self.faults.append(f"{answer.status} {answer.request.method} {answer.url}")

    def look(self, page: Page) -> None:
        """Look closely at a page, once for each kind of page."""
        page.wait_for_load_state()
        assert not self.faults, self.faults
        kind = re.sub(r"/(bookings)/[^/?]{6,}", r"/\1/*", page.url.split("?")[0])
        kind = re.sub(r"cs_\w+", "*", kind)
        state = page.locator("main .state").first
        kind += f" {state.inner_text()}" if "/bookings/*" in kind and state.count() else ""
        if kind in self.looked_at:
            return
        self.looked_at.add(kind)
        if self.story.scripts:
            found = Axe().run(page, options=AXE)
            assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
        else:
            page.set_viewport_size(NARROW)
            sizes = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            page.set_viewport_size(WIDE)
            assert sizes[0] <= sizes[1], f"{page.url} is {sizes[0]} px wide in a window of {sizes[1]}"


@dataclass
class Guest:
    """One person's browser."""

    page: Page
    watch: Watch
    site: Site
    language: str

    def go(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else f"{self.site.url}/{self.language}{path}")
        self.watch.look(self.page)

    def click(self, selector: str) -> None:
        """Click the first visible one, and look at the page it leads to."""
        found = self.page.locator(selector).locator("visible=true").first
        assert found.count(), f"nothing to click for {selector} at {self.page.url}:\n{self.text()[:1500]}"
        found.click()
        self.watch.look(self.page)

    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def sees(self, *words: str) -> None:
        said = _plain(self.text())
        for word in words:
            assert _plain(word) in said, f"{word!r} is not said at {self.page.url}:\n{said[:3000]}"

    def tick(self, *ids: str) -> None:
        for one in ids:
            self.page.locator(f"#{one}").check()

    def fetch(self, path: str) -> bytes:
        answer = self.page.request.get(path if path.startswith("http") else self.site.url + path)
        assert answer.ok, f"{answer.status} {path}"
        return bytes(answer.body())

    def be(self, name: str) -> None:
        self.page.goto(f"{self.site.url}/dev/login")
        self.watch.look(self.page)
        self.click(f"main button:has-text('{name}')")


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u202f", " ").replace("\u00a0", " ")).casefold()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    program = chromium.find()
    assert program is not None  # Without one these tests are skipped by name (conftest.py of the root).
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(chromium.ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_guest(chrome: Browser, site: Site) -> Iterator[Callable[[Watch], Guest]]:
    opened: list[BrowserContext] = []

    def open_one(watch: Watch) -> Guest:
        language = watch.story.language
        context = chrome.new_context(
            java_script_enabled=watch.story.scripts,
            locale={"fr": "fr-FR", "en": "en-GB"}[language],
            timezone_id="Europe/Paris",
            viewport=WIDE,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        watch.over(page)
        return Guest(page, watch, site, language)

    yield open_one
    for context in opened:
        context.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("story", [FRENCH, ENGLISH], ids=["french-without-scripts", "english-with-scripts"])
def test_from_a_problem_to_a_rated_and_paid_session(
    story: Story, site: Site, open_guest: Callable[[Watch], Guest]
) -> None:
    watch = Watch(story)
    lead, expert, operator = open_guest(watch), open_guest(watch), open_guest(watch)

    offer = find_and_hold(lead, story)
    write_the_brief(lead, story)
    pay(lead, story)
    reference = lead.page.url.rsplit("/", 1)[1]
    lead.sees(story.state["requested"])

    accept(expert, reference, story)
    until_confirmed(lead, reference, story)
    expert.go(f"/expert/bookings/{reference}")
    expert.sees(story.state["confirmed"], story.lead_mail)
    own_invitations(lead, expert, reference, story)
    receipt(lead, reference, story)

    lead.go(f"/bookings/{reference}")
    # Past the session, and past the 72 hours in which a problem can be reported: the share is due. That of an
    # expert's first sessions waits seven days longer.
    move_clock_until_the_share_is(story.due, expert, reference)
    both_rate(lead, expert, reference, offer, story)
    move_clock_until_the_share_is(story.transferred, expert, reference)

    operator.be("Odile Marchal")
    the_operator_sees_every_cent(operator, reference, story)
    checked = site.flask("ledger", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert not watch.faults, watch.faults


def find_and_hold(lead: Guest, story: Story) -> str:
    """Home, results, offer, slot, and the log-in that keeps the choice; the offer's address."""
    lead.go(lead.site.url + "/")
    assert lead.page.url == f"{lead.site.url}/{story.language}/"
    lead.page.locator("#q").fill(story.problem)
    lead.click("form.ask button")
    first = lead.page.locator("main h2 a").first
    for _ in range(4):  # Where the machine is busy a search may say that it took too long, and to ask again.
        if first.count():
            break
        lead.page.reload()
    assert _plain(story.title) in _plain(first.inner_text()), "the offer that fits does not come first"
    lead.click("main h2 a")
    lead.sees(story.title, story.expert)
    offer = lead.page.url.split("?")[0]
    lead.click("main a[href$='/slots']")
    lead.page.locator("main label.pill").first.click()
    with lead.watch.refusing(401):
        lead.click("main form:has(input[name=slot]) button.primary")
    lead.click("main button.primary")
    lead.click("main form[action^='/dev/login'] button")
    lead.click(f"main button:has-text('{story.lead}')")
    lead.click("main button.primary")
    lead.sees(story.expert.split()[0])
    return offer


def write_the_brief(lead: Guest, story: Story) -> None:
    """All parts, one page each; the check opens when they are ready."""
    overview = lead.page.url
    assert overview.endswith("/brief")
    assert lead.page.locator("main a[href$='/check']").count() == 0
    texts = {
        "subject": {"subject": story.problem},
        "context": {"context": "Depuis deux ans, douze sites et quarante personnes. " * 4},
        "decision": {"decision": "Décider au prochain comité si nous continuons, et par où."},
        "attendees": {"name-1": "Ada Exemple", "role-1": "Data", "email-1": "ada@acme.example"},
        "confidentiality": {"firms_concerned": "Aucune", "needs": ""},
        "order": {"purchase_order": "PO-2041", "cost_centre": "CC-7"},
    }
    for part, fields in texts.items():
        lead.click(f"main a[href$='/brief/{part}']")
        for name, text in fields.items():
            lead.page.locator(f"#{name}").fill(text)
        if part == "confidentiality":
            lead.tick("confidential_done")
        lead.click("main form button.primary")
        # Sending waits for a save that is on its way.
        lead.page.wait_for_url(overview, wait_until="load", timeout=5000)
        lead.watch.look(lead.page)
        assert lead.page.url == overview, f"{part} was not saved: {lead.text()[:800]}"
    lead.click("main a[href$='/check']")


def pay(lead: Guest, story: Story) -> None:
    """French: declined, then accepted. English: who is billed is looked at, then the bank asks."""
    lead.sees(story.legal_name, "PO-2041", "Ada Exemple")
    if story.language == "en":
        lead.click("main a[href$='/billing']")
        lead.page.locator("#vat_number").fill("DE 999999999")  # The check digit is another.
        with lead.watch.refusing(422):
            lead.click("main form button.primary")
        assert lead.page.locator("#legal_name").input_value() == story.legal_name
        lead.page.locator("#vat_number").fill("DE 999999995")
        lead.click("main form button.primary")
    with lead.watch.refusing(422):
        lead.click("main aside form button")  # Nothing accepted yet: said, and nothing opened.
    assert "/sandbox/" not in lead.page.url
    assert lead.page.locator("main [role=alert]").count()
    lead.tick("rules", "terms")
    lead.click("main aside form button")
    assert "/sandbox/checkout/" in lead.page.url
    if story.language == "fr":
        lead.click("button[value=decline]")
        assert lead.page.locator("[role=alert]").count()
        last = "button[value=succeed]"
    else:
        lead.click("button[value=authenticate]")
        last = "button[value=approve]"
    with lead.site.without_worker():  # The provider's word lies there and nobody has read it yet.
        lead.click(last)
        lead.sees(story.being_confirmed)
    if story.scripts:  # The page goes on by itself.
        lead.page.wait_for_url(BOOKING, timeout=30_000)
    for _ in range(40):
        if re.search(BOOKING, lead.page.url):
            break
        lead.page.wait_for_timeout(300)
        lead.click("main a[href*='/returned?n=']")
    assert re.search(BOOKING, lead.page.url), lead.page.url
    lead.watch.look(lead.page)


def accept(expert: Guest, reference: str, story: Story) -> None:
    expert.be(story.expert)
    assert expert.page.url.endswith(f"/{story.language}/expert/") or "/expert/" in expert.page.url
    expert.go("/expert/")
    expert.click(f"main a[href$='/expert/bookings/{reference}']")  # Other requests may wait too.
    expert.sees(story.problem)
    assert _plain(story.lead_mail) not in _plain(expert.text()), "the expert knows the address before the yes"
    expert.page.locator("#place").fill(PLACE)
    expert.tick("charter", "confidentiality", "conflict")
    expert.click("#accept button.primary")


def until_confirmed(lead: Guest, reference: str, story: Story) -> None:
    for _ in range(80):
        lead.page.goto(f"{lead.site.url}/{story.language}/bookings/{reference}")
        if PLACE in lead.page.locator("main").inner_text():
            break
        lead.page.wait_for_timeout(250)
    lead.sees(story.state["confirmed"], PLACE)
    lead.watch.look(lead.page)


def own_invitations(lead: Guest, expert: Guest, reference: str, story: Story) -> None:
    """A real iCalendar file each, with only oneself as attendee."""
    events = []
    for guest, room, mail in (
        (lead, "bookings", story.lead_mail),
        (expert, "expert/bookings", story.expert_mail),
    ):
        path = f"/{story.language}/{room}/{reference}/invitation.ics"
        assert guest.page.locator(f"main a[href='{path}']").count() == 1
        event = icalendar.Calendar.from_ical(guest.fetch(path)).walk("VEVENT")[0]
        attendees = event.get("ATTENDEE")
        assert not isinstance(attendees, list), attendees
        assert mail in str(attendees).lower(), attendees
        events.append(event)
    assert events[0]["DTSTART"].dt == events[1]["DTSTART"].dt


def receipt(lead: Guest, reference: str, story: Story) -> None:
    lead.click("main a[href$='/receipt']")
    lead.sees(story.legal_name, story.seller, "Déclic Démo SAS", "PO-2041", *story.receipt_lines)


def move_clock_until_the_share_is(words: str, expert: Guest, reference: str) -> None:
    """By the banner's own buttons, since the first free slot may lie behind a weekend."""
    expert.go("/expert/money")
    row = expert.page.locator("main tbody tr").filter(has=expert.page.locator(f"a[href$='/{reference}']"))
    for _ in range(10):
        if words in row.inner_text():
            return
        expert.click(".banner button[value='3d']")
        assert expert.page.url.endswith("/expert/money"), "the clock's button leads back to where one was"
    raise AssertionError(f"never {words!r}: {row.inner_text()}")


def both_rate(lead: Guest, expert: Guest, reference: str, offer: str, story: Story) -> None:
    lead.go(f"/bookings/{reference}")
    lead.click("main a[href$='/review']")
    with lead.watch.refusing(422):
        lead.page.evaluate("document.querySelector('main form').noValidate = true")
        lead.click("main form button.primary")  # Nothing answered: all of it is asked for, nothing sent.
    assert lead.page.locator("[data-error-summary] li").count() == 7
    _pick(lead, "unlocked", "yes")
    lead.page.locator("#days_saved").fill("37")
    for mark in ("prepared", "expertise", "usefulness", "clarity"):
        _pick(lead, mark, "5")
    lead.page.locator("#text").fill(REVIEW[story.language])
    lead.click("main form button.primary")
    lead.go(offer)
    assert _plain(REVIEW[story.language]) not in _plain(lead.text()), "shown before the expert rated"

    expert.go("/expert/")
    expert.click(f"main a[href$='/{reference}/review']")  # Others may wait for theirs too.
    for mark in ("brief_mark", "punctuality", "openness"):
        _pick(expert, mark, "4")
    expert.page.locator("#text").fill(ABOUT_BUYER[story.language])
    expert.click("main form button.primary")

    lead.go(offer)
    lead.sees(REVIEW[story.language], "37")
    lead.go(f"/bookings/{reference}")
    lead.sees(REVIEW[story.language], ABOUT_BUYER[story.language])


def _pick(guest: Guest, name: str, value: str) -> None:
    guest.page.locator(f"label:has(input[name={name}][value='{value}'])").click()


def the_operator_sees_every_cent(operator: Guest, reference: str, story: Story) -> None:
    operator.go("/operator/bookings")
    operator.click(f"main a[href$='/operator/bookings/{reference}']")
    operator.sees(story.legal_name.split(" GmbH")[0].split(" SA")[0], story.lead_mail)
    entries = operator.page.locator("main table tbody tr")
    assert entries.count() >= 8, "capture, fee, share and transfer have two sides each"
    operator.go("/operator/ledger")
    operator.click("main form[action$='/ledger/check'] button")
    operator.sees(story.balances)

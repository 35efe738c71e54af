"""Screenshots of the key screens, both languages, two widths, into var/shots.

    python tools/shots.py                         starts an instance of its own and ends it afterwards
    python tools/shots.py http://localhost:8000   takes them from one that runs in demo mode
    python tools/shots.py URL offer booking       only screens whose name holds one of these words

One more screen is one more line in SCREENS.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Error, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from marketplace.storage import embedded  # noqa: E402
from tools import chromium  # noqa: E402

TARGET = ROOT / "var" / "shots"
LANGUAGES = ("fr", "en")
WIDTHS = (390, 1280)
HEIGHT = 900
# The first screenful of these goes into the README, small: docs/img.
FOR_THE_README = {"home-en": "home.jpg", "booking-confirmed-en": "booking.jpg"}
QUERY = {
    "fr": "Des locataires refusent l’accès aux logements pendant la rénovation",
    "en": "Tenants refuse entry to their flats during the renovation",
}


class Screen(NamedTuple):
    """`path` below the language; `person` a word on their button at /dev/login; `follow` links clicked from there."""

    name: str
    path: str
    person: str = ""
    follow: tuple[str, ...] = ()


# Whose booking with whom: as demo/bookings.jsonl plays them.
SCREENS = (
    Screen("home", "/"),
    Screen("results", "/offers?q={query}"),
    Screen("offer", "/offers?q={query}", follow=("main h2 a",)),
    Screen("sign-up", "/sign-up"),
    Screen("log-in", "/log-in"),
    Screen("how", "/how-it-works"),
    Screen("demo-people", "//dev/login"),
    Screen("mailbox", "//dev/mail", "Camille"),
    Screen("bookings", "/bookings", "Camille"),
    Screen("slots", "/offers?q={query}", "Camille", ("main h2 a", "a[href$='/slots']:visible")),
    Screen("brief", "/bookings", "Camille", ("tr:has-text('Inès Belhadj') a",)),
    Screen(
        "brief-part", "/bookings", "Camille", ("tr:has-text('Inès Belhadj') a", "main a[href*='/brief/']")
    ),
    Screen("check", "/bookings", "Camille", ("tr:has-text('Inès Belhadj') a", "main a[href$='/check']")),
    Screen("booking-requested", "/bookings", "Camille", ("tr:has-text('Maëlle') a",)),
    Screen("booking-confirmed", "/bookings", "Camille", ("tr:has-text('Dorottya') a",)),
    Screen("cancel", "/bookings", "Camille", ("tr:has-text('Dorottya') a", "main a[href$='/cancel']")),
    Screen("receipt", "/bookings", "Camille", ("tr:has-text('Dorottya') a", "main a[href$='/receipt']")),
    Screen("rate", "/bookings", "Camille", ("tr:has-text('Sorcha') a", "main a[href$='/review']")),
    Screen("preferences", "/preferences", "Camille"),
    Screen("expert-home", "/expert/", "Maëlle Kervadoret"),
    Screen("expert-bookings", "/expert/bookings", "Maëlle Kervadoret"),
    Screen("expert-request", "/expert/bookings", "Maëlle Kervadoret", ("main a[href*='/expert/bookings/']",)),
    Screen("expert-money", "/expert/money", "Maëlle Kervadoret"),
    Screen("operator-bookings", "/operator/bookings", "Odile"),
    Screen("operator-booking", "/operator/bookings", "Odile", ("tr:has-text('Dorottya') a",)),
    Screen("ledger", "/operator/ledger", "Odile"),
    Screen("kit", "//_kit"),
)


def main(arguments: list[str]) -> int:
    program = chromium.find()
    if program is None:
        print(f"  No Chromium: {chromium.HOW_TO_INSTALL}")
        return 1
    given = [word for word in arguments if word.startswith("http")]
    words = [word for word in arguments if not word.startswith("http")]
    screens = [s for s in SCREENS if not words or any(word in s.name for word in words)]
    TARGET.mkdir(parents=True, exist_ok=True)
    with instance(given[0].rstrip("/") if given else "") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(chromium.ARGUMENTS))
        failed = [name for screen in screens for name in take(browser, url, screen)]
        browser.close()
    print(f"  {len(screens) * len(LANGUAGES) * len(WIDTHS) - len(failed)} pictures in {TARGET}")
    for name in failed:
        print(f"  ✗ {name}")
    return 1 if failed else 0


def take(browser: Browser, url: str, screen: Screen) -> Iterator[str]:
    """Take one screen's pictures; the names of those that could not be taken."""
    for language in LANGUAGES:
        context = browser.new_context(
            locale={"fr": "fr-FR", "en": "en-GB"}[language],
            timezone_id="Europe/Paris",
            reduced_motion="reduce",
            viewport={"width": WIDTHS[0], "height": HEIGHT},
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        name = f"{screen.name}-{language}"
        try:
            reach(page, url, screen, language)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": HEIGHT})
                page.evaluate("document.fonts.ready")
                page.screenshot(path=TARGET / f"{name}-{width}.png", full_page=True)
                if width == max(WIDTHS) and name in FOR_THE_README:
                    picture = ROOT / "docs" / "img" / FOR_THE_README[name]
                    picture.parent.mkdir(exist_ok=True)
                    page.screenshot(path=picture, type="jpeg", quality=60)
                overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                if overflow > 0:
                    print(f"  ! {name}-{width}: {overflow} px wider than the window")
        except (Error, LookupError) as error:
            yield f"{name}: {str(error).splitlines()[0]}"
        finally:
            context.close()


def reach(page: Page, url: str, screen: Screen, language: str) -> None:
    if screen.person:
        page.goto(f"{url}/dev/login")
        page.get_by_role("button", name=re.compile(screen.person)).first.click()
        page.wait_for_load_state()
    bad: list[str] = []
    page.on("response", lambda r: bad.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    path = f"{url}/{language}{screen.path}" if not screen.path.startswith("//") else url + screen.path[1:]
    page.goto(path.replace("{query}", QUERY[language]))
    for link in screen.follow:
        target = page.locator(link).first
        if bad or not target.count():
            break
        target.click()
        page.wait_for_load_state()
    else:
        page.wait_for_load_state("networkidle")
        if not bad:
            return
    raise LookupError(f"at {page.url}: {', '.join(bad) or f'nothing to follow ({link})'}")


@contextmanager
def instance(url: str) -> Iterator[str]:
    """The instance given, else one of our own with the demo data, gone afterwards."""
    if url:
        yield url
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="declic-shots-") as folder:
        environment = {**os.environ, "ENV": "demo", "PORT": str(port), "DATA_DIR": folder, "LOAD_DEMO": "1"}
        environment.pop("DATABASE_URL", None)
        environment.pop("SITE_URL", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "marketplace.cli.supervise"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for_box(process)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(timeout=60)
            shutil.rmtree(embedded.home_of(Path(folder)), ignore_errors=True)  # As root it stands elsewhere.


def wait_for_box(process: subprocess.Popen[str]) -> None:
    """The supervisor prints its box once everything runs and the demo is played."""
    assert process.stdout is not None
    started = time.monotonic()
    for line in process.stdout:
        print(line, end="")
        if line.lstrip().startswith("└"):
            return
        if time.monotonic() - started > 300:
            break
    raise SystemExit("  The instance did not start.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

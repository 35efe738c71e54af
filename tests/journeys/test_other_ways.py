"""What does not go straight on: no, not now, not paid, not you. Over HTTP, on the running site."""

from __future__ import annotations

import itertools
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from tests.journeys.site import Site
from tests.journeys.visitor import Page, Visitor

Visitors = Callable[..., Visitor]
MAELLE, ALERTS = "Maëlle Kervadoret", "nos-alertes-predictives"
PROBLEM = {
    "subject": "Depots close our condition-monitoring tickets without looking",
    "context": "We fitted 900 motors with monitoring and the vendor raises a ticket when one drifts. Planners and "
    "dispatchers ignored the predictions and forecasts; network alarms worth reading are lost among the noise.",
    "decision": "How to get crews to take such alerts and predictions seriously, and where to begin.",
}
_count = itertools.count(1)


def hold(lead: Visitor, offer: str = ALERTS, format: str = "remote") -> str:
    """Hold the first free slot of an offer; the booking's reference."""
    listed = lead.home("/offers?q=alertes%20techniciens%20pannes")
    slots = lead.get(listed.link(f"/offers/{offer}").split("?")[0] + "/slots")
    start = next(value for name, value in slots.form("/slots").choices if name == "slot")
    brief = lead.send(slots, "/slots", slot=start, format=format)
    assert brief.status == 200, brief.words[:500]
    assert brief.path.endswith("/brief")
    return brief.path.split("/")[-2]


def write(lead: Visitor, reference: str) -> None:
    """All parts of the brief."""
    for part, fields in (
        *((name, {name: text}) for name, text in PROBLEM.items()),
        ("confidentiality", {"firms_concerned": "None", "needs": "", "confidential_done": "1"}),
    ):
        page = lead.home(f"/bookings/{reference}/brief/{part}")
        assert lead.send(page, f"/brief/{part}", **fields).path.endswith("/brief")


def checkout(lead: Visitor, reference: str) -> Page:
    """From the check to the provider's page."""
    check = lead.home(f"/bookings/{reference}/check")
    page = lead.send(check, "/pay", rules="1", terms="1")
    assert "/sandbox/checkout/" in page.url, page.words[:800]
    return page


def pay(lead: Visitor, page: Page, how: str = "succeed") -> Page:
    """Press one of the provider's buttons; where that leads, once it is no longer "being confirmed"."""
    answer = lead.post(page.url, {"action": how})
    return until(lambda: lead.get(answer.path), lambda seen: not seen.path.endswith("/returned"))


def requested(lead: Visitor, how: str = "succeed", offer: str = ALERTS) -> str:
    reference = hold(lead, offer)
    write(lead, reference)
    page = pay(lead, checkout(lead, reference), how)
    assert "Waiting for the expert" in page.words, page.words[:800]
    return reference


def accept(expert: Visitor, reference: str) -> None:
    page = expert.home(f"/expert/bookings/{reference}")
    ticks = dict.fromkeys(("charter", "confidentiality", "conflict"), "1")
    answer = expert.send(page, "/accept", place="https://meet.example.com/room", **ticks)
    assert answer.status == 200, answer.words[:800]


def until(look: Callable[[], Page], good: Callable[[Page], bool], seconds: float = 20) -> Page:
    """Look again until it is so: what the worker and the provider do takes moments."""
    ends = time.monotonic() + seconds
    while True:
        page = look()
        if good(page) or time.monotonic() > ends:
            assert good(page), f"{page.url} ({page.status}):\n{page.words[:2500]}"
            return page
        time.sleep(0.2)


def booking_says(guest: Visitor, reference: str, words: str, room: str = "") -> Page:
    return until(lambda: guest.home(f"{room}/bookings/{reference}"), lambda page: words in page.words)


def test_a_declined_brief_goes_to_another_expert_in_two_clicks(visitor: Visitors) -> None:
    lead, expert = visitor("Camille"), visitor(MAELLE)
    reference = requested(lead)
    page = expert.home(f"/expert/bookings/{reference}")
    unsaid = expert.send(page, "/decline")
    assert unsaid.status == 422  # A reason is asked for, nothing is declined.
    answer = expert.send(unsaid, "/decline", reason="no_time", words="Travelling that week, sorry.")
    assert answer.status == 200
    lost = booking_says(lead, reference, "Declined by the expert")
    assert "Travelling that week, sorry." in lost.words
    # First click: the offers found. Second click: held.
    rescue = until(
        lambda: lead.get(lost.link("/rescue")), lambda page: bool(page.words.count("Hold this slot"))
    )
    held = lead.send(rescue, "Hold this slot")
    assert held.status == 200, held.words[:800]
    assert held.path.endswith("/brief")
    again = held.path.split("/")[-2]
    assert again != reference
    assert PROBLEM["subject"] in held.words, "the brief did not go along"
    assert MAELLE not in held.words
    lead.send(held, "/let-go")


def test_a_lead_sees_what_comes_back_before_cancelling_and_gets_it(visitor: Visitors) -> None:
    lead, expert = visitor("Camille"), visitor(MAELLE)
    reference = requested(lead)
    accept(expert, reference)
    page = booking_says(lead, reference, "It will take place")
    total = amount(r"Total incl\. VAT (€[\d,.]+)", page)
    cancel = lead.get(page.link("/cancel"))
    assert f"All of it comes back to you: {total}" in cancel.words, cancel.words[:1500]
    # Within 72 hours half of it comes back: said anew, since time moved while the page stood open.
    now = cancel
    while "All of it comes back" in now.words:
        lead.send(now, "/dev/clock", press="1d")
        now = lead.get(cancel.path)
    late = lead.send(cancel, "Cancel and get", reason="")
    assert late.status in (409, 422), "cancelled for less than the page had promised"
    cancel = lead.get(cancel.path)
    half = amount(r"(€[\d,.]+) of €[\d,.]+ come back", cancel)
    assert cents(half) * 2 == cents(total)
    gone = lead.send(cancel, "Cancel and get", reason="The project was stopped.")
    assert "Cancelled" in gone.words
    booking_says(lead, reference, f"{half} refunded on")
    assert "The project was stopped." in expert.home(f"/expert/bookings/{reference}").words


def amount(pattern: str, page: Page) -> str:
    found = re.search(pattern, page.words)
    assert found, f"{pattern} not in {page.words[:2500]}"
    return found.group(1)


def cents(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def test_an_operator_stops_a_booking_with_a_reason_both_read(visitor: Visitors) -> None:
    lead, expert, operator = visitor("Camille"), visitor(MAELLE), visitor("Odile")
    reference = requested(lead)
    page = operator.home(f"/operator/bookings/{reference}")
    silent = operator.send(page, "/stop", reason="  ")
    assert silent.status == 422
    stopped = operator.send(silent, "/stop", reason="The brief names inside information.")
    assert stopped.status == 200
    assert "Cancelled" in stopped.words
    for reader, room in ((lead, ""), (expert, "/expert")):
        said = booking_says(reader, reference, "Cancelled", room)
        assert "The brief names inside information." in said.words
    # What was authorised is released: nothing was ever taken, so there is no receipt.
    assert lead.home(f"/bookings/{reference}/receipt").status == 404


def test_a_failed_capture_asks_to_pay_again_and_then_confirms(visitor: Visitors) -> None:
    lead, expert = visitor("Camille"), visitor(MAELLE)
    reference = requested(lead, "fail_later")
    accept(expert, reference)
    asked = booking_says(lead, reference, "Your card was not charged: please pay again")
    assert lead.home(f"/bookings/{reference}/invitation.ics").status == 404
    page = lead.send(asked, "/pay-again")
    assert "/sandbox/checkout/" in page.url
    pay(lead, page)
    booking_says(lead, reference, "It will take place")
    booking_says(expert, reference, "It will take place", "/expert")
    assert "BEGIN:VEVENT" in lead.home(f"/bookings/{reference}/invitation.ics").text


def test_leaving_the_payment_page_keeps_the_hold_and_a_forged_return_changes_nothing(
    visitor: Visitors,
) -> None:
    lead = visitor("Camille")
    reference = hold(lead)
    write(lead, reference)
    page = checkout(lead, reference)
    back = lead.post(page.url, {"action": "abandon"})
    assert back.path.endswith(f"/{reference}/check")
    assert "Slot held until" in back.words

    for forged in ("", "?session_id=cs_forged", "?payment_intent=pi_x&redirect_status=succeeded", "?n=6"):
        lead.home(f"/bookings/{reference}/returned{forged}")
        assert "Slot held" in lead.home(f"/bookings/{reference}").words

    again = checkout(lead, reference)
    assert again.url == page.url, "a second checkout was opened beside the first"
    assert "Waiting for the expert" in pay(lead, again).words
    total = amount(r"Total incl\. VAT (€[\d,.]+)", lead.home(f"/bookings/{reference}"))
    withdrawn = lead.send(lead.home(f"/bookings/{reference}"), "/withdraw")
    assert withdrawn.status == 200
    assert "Request withdrawn" in withdrawn.words
    assert f"{total} released, nothing taken" in withdrawn.words


def test_a_webhook_is_believed_only_with_its_signature(site: Site, visitor: Visitors) -> None:
    lead = visitor("Camille")
    reference = hold(lead)
    write(lead, reference)
    session = checkout(lead, reference).url.rsplit("/", 1)[1]
    event = {
        "id": "evt_forged", "object": "event", "type": "checkout.session.completed", "livemode": False,
        "created": int(time.time()), "api_version": "2026-10-28.endive",
        "data": {"object": {"id": session, "object": "checkout.session"}},
    }  # fmt: skip
    for signature in (None, "", "t=1,v1=00", f"t={int(time.time())},v1={'0' * 64}", "v1", "t=x,v1=é"):
        assert post_webhook(site, json.dumps(event).encode(), signature) == 400, signature
    assert post_webhook(site, b"\xff\xfe not json", None) == 400
    time.sleep(0.5)
    page = lead.home(f"/bookings/{reference}")
    assert "Slot held" in page.words
    lead.send(lead.home(f"/bookings/{reference}/brief"), "/let-go")


def post_webhook(site: Site, body: bytes, signature: str | None) -> int:
    headers = {"Content-Type": "application/json"}
    if signature is not None:
        headers["Stripe-Signature"] = signature.encode().decode("latin-1")
    request = urllib.request.Request(f"{site.url}/webhooks/stripe", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_somebody_elses_booking_is_not_there(visitor: Visitors) -> None:
    owner = visitor("Camille")
    reference = hold(owner)
    for name in ("Jonas Weidner", "Inès Carpentier", "Tobias Lindqvern"):
        other = visitor(name)
        csrf = next(v for f in other.home("/preferences").forms for n, v in f.fields if n == "csrf_token")
        for room in ("", "/expert"):
            seen = other.home(f"{room}/bookings/{reference}")
            missing = other.home(f"{room}/bookings/{'x' * len(reference)}")
            assert (seen.status, missing.status) == (404, 404), (name, room)
            assert seen.words == missing.words
        for page in ("brief", "brief/subject", "check", "billing", "receipt", "invitation.ics", "cancel"):
            assert other.home(f"/bookings/{reference}/{page}").status == 404, (name, page)
        for deed in ("pay", "pay-again", "rescue", "let-go", "extend", "withdraw", "cancel", "confirm"):
            answer = other.post(f"/en/bookings/{reference}/{deed}", {"csrf_token": csrf, "token": "x"})
            assert answer.status == 404, (name, deed)
    assert owner.send(owner.home(f"/bookings/{reference}/brief"), "/let-go").status == 200


def test_signing_up_is_for_companies_goes_by_mail_and_the_password_can_be_chosen_anew(
    site: Site, visitor: Visitors
) -> None:
    lead = visitor()
    asked = lead.home("/sign-up")
    typed = {"name": "Ada Exemple", "company": "Atelier Exemple", "terms": "y"}
    free = lead.send(asked, "Create the account", email="ada@gmail.com", **typed)
    assert free.status == 422
    assert "gmail.com" in free.words
    assert dict(free.form("Create the account").fields)["name"] == "Ada Exemple", "what was typed is lost"
    address = f"ada{next(_count)}@atelier-exemple.example"
    assert lead.send(free, "Create the account", email=address, **typed).path.endswith("/check-mail")

    link = mailed_link(lead, address, "/verify/")
    opened = lead.get(link)
    weak = lead.send(opened, "Open the account", password="password")
    assert weak.status == 422
    inside = lead.send(weak, "Open the account", password="trois chevaux sous la pluie")
    assert inside.status == 200
    assert "Ada Exemple" in inside.words
    assert lead.get(link).status == 410, "a spent link opens again"

    # Forgotten: the link changes it, ends every log-in, and works once.
    assert lead.home("/bookings").path.endswith("/bookings")
    other = visitor()
    assert other.send(other.home("/forgot"), "Mail me the link", email=address).path.endswith("/check-mail")
    reset = mailed_link(other, address, "/reset/")
    done = other.send(other.get(reset), "Change the password", password="quatre nuages dans un sac")
    assert done.path.endswith("/log-in")
    assert lead.home("/bookings").path.endswith("/log-in"), "the old log-in still lives"
    assert other.get(reset).status == 410
    refused = other.send(
        other.home("/log-in"), "Sign in", email=address, password="trois chevaux sous la pluie"
    )
    assert refused.status in (401, 422)
    new = other.send(refused, "Sign in", email=address, password="quatre nuages dans un sac")
    assert "Ada Exemple" in new.words

    # And a new lead meets the whole way: who is billed is asked before the first payment.
    reference = hold(other)
    write(other, reference)
    billing = other.home(f"/bookings/{reference}/check")
    assert billing.path.endswith("/billing")
    lacking = other.send(billing, "Save and check", legal_name="Atelier Exemple SAS")
    assert lacking.status == 422
    check = other.send(
        lacking, "Save and check", legal_name="Atelier Exemple SAS", street="1 rue Haute", postcode="69000",
        city="Lyon", country="FR", vat_number="",
    )  # fmt: skip
    assert check.path.endswith("/check")
    assert "Atelier Exemple SAS" in check.words
    other.send(other.home(f"/bookings/{reference}/brief"), "/let-go")


def mailed_link(guest: Visitor, address: str, part: str) -> str:
    """The link of the newest letter to this address, as the mailbox page shows it."""
    box = until(
        lambda: guest.get(f"/dev/mail?to={address}"),
        lambda page: any(re.search(r"/dev/mail/[0-9a-f-]{36}$", href) for href, _ in page.links),
    )
    for href, _words in box.links:
        if re.search(r"/dev/mail/[0-9a-f-]{36}$", href):
            letter = guest.get(href)
            if any(part in link for link, _ in letter.links):
                return letter.link(part)
    time.sleep(0.5)
    return mailed_link(guest, address, part)

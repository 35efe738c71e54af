"""People at the site over HTTP: each holds, pays, is declined, accepts, calls off, is given money back, and
presses again when the house does not answer. What an answer said was done is kept, to be judged later."""

from __future__ import annotations

import http.client
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from marketplace.domain.policy import Actor
from marketplace.services.briefs import save_brief
from tests.fire.site import Cast, Site
from tests.journeys.visitor import Page, Visitor

BRIEF = {
    "subject": "Des locataires refusent",
    "context": "c" * 100,
    "decision": "d" * 40,
    "confidential_done": True,
}
# How often one presses again while nothing answers, and how long one waits before.
PRESSES, BREATH = 60, 0.25
# What is looked after first, so many times as often as the rest.
EAGER = {"requested": 5, "delivered": 3, "completed": 2}
MINE = sa.text(
    "select id, reference, brief_id, expert_id, state, share_posted_at is not null as due from bookings"
    " where lead_id = :lead and state not in ('lapsed', 'expired', 'declined', 'refused')"
)


@dataclass(frozen=True)
class Said:
    """An answer that said it was done: which booking, what, and the form's own token or amount."""

    reference: str
    what: str
    mark: str


@dataclass
class Booking:
    id: uuid.UUID
    reference: str
    brief_id: uuid.UUID
    expert_id: uuid.UUID
    state: str
    due: bool


@dataclass
class Client:
    """One project lead, and whoever answers them; by a random order of their own."""

    site: Site
    cast: Cast
    actor: Actor
    log_in: str
    rng: random.Random
    stop: threading.Event
    said: list[Said] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _paid: set[uuid.UUID] = field(default_factory=set)
    _written: set[uuid.UUID] = field(default_factory=set)
    _refunded: set[uuid.UUID] = field(default_factory=set)
    _calendars: dict[str, Page] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lead = self.site.guest(self.log_in)
        self.experts = {id: self.site.guest(log_in) for id, (log_in, _slug) in self.cast.experts.items()}
        self.operator = self.site.guest(self.cast.operator)

    def run(self) -> None:
        """One deed after the other until told to stop."""
        while not self.stop.is_set():
            try:
                self.step()
            except Exception as error:  # Told by name at the end: a client never falls silent.
                self.faults.append(f"{type(error).__name__}: {error}"[:600])
                return

    def step(self) -> None:
        mine = self.mine()
        held = [one for one in mine if one.state == "held"]
        going = [
            one for one in mine if one.state in ("held", "requested", "accepted", "confirmed", "delivered")
        ]
        if not going or (not held and len(going) < 4 and self.rng.random() < 0.4):
            self.hold()
            return
        one = self.rng.choices(mine, [EAGER.get(one.state, 1) for one in mine])[0]
        deeds: dict[str, tuple[Callable[[Booking], None], ...]] = {
            "held": (self.pay, self.pay, self.pay, self.pay, self.let_go),
            "requested": (self.accept, self.accept, self.accept, self.decline, self.withdraw),
            "accepted": (self.look, self.look, self.withdraw),
            "confirmed": (self.look, self.look, self.cancel, self.cancel_as_expert),
            "delivered": (self.confirm, self.look),
            "completed": (self.refund, self.look),
            "cancelled": (self.refund, self.look),
        }
        self.rng.choice(deeds.get(one.state, (self.look,)))(one)

    def mine(self) -> list[Booking]:
        with self.site.engine.connect() as connection:
            rows = connection.execute(MINE, {"lead": self.actor.person_id}).mappings()
            return [Booking(**row) for row in rows]

    # What a lead does.

    def hold(self) -> None:
        slug = self.rng.choice([slug for _log_in, slug in self.cast.experts.values()])
        page = self.calendar(slug)
        slots = [value for form in page.forms for name, value in form.choices if name == "slot"][:16]
        if not slots:
            return
        sent = {"slot": self.rng.choice(slots), "format": "remote", "token": self.rng.randbytes(8).hex()}
        answer = self.press(self.lead, page, "/slots", **sent)
        if answer is None or answer.status != 303:
            self._calendars.pop(slug)  # Somebody was faster, or time went by: look anew.
            return
        reference = answer.headers["Location"].rstrip("/").split("/")[-2]
        self.note("hold", reference)
        if self.rng.random() < 0.8:
            self.pay(next(one for one in self.mine() if one.reference == reference))

    def calendar(self, slug: str) -> Page:
        """The page stays open in a window; whoever comes back to it presses there."""
        if slug not in self._calendars:
            self._calendars[slug] = self.ask(lambda: self.lead.home(f"/offers/{slug}/slots"))
        return self._calendars[slug]

    def pay(self, one: Booking) -> None:
        if one.id in self._paid:
            self.look(one)  # It says that it is being confirmed.
            return
        self.write(one)
        page = self.ask(lambda: self.lead.home(f"/bookings/{one.reference}/check"))
        answer = self.press(self.lead, page, "/pay", rules="1", terms="1")
        place = answer.headers["Location"] if answer is not None and answer.status == 303 else ""
        if "/checkout/" not in place:  # Back to the booking: it is no longer held.
            return
        self.note("open_payment", one.reference, place.rsplit("/", 1)[-1])
        if self.rng.random() < 0.15:
            self.ask(lambda: self.lead.post(place, {"action": "decline"}, follow=False))
        if self.rng.random() < 0.08:
            return  # They look at the price, and close the page.
        paid = self.ask(lambda: self.lead.post(place, {"action": "succeed"}, follow=False))
        if paid.status == 303 and "/returned" in paid.headers["Location"]:
            self._paid.add(one.id)
            self.note("pay", one.reference, place.rsplit("/", 1)[-1])
            self.ask(lambda: self.lead.get(paid.headers["Location"]))

    def write(self, one: Booking) -> None:
        """The brief; typed out elsewhere (tests/journeys), here it is only needed."""
        if one.brief_id not in self._written:
            save_brief(self.site.db, self.actor, brief_id=one.brief_id, fields=BRIEF)
            self._written.add(one.brief_id)

    def let_go(self, one: Booking) -> None:
        self.deed("let_go", self.lead, f"/bookings/{one.reference}/brief", "/let-go", one)

    def withdraw(self, one: Booking) -> None:
        self.deed("withdraw", self.lead, f"/bookings/{one.reference}", "/withdraw", one)

    def cancel(self, one: Booking) -> None:
        self.deed(
            "cancel",
            self.lead,
            f"/bookings/{one.reference}/cancel",
            "Cancel and",
            one,
            reason="plans changed",
        )

    def confirm(self, one: Booking) -> None:
        self.deed("confirm", self.lead, f"/bookings/{one.reference}", "/confirm", one)

    def look(self, one: Booking) -> None:
        self.ask(lambda: self.lead.home(f"/bookings/{one.reference}"))

    # What the others do.

    def accept(self, one: Booking) -> None:
        ticks = dict.fromkeys(("charter", "confidentiality", "conflict", "knows_busy"), "1")
        room = "https://meet.example.com/room"
        self.deed(
            "accept",
            self.experts[one.expert_id],
            f"/expert/bookings/{one.reference}",
            "/accept",
            one,
            place=room,
            **ticks,
        )

    def decline(self, one: Booking) -> None:
        self.deed(
            "decline",
            self.experts[one.expert_id],
            f"/expert/bookings/{one.reference}",
            "/decline",
            one,
            reason="no_time",
        )

    def cancel_as_expert(self, one: Booking) -> None:
        where = f"/expert/bookings/{one.reference}/cancel"
        self.deed("cancel", self.experts[one.expert_id], where, "Cancel and", one, reason="I am ill")

    def refund(self, one: Booking) -> None:
        """An operator gives a little back, once a booking; each by an amount of its own."""
        if not one.due or one.id in self._refunded:
            return
        cents = self.rng.randrange(1_000, 20_000)
        borne = self.rng.choice(("us", "expert"))
        where = f"/operator/bookings/{one.reference}/refund?amount={cents // 100}.{cents % 100:02d}&borne_by={borne}"
        page = self.ask(lambda: self.operator.home(where))
        answer = self.press(self.operator, page, "Give ", reason="agreed by telephone")
        if answer is not None and answer.status == 303:
            self._refunded.add(one.id)
            self.note("refund", one.reference, str(cents))

    # How it is done.

    def deed(self, what: str, guest: Visitor, path: str, part: str, one: Booking, **typed: str) -> None:
        """Look at the page, fill its form in, press; 303 says that it is done."""
        page = self.ask(lambda: guest.home(path))
        answer = self.press(guest, page, part, **typed)
        if answer is not None and answer.status == 303:
            self.note(what, one.reference)

    def press(self, guest: Visitor, page: Page, part: str, **typed: str) -> Page | None:
        """The page's form, sent until it is answered; None where the page offers none such."""
        try:
            page.form(part)
        except AssertionError:
            return None
        return self.ask(lambda: guest.send(page, part, follow=False, **typed))

    def ask(self, how: Callable[[], Page]) -> Page:
        """Again until the house answers; the same form each time."""
        for _ in range(PRESSES):
            try:
                page = how()
            except (OSError, http.client.HTTPException):
                self.tally["nobody answered"] += 1
                self.stop.wait(BREATH)
                continue
            self.tally["answers"] += 1
            if page.status == 500:
                self.faults.append(f"500 at {page.url}: {page.words[:200]}")
            if page.status < 500:
                return page
            self.tally[f"answered {page.status}"] += 1
            self.stop.wait(BREATH)
        raise AssertionError("nobody answers any more")

    def note(self, what: str, reference: str, mark: str = "") -> None:
        self.said.append(Said(reference, what, mark))
        self.tally[what] += 1

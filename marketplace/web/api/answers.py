"""What the read API answers, as types: the description at /api/v1/openapi.json is made from them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated, Literal

from ...domain.search import Group


@dataclass(frozen=True)
class Price:
    """What a session costs, without value added tax and without our service fee."""

    amount_minor: Annotated[int, "in the currency's smallest unit: cents"]
    currency: Annotated[str, "ISO 4217"]
    vat: Literal["excluded"]


@dataclass(frozen=True)
class Expert:
    """Who gives the session. An empty text is not said."""

    name: str
    startup: Annotated[str, "the firm they solved it in"]
    role: Annotated[str, "what they were there"]
    city: str


@dataclass(frozen=True)
class Offer:
    """One problem an expert solved, and the session in which they show how."""

    id: uuid.UUID
    external_id: Annotated[str | None, "the id it had in the data it was loaded from"]
    title: str
    lang: Annotated[str, "the language the offer is written in, ISO 639-1"]
    expert: Expert
    price: Price
    url: Annotated[str, "its page, in the language of `lang` in the address asked"]


@dataclass(frozen=True)
class Why:
    """Why an offer fits what was asked."""

    phrase: Annotated[str | None, "the words of `q` that are answered; null where only words were matched"]
    sentence: Annotated[str, "the sentence of the offer that answers them, in the offer's language"]


@dataclass(frozen=True)
class FoundOffer(Offer):
    """An offer of a list. Without `q`, score, group and why are null."""

    score: Annotated[
        float | None, "how well it fits, to be compared within one answer only; of equals, reviews decide"
    ]
    group: Annotated[
        Group | None, "the same problem, a neighbouring one, part of it, or no more than the closest there is"
    ]
    why: Annotated[Why | None, "null too where no sentence stands out"]


@dataclass(frozen=True)
class Offers:
    """A page of a list."""

    items: tuple[FoundOffer, ...]
    next_cursor: Annotated[
        str | None, "send it as `cursor` with the same question for the next page; null at the end"
    ]
    meaning: Annotated[
        Literal["matched", "resting", "not_asked"],
        "resting: only words were matched, since what reads meaning does not answer just now",
    ]  # fmt: skip
    nothing_fits: Annotated[
        bool, "even the closest of all offers is surely not about `q`; the items are the closest there are"
    ]


@dataclass(frozen=True)
class Slot:
    """A session that can be held just now: the same two instants told twice, RFC 3339."""

    start: Annotated[str, "in UTC"]
    end: Annotated[str, "in UTC"]
    local_start: Annotated[str, "on the clock of `tz`, with its offset"]
    local_end: Annotated[str, "on the clock of `tz`, with its offset"]


@dataclass(frozen=True)
class Slots:
    """The free slots of an offer. None where it cannot be booked at present."""

    offer_id: uuid.UUID
    tz: Annotated[str, "the zone asked for, IANA"]
    minutes: Annotated[int, "how long each lasts"]
    items: Annotated[tuple[Slot, ...], "the earliest first"]


@dataclass(frozen=True)
class Named:
    """A topic or an industry."""

    slug: Annotated[str, "as the filters take it"]
    name: Annotated[str, "in the language of `lang`"]


@dataclass(frozen=True)
class WholeOffer(Offer):
    """An offer with its story, in the offer's language."""

    problem: str
    failed: Annotated[str, "what had been tried in vain; may be empty"]
    unlocked: Annotated[str, "what solved it"]
    takeaways: Annotated[tuple[str, ...], "what one leaves the session with"]
    for_whom: str
    not_for_whom: str
    topics: tuple[Named, ...]
    industries: tuple[Named, ...]
    minutes: Annotated[int, "the length of the session"]
    format: Literal["remote", "on_site", "both"]
    languages: Annotated[tuple[str, ...], "spoken in the session, ISO 639-1"]

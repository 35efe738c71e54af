"""What letters are written with: the press, the addresses of our pages, and who we are."""

from __future__ import annotations

from dataclasses import dataclass

from ...gateways.invitations import Invitations
from ...gateways.letters import LetterPress, Links


@dataclass(frozen=True)
class Stationery:
    """Made once in `create_app`. `site_host` names our messages and meetings; `mail_from` sends them; who contests writes to `contact`."""

    press: LetterPress
    links: Links
    invitations: Invitations
    site_name: str
    site_host: str
    mail_from: str
    contact: str

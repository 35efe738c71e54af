"""What the payment door may raise; the package says what to do then."""

from __future__ import annotations


class PaymentError(Exception):
    """Base of what this door raises. `reason` is a short word of the provider's, or ours."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class Declined(PaymentError):
    """The bank said no. `reason` is its word (`insufficient_funds`, `generic_decline`, …)."""


class NeedsAction(PaymentError):
    """The bank asks the payer to confirm (strong authentication)."""


class Unavailable(PaymentError):
    """Not carried out, nothing changed: again later with the same key.

    `reason` `balance_insufficient`: the money is not there yet (new key after it: the refusal is kept).
    `new_key` says whether repeating needs a new key because the provider keeps the answer.
    """

    def __init__(self, reason: str, detail: str = "", *, new_key: bool = False) -> None:
        super().__init__(reason, detail)
        self.new_key = new_key


class Refused(PaymentError):
    """Never again as asked. `look`: the object stands elsewhere than we thought, so fetch it.

    `stop`: our access itself is refused, or a defect of ours (a key used for something else):
    raise an alarm and carry nothing out until somebody has looked.
    """

    def __init__(self, reason: str, detail: str = "", *, look: bool = False, stop: bool = False) -> None:
        super().__init__(reason, detail)
        self.look = look
        self.stop = stop


class Unknown(PaymentError):
    """No answer, or one that says nothing: it may have happened. Look before repeating."""


class NotTrusted(PaymentError):
    """A posted event that is not to be believed: too large, unsigned, altered, too old, from the
    future, of the other mode, or unreadable. `reason` is one of `REFUSED_BECAUSE`, but `wrong_account`,
    which whoever knows the accounts finds out."""


REFUSED_BECAUSE = (
    "too_large",
    "no_signature",
    "bad_signature",
    "too_old",
    "from_the_future",
    "bad_encoding",
    "bad_json",
    "bad_shape",
    "wrong_mode",
    "wrong_account",
)

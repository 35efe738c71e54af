"""Refusals of people: accounts, log-ins, operators and their cases."""

from __future__ import annotations

from .base import Refusal


class EmailTaken(Refusal):
    """The address has an account already (told by mail alone, never on the page)."""


class FreeMailAddress(Refusal):
    """Buyers sign up with their company's address. Facts: domain."""


class LinkSpent(Refusal):
    """A mailed link that was used, ran out, or never was."""


class TooManyTries(Refusal):
    """Slow down. Facts: until (aware UTC, real time)."""


class WrongCredentials(Refusal):
    """Address and password do not go together."""


class WeakPassword(Refusal):
    """Too short, too common, or made of the person's own name. Facts: why."""


class AccountSuspended(Refusal):
    """The account is suspended; said only to whoever gave the right password."""


class CaseDecided(Refusal):
    """Another operator decided meanwhile, or it was withdrawn. Facts: decision, by."""


class CaseChanged(Refusal):
    """What was shown is not what stands there now: look again. Facts: revision."""


class OwnCase(Refusal):
    """Nobody decides on themselves, nor on what is theirs."""


class UndoOver(Refusal):
    """It can no longer be taken back. Facts: why (time, booked, changed, told)."""


class FactorWrong(Refusal):
    """The code is not right, or was used already."""


class FactorTaken(Refusal):
    """A second factor stands already, and this log-in has not proved it."""


class FactorNeeded(Refusal):
    """An operator keeps a second factor: replaced, never taken away."""


class AddressOfAnotherCompany(Refusal):
    """Who buys for a company keeps an address of its domain. Facts: domain."""


class SameAddress(Refusal):
    """It is the address the account has."""


class OperatorExists(Refusal):
    """The first operator is made once; the others by operators."""


class LastOperator(Refusal):
    """Somebody has to keep the house: the last operator stays one."""


class AlreadyRestricted(Refusal):
    """It is hidden or suspended already, or not any more. Facts: kind."""


class SameOperator(Refusal):
    """Another operator is needed: four eyes, or an appeal. Facts: waiting (a proposal of somebody's waits)."""

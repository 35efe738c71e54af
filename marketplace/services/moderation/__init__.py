"""Moderation: the operators' cases, what people report, and restrictions with their reasons."""

from __future__ import annotations

from .cases import claim, release, snooze, wake
from .deciding import decide, undo
from .notices import Reported, give_notice, reportable

__all__ = ["Reported", "claim", "decide", "give_notice", "release", "reportable", "snooze", "undo", "wake"]

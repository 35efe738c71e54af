"""What goes wrong with the embedded server."""

from __future__ import annotations


class EmbeddedError(RuntimeError):
    """The embedded server cannot run here; the message says why and what helps."""

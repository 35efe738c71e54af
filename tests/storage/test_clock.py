"""The platform's clock: moved in demo mode, refused in production once it was moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.storage.clock import MovedClock, OffsetClock, real_now, refuse_moved_clock
from marketplace.storage.db import connect


def test_it_moves_ahead_for_everybody_and_production_refuses_it_then(own_url: str) -> None:
    engine = connect(own_url)
    refuse_moved_clock(engine)
    OffsetClock(engine).move(timedelta(days=4))
    ahead = OffsetClock(engine)() - real_now()
    assert timedelta(days=4) - timedelta(seconds=5) < ahead <= timedelta(days=4)
    with pytest.raises(MovedClock):
        refuse_moved_clock(engine)
    engine.dispose()

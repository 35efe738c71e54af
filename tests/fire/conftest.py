"""A house and a provider of a test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fire.world import World, open_world


@pytest.fixture
def world(own_url: str) -> Iterator[World]:
    with open_world(own_url) as made:
        yield made

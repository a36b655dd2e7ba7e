"""Shows on a fresh database, with a clock that moves when told."""

import pytest

from liveserver.infra.database import Pool
from liveserver.kernel.clock import VirtualClock
from liveserver.shows.service import Shows


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def shows(pool: Pool, clock: VirtualClock) -> Shows:
    return Shows(pool, clock)

"""Accounts on a fresh database, with a clock that moves when told and hashes that cost little."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from liveserver.accounts.service import Accounts
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.kernel.clock import VirtualClock
from tests.support.people import NewAccounts

CHEAP = 8_192
"""KiB for one hash: the least the settings allow."""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def new_accounts(pool: Pool, clock: VirtualClock) -> AsyncIterator[NewAccounts]:
    """Makes what is one process's Accounts, listening; closed at the end."""
    made: list[Accounts] = []

    async def make(**settings: Any) -> Accounts:
        accounts = Accounts(pool, clock, Settings(**{"password_memory_kib": CHEAP, **settings}))
        made.append(accounts)
        await accounts.start()
        return accounts

    yield make
    for accounts in made:
        await accounts.aclose()


@pytest.fixture
async def accounts(new_accounts: NewAccounts) -> Accounts:
    return await new_accounts()

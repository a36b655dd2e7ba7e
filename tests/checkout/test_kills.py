"""Processes that are killed (SIGKILL) at each call to provider and database while they charge a winner or send a refund."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from liveserver.accounts.model import NEVER_MS, NO_SESSION, Identity
from liveserver.checkout.service import Checkout
from liveserver.checkout.works import works
from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.jobs.worker import Worker
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Rejected
from liveserver.ledger import store as ledger
from liveserver.orders import moves, refunds, store
from liveserver.orders.model import Order
from liveserver.payments.cards import Cards
from liveserver.payments.inbox import Inbox
from liveserver.payments.sandbox import delivery
from liveserver.payments.sandbox.provider import Sandbox
from tests.checkout.stage import BERN, Basket
from tests.orders.shop import draft

ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """A shop on the test provider, which lives in PostgreSQL and survives every kill."""

    def __init__(self, pool: Pool, url: str) -> None:
        self.pool, self.url, self.clock = pool, url, SystemClock()
        self.provider = Sandbox(pool, self.clock)
        self.cards = Cards(pool, self.provider, self.clock)
        self.checkout = Checkout(pool, self.provider, self.cards, Basket(), self.clock, Settings())
        self.inbox = Inbox(pool, self.provider, self.clock, self.checkout.handlers())

    async def won(self) -> Order:
        """Bea has saved a card and won a lot."""
        bea = Identity("user_bea", "Bea", "viewer", True, NO_SESSION, NEVER_MS)
        setup = await self.cards.begin(bea, "bea@example.org")
        assert not isinstance(setup, Rejected)
        await self.provider.confirm_setup(setup.id, "card_pays")
        await self.cards.finish(bea.id, setup.id)
        now = self.clock.now_ms()
        async with transaction(self.pool) as on:
            placed = await moves.place(on, draft("auction", due_ts=now + 3_600_000, address=BERN), now)
        assert isinstance(placed, Order)
        return placed

    async def killed(self, what: str, stop: str) -> None:
        """A process begins it, comes to that point, and is killed there."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.checkout.paying", self.url, what, stop,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert (await process.stdout.readline()).strip() == b"here"
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def settled(self) -> None:
        """All messages of the provider have come."""
        kinds = [*self.inbox.works(), *delivery.works(self.provider, self.inbox), *works(self.checkout)[3:]]
        await Worker(self.pool, kinds).drain()

    async def lines(self, type_: str) -> list[int]:
        return [line.amount async for line in self.provider.transactions(0, 2**53) if line.type == type_]

    async def journals(self, order: Order) -> list[str]:
        return sorted(journal.kind for journal in await ledger.journals_of(self.pool, order.id))


@pytest.fixture
async def house(pool: Pool, database_url: str) -> Shop:
    return Shop(pool, database_url)


@pytest.mark.parametrize(
    "stop", ["before-send", "after-send", "before-pay", "after-pay", "before-save", "after-save"]
)
async def test_a_winner_s_charge_killed_anywhere_is_one_charge(house: Shop, stop: str) -> None:
    order = await house.won()
    await house.killed(order.id, stop)
    await house.checkout.charge(order.id)
    await house.settled()
    now = await store.find(house.pool, order.id)
    assert now is not None
    assert now.state == "paid"
    assert await house.lines("charge") == [order.total]
    assert await house.journals(order) == ["captured"]


@pytest.mark.parametrize("stop", ["before-refund", "after-refund"])
async def test_a_refund_killed_anywhere_is_sent_once(house: Shop, stop: str) -> None:
    order = await house.won()
    await house.checkout.charge(order.id)
    await house.settled()
    async with transaction(house.pool) as on:
        refund = await refunds.request(on, order.id, "user_sam", 2_000, "", house.clock.now_ms())
    assert not isinstance(refund, Rejected)
    await house.killed(refund.id, stop)
    await house.checkout.refund(refund.id)
    await house.settled()
    assert [abs(amount) for amount in await house.lines("refund")] == [2_000]
    assert await house.journals(order) == ["captured", "refund_paid", "refunded"]

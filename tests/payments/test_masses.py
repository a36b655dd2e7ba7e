"""Thousands of webhooks, each several times and in no order, forgeries among them, over two servers and two job runners that are killed
in the middle of their work, while answers of the provider are lost: every order is paid exactly once, and everything is posted once.

`ORDERS=<n> pytest tests/payments/test_masses.py` takes another number of orders than a usual run, `SEED=<n>` another order of events.
"""

import asyncio
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestServer

from liveserver.cli.paying import Paying, paying_of
from liveserver.infra.database import Pool, open_pool
from liveserver.jobs import look
from liveserver.kernel.clock import SystemClock, VirtualClock
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import store as orders
from liveserver.orders.model import Order
from liveserver.payouts.books import YOUNG_MS, Books
from liveserver.payouts.sound import unsound_facts
from storefront.app import build_app
from storefront.services import Services
from tests.doubles.stripe.server import StripeDouble
from tests.orders.shop import LAMP
from tests.payments.deliveries import BAD, Deliveries
from tests.payments.lives import LAMPS, LIVES, Life, Market
from tests.payments.running import settings
from tests.storefront.conftest import services

__all__ = ["services"]

ORDERS = int(os.environ.get("ORDERS", "180"))
"""Ten of each life; fewer than two of each are too few for all deaths."""
SEED = int(os.environ.get("SEED", "5"))
POSTS_MIN = 3_000 * ORDERS // 180
FAULTS = ("500 before", "500 after", "cut before", "cut after", "429", "", "", "", "", "")
"""What Stripe's answers suffer while money goes back and on to sellers."""
EXPECTED = {
    "payments.apply: NotYet",
    "checkout.refund: OutcomeUnknown",
    "checkout.return: OutcomeUnknown",
    "payouts.transfer: OutcomeUnknown",
}
"""Why jobs may fail and be tried again."""
AT_ONCE = 8
"""People who do something at a time."""
ACTS = {"first": ("posting", 1 + ORDERS // 10), "then": ("refund", 1), "last": ("applied", 5)}
"""And where a runner ends in each of them."""
ROOT = Path(__file__).resolve().parents[2]
DIED_MAX_S = 10
"""It was to happen in this act, and the act is over."""
SETTLED_MAX_S = 120 + ORDERS / 2
_BUSY = """
SELECT EXISTS (SELECT FROM pgqueuer WHERE status = 'picked' OR (status = 'queued' AND execute_after < now() + interval '90 seconds'))
"""


class Runners:
    """Two processes that work off what is due, one of which will die."""

    def __init__(self, log: Path, *where: str) -> None:
        self._log, self._where = log, where
        self._living: list[asyncio.subprocess.Process] = []

    @property
    def failures(self) -> list[str]:
        """Why jobs failed, each time."""
        return self._log.read_text().splitlines()

    async def begins(self, death: str = "", number: int = 0) -> None:
        """One begins to work, and will die there."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.payments.running", *self._where, death, str(number),
                cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self._living.append(process)
        assert process.stdout is not None
        assert (await process.stdout.readline()).strip() == b"ready", self.failures

    async def one_died(self) -> None:
        """The last that began is dead, by its own hand."""
        async with asyncio.timeout(DIED_MAX_S):
            assert await self._living[-1].wait() == -signal.SIGKILL
        self._living.pop()

    async def aclose(self) -> None:
        for process in self._living:
            process.kill()
            await process.wait()


@dataclass
class Evening:
    """All that one test needs."""

    pool: Pool
    stripe: StripeDouble
    paying: Paying
    market: Market
    deliveries: Deliveries
    runners: Runners

    async def settles(self) -> None:
        """Storms until Stripe has nothing new to say and nothing is left to be done."""
        async with asyncio.timeout(SETTLED_MAX_S):
            while self.deliveries.waiting or await self.pool.fetchval(_BUSY):
                if self.deliveries.waiting:
                    await self.deliveries.storm()
                else:
                    await asyncio.sleep(0.05)


@pytest.fixture
async def evening(
    pool: Pool, database_url: str, services: Services, tmp_path: Path
) -> AsyncIterator[Evening]:
    async with AsyncExitStack() as stack:
        stripe = await stack.enter_async_context(StripeDouble())
        of = settings(stripe.url, stripe.secret)
        paying = paying_of(of, pool, SystemClock())
        stack.push_async_callback(paying.aclose)
        servers: list[str] = []
        for number in (1, 2):
            own = await open_pool(database_url, application=f"server {number}")
            stack.callback(own.terminate)
            its = paying_of(of, own, SystemClock())
            stack.push_async_callback(its.aclose)
            changed = msgspec.structs.replace(services, settings=of, pool=own, inbox=its.inbox)
            server = TestServer(build_app(changed))
            await server.start_server()
            stack.push_async_callback(server.close)
            servers.append(str(server.make_url("")).rstrip("/"))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        market = Market(pool, paying, stripe)
        await market.opens()
        runners = Runners(tmp_path / "failures", database_url, stripe.url, stripe.secret)
        stack.push_async_callback(runners.aclose)
        yield Evening(pool, stripe, paying, market, Deliveries(stripe, servers, http, SEED), runners)


async def _each(evening: Evening, act: str, all_orders: list[tuple[Life, Order]]) -> None:
    """Everybody has this act."""
    rest = iter(all_orders)

    async def people() -> None:
        for life, order in rest:
            await getattr(life, act)(evening.market, order)

    await asyncio.gather(*(people() for _ in range(AT_ONCE)))


@pytest.mark.timeout(3 * SETTLED_MAX_S)
async def test_thousands_of_messages_come_often_in_no_order_and_are_worked_off_once_while_processes_die(
    evening: Evening,
) -> None:
    started_s = time.monotonic()
    kinds = [list(LIVES)[number % len(LIVES)] for number in range(ORDERS)]
    all_orders = [(LIVES[kind], await evening.market.places(LIVES[kind].card)) for kind in kinds]
    await evening.runners.begins()
    for act, death in ACTS.items():
        await evening.runners.begins(*death)
        if act == "then":
            evening.stripe.faults.extend(random.Random(SEED).choices(FAULTS, k=ORDERS // 4))
        await _each(evening, act, all_orders)
        await evening.settles()
        await evening.runners.one_died()
    # What the minute's sweep does: what a refund or a dispute left on a seller's account comes back from there.
    await evening.paying.money.level.sweep()
    await evening.settles()
    took_s = time.monotonic() - started_s
    print(f"{evening.deliveries.posts} deliveries in {took_s:.0f} s")  # noqa: T201 - pytest shows it on demand

    assert {re.sub(r"\(.*", "", why) for why in evening.runners.failures} <= EXPECTED
    assert evening.deliveries.posts >= POSTS_MIN
    _refused_what_is_forged(evening.deliveries)
    await _kept_once(evening)
    await _lived_as_they_should(evening, kinds, [order for _, order in all_orders])
    await _balances(evening)
    await _left_the_shelf(evening, kinds)


def _refused_what_is_forged(deliveries: Deliveries) -> None:
    assert {kind for kind, status in deliveries.answers if status == 204} == {"good"}
    assert {status for kind, status in deliveries.answers if kind == "good"} == {204}
    assert {kind for kind, status in deliveries.answers if status == 400} == set(BAD)


async def _kept_once(evening: Evening) -> None:
    kept = await evening.pool.fetch("SELECT id, applied_ts FROM provider_events")
    assert sorted(row["id"] for row in kept) == sorted(evening.deliveries.genuine)
    assert [row["id"] for row in kept if row["applied_ts"] is None] == []
    assert (await look.standing(evening.pool)).dead == 0


async def _lived_as_they_should(evening: Evening, kinds: list[str], placed: list[Order]) -> None:
    journals: dict[str, Counter[str]] = {order.id: Counter() for order in placed}
    for row in await evening.pool.fetch(
        "SELECT order_id, kind FROM ledger_journals WHERE order_id IS NOT NULL AND kind NOT IN ('transferred', 'transfer_reversed')"
    ):
        journals[row["order_id"]][row["kind"]] += 1
    apart: list[str] = []
    for kind, order in zip(kinds, placed, strict=True):
        life, now = LIVES[kind], await evening.market.now(order)
        ended = (now.state, now.funds, now.refund, now.dispute)
        posted = tuple(sorted(journals[order.id].elements()))
        history = Counter(line.kind for line in await orders.history(evening.pool, order.id))
        if (ended, posted) != (life.end, tuple(sorted(life.journals))):
            apart.append(f"who {kind!r}: {ended}, {posted}")
        if history["paid"] != ("captured" in life.journals):
            apart.append(f"who {kind!r}: was paid {history['paid']} times")
        charged = [
            thing
            for thing in evening.stripe.objects.values()
            if thing["object"] == "payment_intent"
            and thing["metadata"].get("order") == order.id
            and thing["status"] == "succeeded"
        ]
        if len(charged) != any(name in life.journals for name in ("captured", "stray_captured")):
            apart.append(f"who {kind!r}: was charged {len(charged)} times")
    assert apart == []


async def _balances(evening: Evening) -> None:
    assert await unsound_facts(evening.pool) == []
    (accounts,) = (await ledger.trial_balance(evening.pool)).values()
    assert sum(accounts.values()) == 0
    for account in (Account.SELLER_RECEIVABLE, Account.REFUND_TRANSIT, Account.DISPUTE_SUSPENSE):
        assert accounts.get(account, 0) == 0, account
    assert accounts[Account.PSP_SELLERS] == sum(evening.stripe.there.values()) > 0
    # And Stripe's own books say the same, line by line.
    later = VirtualClock(SystemClock().now_ms() + 2 * YOUNG_MS)
    report = await Books(evening.pool, evening.paying.provider, later).reconcile()
    assert (report.differences, report.unsound, report.complete) == ((), (), True)
    assert report.matched == sum(
        thing["object"] == "balance_transaction" for thing in evening.stripe.objects.values()
    )


async def _left_the_shelf(evening: Evening, kinds: list[str]) -> None:
    """What was cancelled is on it again; lots came from no shelf of this test."""
    gone = sum(not LIVES[kind].card and LIVES[kind].end[0] != "cancelled" for kind in kinds)
    assert await evening.pool.fetchval("SELECT stock FROM variants WHERE id = $1", LAMP) == LAMPS - gone

"""A process of its own that charges one order, and is killed at one of its calls: `python -m tests.checkout.paying URL ORDER STOP`.

STOP is `none`, or `before` or `after` a call that the provider counts: `pay` or `save`. At that point it says so and waits.
"""

import asyncio
import sys
from typing import Any

from liveserver.checkout import attempts
from liveserver.checkout.service import Checkout
from liveserver.config import Settings
from liveserver.infra.database import open_pool
from liveserver.kernel.clock import SystemClock
from liveserver.payments.cards import Cards
from liveserver.payments.sandbox.provider import Sandbox
from tests.checkout.stage import Basket


def say(word: str) -> None:
    """To the test that waits for it."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def stop_here() -> None:
    say("here")
    await asyncio.Event().wait()


def stopping(at: str, work: Any) -> Any:
    """The same call, that stops before or after it."""

    async def call(*args: Any, **named: Any) -> Any:
        if at == "before":
            await stop_here()
        done = await work(*args, **named)
        if at == "after":
            await stop_here()
        return done

    return call


async def main(url: str, order: str, stop: str) -> None:
    pool = await open_pool(url, application="paying")
    clock = SystemClock()
    provider: Any = Sandbox(pool, clock)
    at, _, what = stop.partition("-")
    if what == "pay":
        provider.pay = stopping(at, provider.pay)
    elif what == "save":
        attempts.note = stopping(at, attempts.note)  # asking calls it by its module
    elif what == "send":
        attempts.sending = stopping(at, attempts.sending)
    elif what == "refund":
        provider.refund = stopping(at, provider.refund)
    checkout = Checkout(pool, provider, Cards(pool, provider, clock), Basket(), clock, Settings())
    if order.startswith("re"):
        await checkout.refund(order)
    else:
        await checkout.charge(order)
    say("done")
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

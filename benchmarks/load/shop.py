"""Shoppers at an even rate: pages of the API that are read, and whole checkouts, against a running server.

Requests are sent when they are due, whatever comes back, so that a server that falls behind shows it as latency. It runs in a
thread of its own beside the generator of bids, on the generator's core.
"""

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

CONNECTIONS_MAX = 400
"""Requests under way at once; what is due beyond that waits here, and is counted as late."""
ANSWER_MAX_S = 20.0
READS = ("product", "products", "orders", "cart")
CHECKOUT_SHARE = 0.2
"""Of the requests; the rest are reads. A checkout is two steps: into the cart, and the session that orders it and begins to pay."""
ADDRESS = {"name": "Load", "line1": "1 High St", "city": "Town", "country": "US", "postal_code": "12345"}


class Shoppers:
    """One run of so many seconds. `latencies_ms` by kind, once it has ended, of what was due after `warm_s`, in which a server opens its
    connections; `failed` counts answers that were no success, by kind and status, from the beginning.
    """

    def __init__(
        self,
        origin: str,
        tokens: Sequence[str],
        product: Mapping[str, Any],
        rate: float,
        seconds: float,
        warm_s: float,
    ) -> None:
        self.latencies_ms: dict[str, list[float]] = {}
        self.failed: dict[str, int] = {}
        self._origin = f"{origin}/api/v1"
        self._buyers = itertools.cycle(tokens)
        self._product = product
        self._rate = rate
        self._seconds = seconds
        self._warm_s = warm_s
        self._counts_from = 0.0
        self._random = random.Random(5)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(self._seconds + 2 * ANSWER_MAX_S)

    def at(self, quantile: float, *kinds: str) -> float:
        """That quantile, in ms, over all requests of these kinds; NaN without any."""
        found = sorted(each for kind in kinds for each in self.latencies_ms.get(kind, ()))
        return found[int(len(found) * quantile)] if found else float("nan")

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_MAX_S)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            begun, number, running = time.perf_counter(), 0, set[asyncio.Task[None]]()
            self._counts_from = begun + self._warm_s
            # A checkout is two requests, so it comes half as often.
            while (due := number / self._rate) < self._seconds:
                await asyncio.sleep(max(0.0, begun + due - time.perf_counter()))
                checkout = self._random.random() < CHECKOUT_SHARE / (2 - CHECKOUT_SHARE)
                task = asyncio.create_task(
                    self._checkout(session, begun + due) if checkout else self._read(session, begun + due)
                )
                running.add(task)
                task.add_done_callback(running.discard)
                number += 2 if checkout else 1
            await asyncio.gather(*running, return_exceptions=True)

    async def _read(self, session: aiohttp.ClientSession, due: float) -> None:
        kind = self._random.choice(READS)
        path = {
            "product": f"/products/{self._product['id']}",
            "products": "/products?limit=20",
            "orders": "/me/orders",
            "cart": "/me/cart",
        }[kind]
        await self._ask(session, kind, "GET", path, next(self._buyers), due, None)

    async def _checkout(self, session: aiohttp.ClientSession, due: float) -> None:
        buyer = next(self._buyers)
        item = {"variantId": self._product["variants"][0]["id"], "qty": 1}
        if await self._ask(session, "add", "POST", "/me/cart/items", buyer, due, item):
            order = {"seller": self._product["seller"], "new_address": ADDRESS}
            now = time.perf_counter()
            await self._ask(session, "session", "POST", "/checkout/session", buyer, now, order)

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        kind: str,
        method: str,
        path: str,
        token: str,
        due: float,
        body: Mapping[str, Any] | None,
    ) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with session.request(method, self._origin + path, json=body, headers=headers) as answer:
                await answer.read()
                if answer.status >= 400:
                    name = f"{kind} {answer.status}"
                    self.failed[name] = self.failed.get(name, 0) + 1
                    return False
        except (aiohttp.ClientError, TimeoutError) as error:
            name = f"{kind} {type(error).__name__}"
            self.failed[name] = self.failed.get(name, 0) + 1
            return False
        if due >= self._counts_from:
            self.latencies_ms.setdefault(kind, []).append((time.perf_counter() - due) * 1_000)
        return True

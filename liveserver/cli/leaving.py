"""How a node leaves, in steps with limits: it says so, sends its people elsewhere, finishes what was begun, and is gone in time.

Whom to send away in which order is `gateway.drain`'s. What this does not do: stop the engines or the recorder beside the
node, which end after it.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from liveserver.cli.process import Stop
from liveserver.cli.say import EXIT_FAILED
from liveserver.config import Settings
from liveserver.gateway.server import Gateway
from liveserver.kernel.tasks import end
from liveserver.nodes.service import AWAY, Nodes

CLOSING_MS = 2_000
"""Kept of the grace, but never more than a quarter of it, for what comes after the viewers: requests, answers, the record."""
LOOK_S = 0.5
"""Longest that the registry is asked whether there is another node: people are not kept waiting for a slow database."""
HURRY_S = 1.0
"""What each part's closing gets where nothing is left of the grace: enough for what needs nobody else."""
LAST_S = 4.0
"""What a node gets beyond its grace when even the cutting of its parts gets stuck. Then the process ends as if it were killed."""
NAMED_MAX = 20
"""Tasks named in the log line about that."""

log = structlog.get_logger(__name__)


@asynccontextmanager
async def cut_off(stop: Stop, grace_ms: int) -> AsyncGenerator[None]:
    """Around a node that has no parent who would kill it: once it was asked to stop, the process ends in time, whatever the block
    does. Engines and recorder that are its children end when it does, and all that was acknowledged is in the log.
    """
    guarding = asyncio.create_task(_cut_off(stop, grace_ms), name="cut off")
    try:
        yield
    finally:
        await end(guarding)


async def _cut_off(stop: Stop, grace_ms: int) -> None:
    await stop.wait()
    await stop.hurried(stop.left_s(grace_ms))
    await asyncio.sleep(LAST_S)
    stuck = [task.get_name() for task in asyncio.all_tasks()]
    log.error("stopping_cut", grace_ms=grace_ms, tasks=sorted(stuck)[:NAMED_MAX])
    os._exit(EXIT_FAILED)


class Leaving:
    """One node's way out. `stop` says since when, and whether somebody is in a hurry."""

    def __init__(self, settings: Settings, stop: Stop, nodes: Nodes) -> None:
        self.told = asyncio.Event()
        """/readyz fails from here on."""
        self._grace_ms = settings.stop_grace_ms
        self._notice_ms = settings.drain_notice_ms
        self._spread_ms = settings.drain_spread_ms
        self._stop = stop
        self._nodes = nodes

    async def empty(self, gateway: Gateway, close_port: Callable[[], None]) -> None:
        """Says that this node leaves, and sends its people elsewhere.

        Without another node to go to nobody is kept and nothing is spread: the sooner this one is back the better. A node
        that was replaced behind the same port says nothing to load balancers, for that port is served, and gives up its
        share of it first, so that nobody who comes back meets it again.
        """
        stop = self._stop
        stop.ask_once()  # where no signal did: a block was left
        if stop.replaced:
            close_port()
        else:
            self.told.set()
        elsewhere = await self._somewhere_to_go() or stop.replaced
        log.info(
            "leaving",
            connections=gateway.stats.connections,
            other_nodes=elsewhere,
            replaced=stop.replaced,
            grace_ms=self._grace_ms,
        )
        if elsewhere and not stop.replaced and self._notice_ms:
            await stop.hurried(min(self._notice_ms / 1000, stop.left_s(self._grace_ms)))
            # Those who were told to stop together with us have said so meanwhile: nobody is to be sent to them.
            elsewhere = await self._somewhere_to_go()
        left_ms = int(stop.left_s(self._grace_ms) * 1000)
        sent = await gateway.drain(
            max(0, left_ms - min(CLOSING_MS, self._grace_ms // 4)),
            spread_ms=self._spread_ms if elsewhere else 0,
            hold=elsewhere,
            hurry=stop.at_once,
        )
        log.info("drained", watching=sent.watching, bidding=sent.bidding, cut=sent.cut)

    async def within(self, part: str, close: Callable[[], Awaitable[None]]) -> None:
        """Closes a part in what is left of the grace, or in `HURRY_S`; then it is cut, which loses nothing that was acknowledged."""
        closing = asyncio.ensure_future(close())
        hurry = asyncio.create_task(self._stop.at_once.wait())
        limit_s = max(HURRY_S, self._stop.left_s(self._grace_ms))
        try:
            await asyncio.wait({closing, hurry}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if not closing.done() and hurry.done():
                await asyncio.wait({closing}, timeout=HURRY_S)
            if closing.done():
                await closing
                return
            log.warning("closing_cut", part=part)
            closing.cancel()
            await asyncio.wait({closing}, timeout=HURRY_S)
        finally:
            await end(hurry)

    async def _somewhere_to_go(self) -> bool:
        """Whether another serving node lives and stays; yes where PostgreSQL does not say."""
        nodes = self._nodes
        try:
            async with asyncio.timeout(LOOK_S):
                await nodes.say_draining()
                seen = await nodes.alive()
        except AWAY:
            return True
        return any(node.kind == "serving" and not node.draining and node.id != nodes.card.id for node in seen)

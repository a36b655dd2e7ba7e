"""Clocks that are wrong: Valkey's and PostgreSQL's stepped by an hour and back, nodes' off by five seconds."""

import asyncio
import contextlib
import time
from typing import Any

from chaos.crowd import Crowd, until
from chaos.node import Node
from chaos.shims.clock import SteppedClock, environment_off_by, missing
from chaos.table import Bring, Fault
from chaos.world import World
from liveserver.client import LiveClient
from liveserver.rooms import store

HOUR_S = 3_600
OFF_S = 5
APART_MS = 2_000
"""How far a stamp may be from the true time: the second that clocks may be apart, and one for what was under way."""
PAUSED = "paused"


def clock() -> dict[str, str]:
    """The environment of an engine with a clock of its own."""
    return SteppedClock.new().environment


def nodes_off() -> list[dict[str, str]]:
    """Environments of three nodes: one is early, one late, and one right."""
    return [environment_off_by(OFF_S), environment_off_by(-OFF_S), {}]


def one_machine(**more: Any) -> World:
    """A world whose engines and nodes have one clock, as on one machine."""
    shared = clock()
    return World(valkey_environment=shared, postgres_environment=shared, environment=shared, **more)


async def all_clocks_stepped(world: World, crowd: Crowd, lasts_s: float) -> None:
    """An hour ahead and put right: three clocks that agree are no proof when they are one."""
    stepped = SteppedClock.of(world.engines.valkey.environment)
    stepped.step(HOUR_S)
    await _nothing_moves(world, crowd, lasts_s)
    stepped.step(0)


async def valkey_clock_stepped(world: World, crowd: Crowd, lasts_s: float) -> None:
    """By an hour ahead and put right; then back by an hour and put right. A node is started in each."""
    stepped = SteppedClock.of(world.engines.valkey.environment)
    late = world.nodes[-1]
    for step_s in (HOUR_S, -HOUR_S):
        await late.kill()
        stepped.step(step_s)
        await _nothing_moves(world, crowd, lasts_s, late)
        await _stamps_are_true(world, crowd)
        stepped.step(0)
        if step_s > 0:
            await crowd.first_acknowledged_after(time.monotonic())


async def postgres_clock_stepped(world: World, crowd: Crowd, lasts_s: float) -> None:
    """An hour ahead, put right, back by an hour, put right: it stamps nothing that matters to a show."""
    stepped = SteppedClock.of(world.engines.postgres.environment)
    for step_s in (HOUR_S, 0, -HOUR_S, 0):
        stepped.step(step_s)
        await crowd.first_acknowledged_after(time.monotonic())
        await asyncio.sleep(lasts_s / 4)
    assert not crowd.refusals()[PAUSED], "two of three agree"
    await _stamps_are_true(world, crowd)


async def node_clocks_off(world: World, crowd: Crowd, lasts_s: float) -> None:
    """Two of three nodes were started with a wrong clock, and keep it."""
    await asyncio.sleep(lasts_s)
    assert not crowd.refusals()[PAUSED], "no node's own clock counts"
    await _stamps_are_true(world, crowd)


async def _nothing_moves(world: World, crowd: Crowd, lasts_s: float, late: Node | None = None) -> None:
    """Watches, from the first refusal on: nothing is taken, and time brings nothing. `late` is started meanwhile."""
    before = crowd.refusals()[PAUSED]
    await until(lambda: crowd.refusals()[PAUSED] > before)
    promised, at = len(crowd.acknowledged), await _last_entry(world, crowd)
    if late is not None:
        await late.start()
        await _knock(late, crowd.show, lasts_s)
    else:
        await asyncio.sleep(lasts_s)
    assert len(crowd.acknowledged) == promised, "nothing is taken while the time is in dispute"
    assert await _last_entry(world, crowd) == at, "no lot ends, nobody buys"


async def _knock(node: Node, show: str, lasts_s: float) -> None:
    """Somebody wants in where nobody is yet: the node opens the show, or can't."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(lasts_s), LiveClient(node.socket_url) as client:
            await client.join(show)
            await asyncio.sleep(lasts_s)


async def _last_entry(world: World, crowd: Crowd) -> Any:
    return await world.redis_admin("HGET", f"ls:{{{crowd.show}}}:meta", "seq")


async def _stamps_are_true(world: World, crowd: Crowd) -> None:
    """Nothing in the record is stamped before the show began, or after now."""
    pool = await world.pool()
    entries = await store.entries_after(pool, crowd.show, 0)
    assert entries, "the show has begun"
    newest = await pool.fetchval("SELECT max(ts) FROM log_entries WHERE show = $1", crowd.show)
    now_ms = time.time() * 1000
    began_ms = now_ms - (time.monotonic() - crowd.began_s) * 1000
    assert entries[0].ts <= began_ms + APART_MS, "an entry is stamped before its time"
    assert newest <= now_ms + APART_MS, "an entry is stamped with a time that has not come"


def _fault(name: str, rows: tuple[int, ...], people_see: str, bring: Bring, **more: Any) -> Fault:
    return Fault(name, rows, people_see, bring, missing=missing, **more)


FAULTS = (
    _fault(
        "valkey-clock-stepped",
        (16, 17),
        "Lots are paused: commands are answered `paused` until the clock is right. No lot ends.",
        valkey_clock_stepped,
        lasts_s=(0.5, 30),
        world={"valkey_environment": clock},
        refused=frozenset({PAUSED}),
    ),
    _fault(
        "all-clocks-stepped",
        (16, 17),
        "As above: what one machine says three times is no majority.",
        all_clocks_stepped,
        lasts_s=(2, 30),
        stage=one_machine,
        refused=frozenset({PAUSED}),
    ),
    _fault(
        "postgres-clock-stepped",
        (17,),
        "Nothing.",
        postgres_clock_stepped,
        world={"postgres_environment": clock},
    ),
    _fault(
        "node-clocks-off",
        (19,),
        "Nothing: a node's own time of day counts for no bid.",
        node_clocks_off,
        world={"nodes": 3, "node_environments": nodes_off},
    ),
)

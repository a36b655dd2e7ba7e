"""`liveserver cluster`: what a deployment of many machines is, on one: a Valkey cluster, PostgreSQL, several nodes, one address.

For trying out, for tests and for measuring. It is no way to survive this machine: everything is on it (docs/operating/deployment.md).
"""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from liveserver.accounts.service import Accounts
from liveserver.catalog.service import Catalog
from liveserver.checkout.model import Cards, Till
from liveserver.cli.children import START_MAX_S, Child, Orders
from liveserver.cli.compose import prepare_database
from liveserver.cli.demo import Evening, invite, show_time
from liveserver.cli.front import Front
from liveserver.cli.lifetime import say_ready, until_stopped
from liveserver.cli.node import NAME, node
from liveserver.cli.paying import paying_of
from liveserver.cli.ports import listen
from liveserver.cli.process import Stop, prepare_process, run_in_loop, stop_signals
from liveserver.cli.recorder import Beside, recorder_of
from liveserver.cli.say import EXIT_FAILED, fail, progress, warn
from liveserver.cli.workers import Workers
from liveserver.config import Loaded, Settings, load
from liveserver.config.settings import is_loopback
from liveserver.demo import seed
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines import Engines, default_data_dir
from liveserver.infra.engines.cluster import ClusterEngines, embedded_cluster
from liveserver.kernel.clock import Clock, SystemClock
from liveserver.kernel.errors import Mendable
from liveserver.kernel.tasks import end
from liveserver.shows.service import Shows

NODES_MAX = 32
"""More nodes than any one machine has use for."""


@dataclass(frozen=True)
class Shape:
    """How many of what, and whether a show runs in it."""

    nodes: int
    shards: int
    replicas: int
    demo: bool = False
    seed: int = 1
    bots: int = 12


def run(flags: Mapping[str, Any], shape: Shape) -> None:
    """Runs the cluster until stopped. Raises Problem or Mendable when it can't start."""
    loaded = load(flags)
    settings = cluster_settings(loaded, shape)
    prepare_process(settings, node="front")
    for stray in loaded.unknown:
        warn(str(stray))
    sys.exit(run_in_loop(_cluster(settings, shape)))


def cluster_settings(loaded: Loaded, shape: Shape) -> Settings:
    """The settings that all nodes share; the port is the front's. Raises Mendable for what a cluster on one machine can't have."""
    settings = loaded.settings
    if not is_loopback(settings.host):
        raise Mendable(
            "A cluster on one machine is for that machine: to its nodes everybody who comes through the front is local",
            f"LIVESERVER_HOST {settings.host}",
            "Leave it away here; docs/operating/deployment.md says how nodes on several machines serve a network.",
        )
    if settings.database_url or settings.redis_url:
        raise Mendable(
            "A cluster on one machine brings its own PostgreSQL and Valkey cluster",
            "LIVESERVER_DATABASE_URL, LIVESERVER_REDIS_URL",
            "Unset them, or start `liveserver serve` with them, as often as nodes are wanted.",
        )
    changes: dict[str, Any] = {"workers": shape.nodes}
    if not settings.data_dir:
        changes["data_dir"] = str(cluster_data_dir(demo=shape.demo))
    if loaded.sources["redis_replicas"].kind == "default":
        # Replicas that nobody waits for would lose acknowledged bids when their primary dies.
        changes["redis_replicas"] = shape.replicas
    if settings.redis_replicas > shape.replicas:
        raise Mendable(
            f"Bids would wait for {settings.redis_replicas} replicas of each shard, and there will be {shape.replicas}",
            str(loaded.sources["redis_replicas"]),
            f"Start with --replicas {settings.redis_replicas}, or unset it.",
        )
    if shape.demo and loaded.sources["log_level"].kind == "default":
        changes["log_level"] = "warning"
    return replace(settings, **changes)


def cluster_data_dir(*, demo: bool) -> Path:
    """Beside the data of `serve` and of `demo`, never in it."""
    real = default_data_dir()
    return real.with_name(f"{real.name}-cluster{'-demo' if demo else ''}")


async def _cluster(settings: Settings, shape: Shape) -> int:
    """Everything in order; the exit code. What was started first is stopped last: engines."""
    async with stop_signals(rolls=True) as stop:
        with listen(settings.host, settings.port) as listener, ExitStack() as held:
            front_port = int(listener.getsockname()[1])
            ports = [
                held.enter_context(reserved(settings.host, settings.port + number if settings.port else 0))
                for number in range(1, shape.nodes + 1)
            ]
            addresses = [(settings.host, int(kept.getsockname()[1])) for kept in ports]
            # Nodes call themselves what people call the front: pages, cookies and origins are then the same on all.
            settings = replace(settings, public_url=settings.origin(front_port))
            progress(f"starting PostgreSQL and {_valkeys(shape)} in {settings.data_dir}")
            async with (
                embedded_cluster(
                    Path(settings.data_dir),
                    shards=shape.shards,
                    replicas=shape.replicas,
                    on_progress=progress,
                ) as engines,
                _front(addresses) as front,
            ):
                await prepare_database(engines, progress)
                async with (
                    recorder_of(settings, engines, stop) as recorder,
                    _nodes(settings, engines, recorder, addresses, stop) as came_up,
                ):
                    if not came_up:
                        return 0 if stop.is_set() else EXIT_FAILED
                    try:
                        await front.start(listener)
                        _say_parts(engines, addresses)
                        return await _until_the_end(settings, engines, shape, stop)
                    finally:
                        front.stop_accepting()


def reserved(host: str, port: int) -> socket.socket:
    """A port kept for a node and its successors, the wished one if it is free: bound here and never listened on (SO_REUSEPORT),
    so that while a node is dead nothing else on this machine gets its port."""
    kept = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Without SO_REUSEADDR, which would let others listen here while nobody does.
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        kept.bind((host.strip("[]"), port))
    except OSError:
        kept.bind((host.strip("[]"), 0))
    return kept


@asynccontextmanager
async def _nodes(
    settings: Settings, engines: Engines, recorder: Beside, addresses: list[tuple[str, int]], stop: Stop
) -> AsyncGenerator[bool]:
    """Keeps the nodes while the block runs; False when they did not come up (or were not to, any more)."""

    def make(orders: Orders) -> Child:
        _, port = addresses[orders.number - 1]
        own = replace(orders.settings, port=port, workers=1)
        return node(msgspec.structs.replace(orders, settings=own))

    nodes = Workers(settings, engines, recorder, make, NAME)
    starting = asyncio.create_task(nodes.start(), name="nodes")
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopped}, timeout=START_MAX_S, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            stop.on_hangup = nodes.roll
        elif not stop.is_set():
            fail(
                f"Not all nodes came up within {START_MAX_S:.0f} s",
                "their last lines are above",
                "Mend the cause they name and start the cluster again.",
            )
        yield starting.done() and not starting.exception()
    finally:
        await end(starting, stopped)
        await nodes.aclose(stop)


@asynccontextmanager
async def _front(addresses: list[tuple[str, int]]) -> AsyncGenerator[Front]:
    """The front, not started yet. It outlives the nodes, for their goodbyes go through it."""
    front = Front(addresses)
    try:
        yield front
    finally:
        await front.aclose()


def _say_parts(engines: ClusterEngines, addresses: list[tuple[str, int]]) -> None:
    for member, engine in engines.members:
        kind = f"replica {member.replica}" if member.replica else "primary"
        progress(f"{f'Valkey shard {member.shard + 1} {kind}':<26} 127.0.0.1:{member.port}, pid {engine.pid}")
    for number, (host, port) in enumerate(addresses, start=1):
        progress(f"{f'{NAME} {number}':<26} http://{host}:{port}")


def _valkeys(shape: Shape) -> str:
    return f"a Valkey cluster of {shape.shards} shards" + (
        f" with {shape.replicas} replica{'' if shape.replicas == 1 else 's'} each" if shape.replicas else ""
    )


@dataclass(frozen=True)
class _Records:
    """What the demo is built from: here the front's process, which is no node, writes the records."""

    accounts: Accounts
    catalog: Catalog
    shows: Shows
    clock: Clock
    pool: Pool
    cards: Cards | None
    till: Till | None


async def _until_the_end(settings: Settings, engines: Engines, shape: Shape, stop: Stop) -> int:
    if not shape.demo:
        say_ready(settings.origin())
        return await until_stopped(engines, stop)
    pool = await open_pool(engines.database_url, connections_max=settings.database_pool_max)
    clock = SystemClock()
    paying = paying_of(settings, pool, clock)
    try:
        records = _Records(
            Accounts(pool, clock, settings),
            Catalog(pool, clock),
            Shows(pool, clock),
            clock,
            pool,
            paying.cards,
            paying.till,
        )
        seeded = await seed(records, loopback=True)
        invite(settings.origin(), seeded, shape.bots)
        evening = Evening(settings.origin(), records, seeded, shape.seed, shape.bots)
        return await show_time(evening, engines, stop)
    finally:
        await paying.aclose()
        await pool.close()

"""The composition root: makes one node of all parts, in order, and takes it apart in the opposite order.

It is the only place that knows every part. It starts no engines (`serve`, `demo` do) and knows no signals.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from liveserver.accounts.service import Accounts
from liveserver.catalog.service import Catalog
from liveserver.cli.agreement import Agreement
from liveserver.cli.features import FEATURES, projectors, routes, stakes
from liveserver.cli.leaving import Leaving
from liveserver.cli.numbers import Jobs, Parts, read_numbers
from liveserver.cli.parts import started, storage
from liveserver.cli.paying import paying_of
from liveserver.cli.ports import BACKLOG_MAX
from liveserver.cli.process import Stop
from liveserver.cli.relay import Heard
from liveserver.cli.scrape import Scrape
from liveserver.cli.selling import gate_of
from liveserver.cli.told import teller
from liveserver.cli.work import working
from liveserver.config import Settings
from liveserver.gateway.limits import Limits
from liveserver.gateway.server import Gateway
from liveserver.infra.engines import Engines
from liveserver.infra.garbage import Pauses, rare_collections
from liveserver.infra.migrations import migrate
from liveserver.infra.telemetry import Metrics, name_node
from liveserver.infra.tracing import tracing
from liveserver.infra.watch import Watch, engines_of
from liveserver.jobs.look import QueueWatch
from liveserver.jobs.worker import Worker
from liveserver.kernel.clock import Clock, SystemClock
from liveserver.payouts.watch import BooksWatch
from liveserver.presence.service import Presence
from liveserver.rooms.hub import Hub
from liveserver.sales.notices import OrderNotices
from liveserver.shows.service import Shows
from storefront.app import build_app
from storefront.services import Services

HTTP_IDLE_S = 75.0
"""How long an HTTP connection is kept without a request: longer than proxies keep theirs (60 s), and not aiohttp's hour."""
HTTP_SHUTDOWN_S = 5.0
"""Longest wait for HTTP requests that are being answered when we stop."""


@dataclass(frozen=True)
class Node:
    """A running node, for those who add something to it (the demo, tests)."""

    settings: Settings
    origin: str
    """Where browsers reach it; with the port that was really bound."""
    services: Services
    hub: Hub
    gateway: Gateway


async def prepare_database(engines: Engines, on_progress: Callable[[str], None]) -> None:
    """Brings the tables to this release, once for all nodes that this process starts. Raises Mendable."""
    applied = await migrate(engines.database_url)
    if applied:
        on_progress(f"database: {len(applied)} migration{'' if len(applied) == 1 else 's'} applied")


@asynccontextmanager
async def running_node(
    settings: Settings,
    engines: Engines,
    listener: socket.socket,
    *,
    clock: Clock | None = None,
    recorder: str = "",
    stop: Stop | None = None,
    scrape: Scrape | None = None,
) -> AsyncGenerator[Node]:
    """A node that serves on `listener` while the block runs. Raises Mendable when a part can't start. `recorder` names the
    recorder process beside it whose numbers are told with its own.

    Leaving the block says goodbye to viewers first, then lets requests end, then records what is left, then closes; `stop`
    says since when that may take `stop_grace_ms`, and whether it has to be quick.
    """
    clock = clock or SystemClock()
    origin = settings.origin(int(listener.getsockname()[1]))
    async with storage(settings, engines) as (pool, shards):
        accounts, catalog, shows = Accounts(pool, clock, settings), Catalog(pool, clock), Shows(pool, clock)
        hub = Hub(
            pool,
            shards,
            shows,
            FEATURES,
            projectors(settings),
            clock,
            unrecorded_max=settings.unrecorded_max,
            replicas=settings.redis_replicas,
            origin=origin,
        )
        heard = Heard(shards, recorder)
        messages = routes(settings)
        presence = Presence(shards, hub.node, clock)
        paying = paying_of(settings, pool, clock)
        notices, gate = OrderNotices(pool), gate_of(settings, pool, clock, paying.cards)
        notices.on_changed(lambda notice: gate.forget(notice.buyer))
        notices.on_card(gate.forget)
        notices.on_missed(gate.forget_all)
        gateway = Gateway(
            hub=hub,
            accounts=accounts,
            shows=shows,
            catalog=catalog,
            presence=presence,
            routes=messages,
            limits=Limits.of(settings),
            clock=clock,
            origins=settings.origins,
            secure=settings.secure,
            stakes=stakes,
            gate=gate,
            orders=notices,
        )
        metrics = Metrics()
        scrape = scrape or Scrape()
        watch = Watch(engines_of(pool, shards), clock)
        leaving = Leaving(settings, stop or Stop(), hub.nodes)
        services = Services(
            settings=settings,
            pool=pool,
            clock=clock,
            accounts=accounts,
            catalog=catalog,
            shows=shows,
            hub=hub,
            nodes=hub.nodes,
            presence=presence,
            features=FEATURES,
            routes={route.type: route for route in messages},
            gate=gate,
            checkout=paying.checkout,
            cards=paying.cards,
            inbox=paying.inbox,
            till=paying.till,
            money=paying.money,
            metrics=metrics,
            asyncapi=gateway.asyncapi(origin),
            draining=leaving.told.is_set,
            scrape=scrape.text,
            engines=watch.engines,
        )
        pauses = Pauses()
        queue, here = QueueWatch(pool), list[Worker]()
        books = BooksWatch(pool)
        jobs = Jobs(queue, lambda: here[0].counts if here else heard.jobs)
        read_numbers(
            metrics,
            Parts(gateway.stats, hub, hub.nodes, pool, heard, pauses, watch, gateway.viewers, jobs, books),
        )
        scrape.of(metrics)
        name_node(hub.node)
        agreement = Agreement(settings, hub.nodes)
        hub.nodes.tell(
            agreement.told_with(teller(hub, watch, lambda: gateway.stats.connections, gateway.viewers))
        )
        hub.nodes.on_beat(agreement.look)
        # Parts are started in this order and closed in the opposite one, also when one of them can't start.
        async with (
            tracing(settings.tracing_endpoint, settings.tracing_percent, hub.node),
            aclosing(paying),
            started(watch.start, watch.aclose),
            started(scrape.start, scrape.aclose),
            started(accounts.start, partial(leaving.within, "accounts", accounts.aclose)),
            started(hub.start, partial(leaving.within, "rooms", hub.aclose)),
            started(presence.start, partial(leaving.within, "presence", presence.aclose)),
            started(heard.start, heard.aclose),
            started(notices.start, partial(leaving.within, "notices", notices.aclose)),
            started(queue.start, queue.aclose),
            started(books.start, books.aclose),
            working(settings, engines, clock) if settings.recorder == "inside" else nullcontext() as worker,
        ):
            if worker is not None:
                here.append(worker)
            app = build_app(services)
            gateway.install(app)
            async with _serving(app, gateway, listener, leaving, settings.stop_grace_ms):
                with rare_collections(pauses):
                    yield Node(settings, origin, services, hub, gateway)


@asynccontextmanager
async def _serving(
    app: web.Application,
    gateway: Gateway,
    listener: socket.socket,
    leaving: Leaving,
    grace_ms: int,
) -> AsyncGenerator[None]:
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        shutdown_timeout=min(HTTP_SHUTDOWN_S, grace_ms / 1000),
        keepalive_timeout=HTTP_IDLE_S,
    )
    await runner.setup()
    handler = runner.server
    assert handler is not None, "a runner that is set up has its server"
    gateway.start()
    # Said again: the loop calls listen() itself, and its own default of 100 makes a rush of viewers wait a second each.
    server = await asyncio.get_running_loop().create_server(
        gateway.protocol_factory(handler), sock=listener, backlog=BACKLOG_MAX
    )
    try:
        yield
    finally:
        # Proxies are told first (/readyz), viewers next; who connects meanwhile is sent elsewhere.
        await leaving.empty(gateway, server.close)
        server.close()
        await leaving.within("requests", runner.cleanup)
        await gateway.aclose()

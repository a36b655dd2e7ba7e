"""The gateway put together: one object that the composition root makes, starts, gives a port to, drains and closes.

It owns the connections of this node and nothing else: rooms are the hub's, people the accounts'.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
from aiohttp import web
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars, bound_contextvars

from liveserver.catalog.service import Catalog
from liveserver.gateway import closecodes, handover
from liveserver.gateway.asyncapi import asyncapi
from liveserver.gateway.closecodes import CloseCode
from liveserver.gateway.codecs import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Codec, Inbound
from liveserver.gateway.connection import Connection
from liveserver.gateway.drain import TOLD_MS, Drain, Orders, Sent, Stakes, no_stakes
from liveserver.gateway.fanout import Services
from liveserver.gateway.frontdoor import FrontDoor, HttpHandler
from liveserver.gateway.handshake import Site
from liveserver.gateway.heartbeat import TICK_MS, Wheel
from liveserver.gateway.joins import Joins
from liveserver.gateway.limits import CLOSE_GRACE_MS, Limits
from liveserver.gateway.ordernews import OrderNews
from liveserver.gateway.ports import Hub, OrderBook, People, Presence
from liveserver.gateway.routing import Router
from liveserver.gateway.session import Sessions
from liveserver.gateway.showrooms import ShowRooms
from liveserver.gateway.stats import Stats
from liveserver.infra.database import AWAY
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import UNAVAILABLE
from liveserver.rooms.edge import OPEN, Gate, Route
from liveserver.rooms.hub import RoomUnavailable, RoomUnreadable
from liveserver.shows.service import Shows

REFRESH_MS = 5_000
"""How often records of shows with viewers are read again: a new moderator waits no longer than this."""
HANG_UP_LOOK_S = 0.05
"""How often a node that leaves looks whether those it sent away have hung up."""

_log = logging.getLogger(__name__)


class Gateway:
    """The WebSocket edge of one node. `start` before the first connection, then `drain` and `aclose`."""

    def __init__(
        self,
        *,
        hub: Hub,
        accounts: People,
        shows: Shows,
        catalog: Catalog,
        presence: Presence,
        routes: Sequence[Route],
        limits: Limits,
        clock: Clock,
        origins: Sequence[str] = (),
        secure: bool = False,
        stakes: Stakes = no_stakes,
        gate: Gate = OPEN,
        orders: OrderBook | None = None,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.stats = Stats()
        self.site = Site(frozenset(origins), secure)
        self.wheel = Wheel(clock.monotonic_ms())
        self.routes = tuple(routes)
        inbound = Inbound(self.routes)
        self.codecs = {name: Codec(name, inbound) for name in (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL)}
        self.sessions = Sessions(accounts, limits, clock)
        self.rooms = ShowRooms(
            hub, Services(catalog, shows, presence, clock, limits, self.stats, hub.offers, gate)
        )
        self._router = Router(self, inbound, self.routes)
        self.joins = Joins(limits, clock, self._admitted)
        self._connections: dict[Connection, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._stakes = stakes
        self._refusal: CloseCode | None = None
        """Why no connection is taken any more."""
        self._rechecked_ms = self._refreshed_ms = clock.monotonic_ms()
        self._tending: asyncio.Task[None] | None = None
        presence.on_state(self._on_state)
        self._news: OrderNews | None = None
        if orders is not None:
            self._news = OrderNews(orders.read, self.sessions.of_user, clock)
            orders.on_changed(self._news.changed)

    # Life

    def start(self) -> None:
        """Begins turning the wheel; call inside the running loop."""
        self._tick()

    def protocol_factory(self, http_handler: Callable[[], HttpHandler]) -> Callable[[], FrontDoor]:
        """What `loop.create_server` takes. `http_handler` is aiohttp's `AppRunner.server`."""
        return lambda: FrontDoor(self, http_handler)

    def install(self, app: web.Application) -> None:
        """Adds the gateway's `/ws` route and its guards to the HTTP application, before that is started."""
        handover.install(app)

    def asyncapi(self, server_url: str = "") -> dict[str, Any]:
        """The machine-readable description of the WebSocket, for /asyncapi.json."""
        return asyncapi(self.routes, self.limits, server_url)

    async def drain(
        self,
        grace_ms: int = 5_000,
        *,
        spread_ms: int = 0,
        hold: bool = True,
        hurry: asyncio.Event | None = None,
    ) -> Sent:
        """Refuses new connections and joins, and sends everybody elsewhere as `drain` says; returns when all were sent away and
        have hung up, or after `grace_ms` and a moment for the latter. `hurry` ends the waiting.

        With a `spread_ms` people go one after the other and come back at once; without, all go at once and are told to
        spread over `reconnect_spread_ms`.
        """
        told_ms = (
            min(TOLD_MS, self.limits.reconnect_spread_ms) if spread_ms else self.limits.reconnect_spread_ms
        )
        orders = Orders(grace_ms=grace_ms, spread_ms=spread_ms, told_ms=told_ms, hold=hold)
        self.refuse(told_ms)
        drain = Drain(
            self._connections,
            self.rooms,
            self._stakes,
            self.clock,
            self.stats,
            orders,
            hurry or asyncio.Event(),
        )
        sent = await drain.run()
        until_ms = self.clock.monotonic_ms() + CLOSE_GRACE_MS
        while len(self.wheel) and self.clock.monotonic_ms() < until_ms:  # noqa: ASYNC110  # a second at most, at the very end
            await asyncio.sleep(HANG_UP_LOOK_S)
        return sent

    def refuse(self, told_ms: int) -> None:
        """Takes no new connections and joins: they are sent elsewhere, and told to spread over `told_ms`."""
        self._refusal = msgspec.structs.replace(closecodes.DRAINING, spread_ms=told_ms)
        self.stats.draining = True
        self.joins.refuse(self._refusal)

    async def aclose(self) -> None:
        """Cuts what is left and stops. The hub, presence and accounts are closed by who made them."""
        self.refuse(self.limits.reconnect_spread_ms)
        if self._timer is not None:
            self._timer.cancel()
        self.joins.close()
        for connection in tuple(self._connections):
            connection.abort()
        tasks = [*self._tasks, *([self._tending] if self._tending is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._news is not None:
            await self._news.aclose()
        await self.rooms.aclose()

    def viewers(self) -> dict[str, int]:
        """Viewers on this node, by show."""
        return {room.record.id: len(room.members) for room in self.rooms}

    # What connections call

    def opened(self, connection: Connection) -> CloseCode | None:
        """A handshake was done. Gives the code to close with if this node takes nobody, or no more."""
        if self._refusal is not None:
            return self._refusal
        if len(self._connections) >= self.limits.connections_max:
            return closecodes.FULL
        self._connections[connection] = None
        self.stats.accepted += 1
        self.stats.connections = len(self._connections)
        return None

    def lost(self, connection: Connection) -> None:
        """A connection closes: it hears and counts no more. Called once for each."""
        if self._connections.pop(connection, 0) is None:
            self.stats.connections = len(self._connections)
        for member in tuple(connection.rooms.values()):
            member.room.leave(connection)
        self.sessions.lost(connection)

    def received(self, connection: Connection, data: bytes) -> None:
        """A whole message came in."""
        try:
            self._router.received(connection, data)
        except Exception:  # noqa: BLE001  # one message's failure must not take the other viewers' socket loop along
            with bound_contextvars(**_who(connection)):
                _log.exception("message_failed")
            connection.fail_internally()

    def _admitted(self, connection: Connection, message: Any) -> None:
        """A join that waited in line: handled like a message just received."""
        try:
            connection.unhold()
            self._router.admitted(connection, message)
        except Exception:  # noqa: BLE001  # as above
            with bound_contextvars(**_who(connection)):
                _log.exception("join_failed")
            connection.fail_internally()
        connection.resume()

    def spawn(self, connection: Connection, message_id: str, work: Coroutine[Any, Any, None]) -> None:
        """Does something that waits, holding the connection's later messages until it is done."""
        connection.hold()
        task = asyncio.create_task(self._work(connection, message_id, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, connection: Connection, message_id: str, work: Coroutine[Any, Any, None]) -> None:
        bind_contextvars(**_who(connection))  # of this task, and of nothing that lives longer
        try:
            await work
        except RoomUnreadable as failure:
            _log.warning("show_not_followed", extra={"error": str(failure)})
            connection.close(closecodes.ELSEWHERE)
        except (*AWAY, RedisError, RoomUnavailable) as failure:
            _log.warning("message_refused", extra={"error": repr(failure)})
            connection.error(message_id, UNAVAILABLE)
        except Exception:  # noqa: BLE001  # logged here, since nobody awaits this task
            _log.exception("message_failed")
            connection.fail_internally()
        finally:
            connection.unhold()
            connection.resume()

    # Housekeeping

    def _on_state(self, show: str, kind: str, payload: dict[str, Any]) -> None:
        room = self.rooms.here(show)
        if room is not None and room.members:
            room.on_state(kind, payload)

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_MS / 1000, self._tick)
        now_ms = self.clock.monotonic_ms()
        self.wheel.turn(now_ms)
        if self._tending is None or self._tending.done():
            recheck = now_ms - self._rechecked_ms >= self.limits.recheck_ms
            refresh = now_ms - self._refreshed_ms >= REFRESH_MS
            if recheck or refresh or self.sessions.stale:
                self._rechecked_ms = now_ms if recheck else self._rechecked_ms
                self._refreshed_ms = now_ms if refresh else self._refreshed_ms
                self._tending = asyncio.create_task(self._tend(recheck, refresh))

    async def _tend(self, recheck: bool, refresh: bool) -> None:
        try:
            await self.sessions.reassess()
            if recheck:
                await self.sessions.recheck()
            if refresh:
                await self.rooms.refresh()
        except (*AWAY, RedisError):
            _log.info("sessions_checked_later")  # whose absence it is, is told elsewhere
        except Exception:  # noqa: BLE001  # a mistake of ours must not end the care for all sessions
            _log.exception("sessions_not_checked")


def _who(connection: Connection) -> dict[str, str]:
    """For log lines: whose connection it is, and in which shows. Ids only."""
    who = {"user": connection.identity.id} if connection.identity is not None else {}
    return {**who, "show": " ".join(connection.rooms)} if connection.rooms else who

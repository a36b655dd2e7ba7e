"""What the HTTP side is built from: everything it needs, handed in once by the composition root.

There are no globals: two applications with different services may run in one process, as tests do.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
from aiohttp import web

from liveserver.accounts.service import Accounts
from liveserver.catalog.service import Catalog
from liveserver.checkout.model import Cards, Inbox, Till
from liveserver.checkout.service import Checkout
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.infra.telemetry import Metrics
from liveserver.infra.watch import EngineSeen
from liveserver.kernel.clock import Clock
from liveserver.nodes.service import Nodes
from liveserver.payouts.upkeep import MoneyOut
from liveserver.rooms.edge import OPEN, Gate, Route
from liveserver.rooms.model import Command, Feature, Verdict, Viewer
from liveserver.rooms.offers import Offers
from liveserver.shows.service import Shows


class Answer(Protocol):
    """What the log made of a command; see `liveserver.rooms`."""

    @property
    def seq(self) -> int: ...
    @property
    def ts(self) -> int: ...
    @property
    def verdict(self) -> Verdict: ...


class Joined(Protocol):
    """What a viewer gets at the door."""

    @property
    def epoch(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def snapshot(self) -> dict[str, Any] | None: ...
    @property
    def you(self) -> dict[str, Any]: ...


class LiveRoom(Protocol):
    """What pages and API need of a live room."""

    @property
    def epoch(self) -> int: ...
    @property
    def seq(self) -> int: ...
    def server_now(self) -> int: ...
    def join(self, viewer: Viewer, after: tuple[int, int] | None = None) -> Joined: ...
    async def ask(self, command: Command) -> Answer: ...


class Hub(Protocol):
    """Gives live rooms; raises `NoShow` or `RoomUnavailable` (`liveserver.rooms.hub`)."""

    async def open(self, show: str) -> LiveRoom: ...
    @property
    def offers(self) -> Offers:
        """What all living processes can decide."""
        ...

    @property
    def outdated(self) -> bool:
        """Whether there is a show that this process can't follow while a newer one beside it can."""
        ...


class Presence(Protocol):
    """Who watches."""

    def count(self, show: str) -> int:
        """Viewers of a show over all nodes, as last heard."""
        ...


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """See `build_app`."""

    settings: Settings
    pool: Pool
    clock: Clock
    accounts: Accounts
    catalog: Catalog
    shows: Shows
    hub: Hub
    nodes: Nodes
    """The registry of living server processes."""
    presence: Presence
    features: tuple[Feature, ...]
    """For catch-up from the record."""
    routes: Mapping[str, Route]
    """The features' wire messages by type: HTTP acts on rooms through the same ones as the gateway."""
    metrics: Metrics
    gate: Gate = OPEN
    """Who may bid and buy in shows."""
    checkout: Checkout | None = None
    """Payments; None: this server takes none."""
    cards: Cards | None = None
    """Saved cards."""
    inbox: Inbox | None = None
    """Where the payment provider's messages go."""
    till: Till | None = None
    """The test provider's card form, which is our own; None for a real provider."""
    money: MoneyOut | None = None
    """Sellers' balances, payouts, the comparison of the books; None: this server handles no money."""
    asyncapi: Mapping[str, Any] | None = None
    """The gateway's description, served as /asyncapi.json."""
    scrape: Callable[[], Awaitable[bytes]] | None = None
    """What /metrics says, where other processes share the port; None: `metrics` alone."""
    engines: Mapping[str, EngineSeen] = msgspec.field(default_factory=dict[str, EngineSeen])
    """PostgreSQL and Redis as this process finds them."""
    draining: Callable[[], bool] = bool
    """True once the server is stopping: /readyz says so, and proxies send people elsewhere."""


SERVICES = web.AppKey("services", Services)


def services_of(request: web.Request) -> Services:
    """The services of the application that this request came to."""
    return request.app[SERVICES]

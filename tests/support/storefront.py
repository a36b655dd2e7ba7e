"""A storefront on real engines for tests: people with browsers and tokens, shows with real rooms."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer

from liveserver.accounts.model import Account, Identity, identity_of
from liveserver.accounts.service import Accounts
from liveserver.catalog.model import Product, ProductDraft
from liveserver.catalog.service import Catalog
from liveserver.cli.features import FEATURES, routes
from liveserver.cli.paying import paying_of
from liveserver.config import Settings
from liveserver.infra.database import Pool
from liveserver.infra.shards import Shards
from liveserver.infra.telemetry import Metrics
from liveserver.kernel.clock import SystemClock
from liveserver.presence.service import Presence
from liveserver.rooms.hub import Hub
from liveserver.shows.model import LotDraft, QueuedLot, Show, ShowDraft
from liveserver.shows.service import Shows
from storefront.services import Services

PASSWORD = "ferry-lantern-oak"
SETTINGS = Settings(password_memory_kib=8_192, metrics_token="tests-may-look").without_rates()


@dataclass
class Person:
    """Somebody with an account: a browser with a session, and a bearer token."""

    account: Account
    token: str
    browser: TestClient
    csrf: str

    @property
    def id(self) -> str:
        return self.account.id

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def identity(self) -> Identity:
        return identity_of(self.account)

    async def api(self, method: str, path: str, **options: Any) -> ClientResponse:
        """A call with the bearer token."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.browser.request(method, f"/api/v1{path}", headers=headers, **options)

    async def post(self, path: str, fields: dict[str, Any] | None = None, **options: Any) -> ClientResponse:
        """A form of ours, sent by a browser."""
        data = {"csrf": self.csrf, **(fields or {})}
        headers = {"Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        return await self.browser.post(path, data=data, headers=headers, allow_redirects=False, **options)


class Shop:
    """The storefront, and what tests put into it."""

    def __init__(self, services: Services, server: TestServer) -> None:
        self.services = services
        self.server = server
        self._clients: list[TestClient] = []
        self._numbers = 0

    def browser(self) -> TestClient:
        """A browser without any cookie."""
        client = TestClient(self.server, cookie_jar=CookieJar(unsafe=True))
        self._clients.append(client)
        return client

    async def person(self, name: str, role: str = "viewer") -> Person:
        accounts = self.services.accounts
        self._numbers += 1
        email = f"{name.lower().replace(' ', '.')}{self._numbers}@example.com"
        made = await accounts.register(name, email, PASSWORD)
        assert isinstance(made, Account), made
        if role != "viewer":
            await accounts.set_role(made.id, role)  # type: ignore[arg-type] # roles of tests are roles
        return await self._signed_in(email)

    async def signed_in_again(self, person: Person) -> Person:
        """The same person with a new session, as their account is now."""
        return await self._signed_in(person.account.email)

    async def _signed_in(self, email: str) -> Person:
        done = await self.services.accounts.sign_in(email, PASSWORD, "127.0.0.1")
        assert isinstance(done, tuple), done
        session, token = done
        browser = self.browser()
        browser.session.cookie_jar.update_cookies({"liveserver": token}, self.server.make_url("/"))
        return Person(session.user, token, browser, session.csrf)

    async def show(self, host: Person, title: str = "Cameras tonight", **fields: Any) -> Show:
        made = await self.services.shows.create(host.identity, ShowDraft(title, "USD", **fields))
        assert isinstance(made, Show), made
        return made

    async def live_show(self, host: Person, title: str = "Cameras tonight") -> Show:
        show = await self.show(host, title)
        answer = await host.api("POST", f"/seller/livestreams/{show.id}/start")
        assert answer.status == 200, await answer.text()
        await self.recorded(show)
        found = await self.services.shows.get(show.id)
        assert found is not None
        assert found.status == "live"
        return found

    async def recorded(self, show: Show) -> None:
        """Waits until everything said so far in the show's room is in PostgreSQL."""
        room = await self.services.hub.open(show.id)
        await room._recorder.flush(5.0)  # type: ignore[attr-defined] # the real room's

    async def product(self, seller: Person, title: str = "Halden 35", **fields: Any) -> Product:
        made = await self.services.catalog.create(
            seller.identity, ProductDraft(title, 9_900, "USD", **fields)
        )
        assert isinstance(made, Product), made
        return made

    async def lot(
        self, host: Person, show: Show, title: str = "Halden 35", start: int = 1_000, **fields: Any
    ) -> QueuedLot:
        made = await self.services.shows.enqueue(host.identity, show.id, LotDraft(title, start, **fields))
        assert isinstance(made, QueuedLot), made
        return made

    async def aclose(self) -> None:
        for client in self._clients:
            await client.close()


def make_services(pool: Pool, redis: Any, hub: Hub, settings: Settings) -> Services:
    clock = SystemClock()
    messages = routes(settings)
    return Services(
        settings=settings,
        pool=pool,
        clock=clock,
        accounts=Accounts(pool, clock, settings),
        catalog=Catalog(pool, clock),
        shows=Shows(pool, clock),
        hub=hub,
        nodes=hub.nodes,
        presence=Presence(Shards.around(redis), hub.node, clock),
        features=FEATURES,
        routes={route.type: route for route in messages},
        metrics=Metrics(),
        money=paying_of(settings, pool, clock).money,
        asyncapi={"asyncapi": "3.0.0"},
    )


def form_token(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, "the page has no form of ours"
    return unescape(found.group(1))

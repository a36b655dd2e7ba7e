"""A house full of people for browser tests: one real server, hosts and bidders with accounts, shows with lots in their queues."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from playwright.async_api import expect

from tests.support.browser import Window
from tests.support.server import Person, Server

PASSWORD = "blue harvest 7"
SETTINGS: Mapping[str, str] = {
    "LIVESERVER_HOSTS_MAY_REGISTER": "true",
    "LIVESERVER_PASSWORD_MEMORY_KIB": "8192",
    # All people of a module come from one address.
    "LIVESERVER_REGISTRATIONS_PER_ADDRESS_PER_HOUR": "0",
    "LIVESERVER_SIGN_INS_PER_ADDRESS_PER_MIN": "0",
}
_numbers = itertools.count(1)


def email_of(name: str) -> str:
    return f"{''.join(filter(str.isalnum, name)).lower() or 'x'}.{next(_numbers)}@example.com"


class House:
    """What a test asks of the server outside of its windows."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._people: dict[str, Person] = {}

    @property
    def origin(self) -> str:
        return self.server.origin

    async def person(self, name: str) -> Person:
        """A registered viewer; of each name there is one."""
        if name in self._people:
            return self._people[name]
        body = {"name": name, "email": email_of(name), "password": PASSWORD}
        made = await self.server.post("/auth/register", body)
        self._people[name] = Person(made["user"]["id"], name, made["token"])
        return self._people[name]

    async def show(self, host: Person, title: str = "Cameras tonight", **fields: Any) -> str:
        made = await self.server.post(
            "/seller/livestreams", {"title": title, "currency": "USD", **fields}, host.token
        )
        return str(made["id"])

    async def lot(self, host: Person, show: str, title: str, start: int = 2_000, **fields: Any) -> str:
        body = {"title": title, "start": start, **fields}
        made = await self.server.post(f"/seller/livestreams/{show}/lots", body, host.token)
        return str(made["id"])

    async def start(self, host: Person, show: str) -> None:
        await self.server.post(f"/seller/livestreams/{show}/start", {}, host.token)

    async def me(self, token: str) -> dict[str, Any]:
        return await self._get("/me", token)

    async def record(self, show: str) -> list[dict[str, Any]]:
        """Every public event that PostgreSQL holds of the show, oldest first."""
        events: list[dict[str, Any]] = []
        after = "0"
        while after:
            page = await self._get(f"/livestreams/{show}/events?after={after}")
            events += page["items"]
            after = page["next"]
        return events

    async def _get(self, path: str, token: str = "") -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.origin}/api/v1{path}", headers=headers) as response,
        ):
            assert response.status == 200, await response.text()
            found: dict[str, Any] = await response.json()
            return found


async def register(window: Window, name: str, *, sells: bool = False, email: str = "") -> str:
    """Fills in the registration form that the window shows; the e-mail address."""
    page, email = window.page, email or email_of(name)
    await page.get_by_label("Display name").fill(name)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    if sells:
        await page.get_by_label("I want to host my own shows").check()
    await page.get_by_role("button", name="Join", exact=True).click()
    await expect(page).not_to_have_url(re.compile("/register"))
    return email


async def token_of(window: Window) -> str:
    """The session's token, good for the API as well."""
    cookies = await window.context.cookies()
    return next(one["value"] for one in cookies if one.get("name") == "liveserver")

"""How the demo's people come in: an account, a session, a socket. They are let in like everybody else, one after the other."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from liveserver.client import LiveClient, Refused, Room
from liveserver.demo.people import Person
from liveserver.demo.services import DemoServices, granted
from liveserver.demo.wallets import furnish
from liveserver.kernel.errors import Rejected

TRIES_MAX = 10
"""Sign-ins tried while the server says that there are too many at once."""


class Door:
    """The way into one server, at `base_url` (`http://127.0.0.1:8080`)."""

    def __init__(self, base_url: str, services: DemoServices) -> None:
        self.services = services
        self._socket_url = socket_url(base_url)
        # Checking a password is costly on purpose: a crowd must not keep visitors waiting for theirs.
        self._turn = asyncio.Semaphore(1)

    @asynccontextmanager
    async def enter(self, who: Person, show: str) -> AsyncGenerator[Room]:
        """Somebody in a show's room, until the block ends. Raises Refused when the server does not want them."""
        async with self._turn:
            token = await sign_in(self.services, who)
        try:
            async with LiveClient(self._socket_url, token) as client:
                yield await client.join(show)
        finally:
            await self.services.accounts.sign_out(token)


async def sign_in(services: DemoServices, who: Person) -> str:
    """A session's token, for an account that is made if need be. Raises Mendable when the account is not the demo's."""
    accounts = services.accounts
    if await accounts.by_email(who.email) is None:
        made = await accounts.register(who.name, who.email, who.password)
        # Somebody may come in twice at once, at two shows; if the name is another's, signing in will tell.
        if not (isinstance(made, Rejected) and made.code in {"name_taken", "email_taken"}):
            granted(made, f"registering {who.name}")
    for _ in range(TRIES_MAX):
        begun = await accounts.sign_in(who.email, who.password, _address(who))
        if isinstance(begun, Rejected) and begun.code in {"too_many_attempts", "busy"}:
            await asyncio.sleep(begun.detail.get("retry_after_ms", 1_000) / 1000)
            continue
        session, token = granted(begun, f"signing in {who.name}")
        if session.user.role == "viewer":
            await furnish(services, session.user)
        return token
    raise Refused(Rejected("too_many_attempts", f"{who.name} did not get to sign in."))


def socket_url(base_url: str) -> str:
    """The WebSocket beside a page.

    >>> socket_url("http://127.0.0.1:8080")
    'ws://127.0.0.1:8080/ws'
    """
    return f"ws{base_url.removeprefix('http').rstrip('/')}/ws"


def _address(who: Person) -> str:
    """Where somebody signs in from: each from a (loopback) address of their own, as people do, so that a crowd is not taken for
    one person who tries many passwords."""
    a, b, c, *_ = hashlib.sha256(who.email.encode()).digest()
    return f"127.{a % 254 + 1}.{b}.{c % 254 + 1}"

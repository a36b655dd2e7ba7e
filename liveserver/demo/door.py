"""How the demo's people come in: an account, a session, a socket. They are let in like everybody else."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from liveserver.client import LiveClient, Refused, Room
from liveserver.demo.people import Person
from liveserver.demo.services import DemoServices, granted
from liveserver.kernel.errors import Rejected

TRIES_MAX = 10
"""Sign-ins tried while the server says that there are too many at once."""
FROM = "demo"
"""Where the bots sign in from: not an address, so that visitors' own tries are not counted with theirs."""


async def sign_in(services: DemoServices, who: Person) -> str:
    """A session's token, for an account that is made if need be. Raises Mendable when the account is not the demo's."""
    accounts = services.accounts
    if await accounts.by_email(who.email) is None:
        granted(await accounts.register(who.name, who.email, who.password), f"registering {who.name}")
    for _ in range(TRIES_MAX):
        begun = await accounts.sign_in(who.email, who.password, FROM)
        if isinstance(begun, Rejected) and begun.code in {"too_many_attempts", "busy"}:
            await asyncio.sleep(begun.detail.get("retry_after_ms", 1_000) / 1000)
            continue
        return granted(begun, f"signing in {who.name}")[1]
    raise Refused(Rejected("too_many_attempts", f"{who.name} did not get to sign in."))


@asynccontextmanager
async def present(base_url: str, services: DemoServices, who: Person, show: str) -> AsyncGenerator[Room]:
    """Somebody in a show's room, until the block ends. Raises Refused when the server does not want them."""
    token = await sign_in(services, who)
    try:
        async with LiveClient(socket_url(base_url), token) as client:
            yield await client.join(show)
    finally:
        await services.accounts.sign_out(token)


def socket_url(base_url: str) -> str:
    """The WebSocket beside a page.

    >>> socket_url("http://127.0.0.1:8080")
    'ws://127.0.0.1:8080/ws'
    """
    return f"ws{base_url.removeprefix('http').rstrip('/')}/ws"

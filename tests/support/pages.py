"""Every page of the storefront once, with something on it: what tests that look at all pages go through."""

import time
from dataclasses import dataclass

from liveserver.client import LiveClient, LotOpened
from liveserver.kernel.errors import Rejected
from tests.support.house import House
from tests.support.server import Person

GUEST_PAGES = {
    "home": "/",
    "show": "/shows/{show}",
    "planned show": "/shows/{planned}",
    "ended show": "/shows/{ended}",
    "product": "/products/{product}",
    "sign-in": "/sign-in",
    "register": "/register",
    "docs": "/docs",
}
"""What everybody may see; `{…}` is filled by `World.at`."""
HOST_PAGES = {
    "console": "/shows/{show}/host",
    "console before": "/shows/{planned}/host",
    "me": "/me",
    "studio": "/studio",
    "studio of a show": "/studio/shows/{planned}",
}
PAGES = {**{k: v for k, v in GUEST_PAGES.items() if k not in {"sign-in", "register"}}, **HOST_PAGES}
"""All that a signed-in host sees."""


@dataclass
class World:
    """A host with a show on air and a lot in it, one to come and one that was."""

    show: str
    planned: str
    ended: str
    product: str
    lot: str

    def at(self, path: str) -> str:
        return path.format(**vars(self))


async def build_world(
    house: House, host: Person, title: str = "Halden 35", text: str = "Old but good"
) -> World:
    """Makes it, with `title` and `text` wherever a host may write something."""
    named = {"title": title, "description": text}
    variants = [{"sku": "1", "color": title[:40], "size": "M", "stock": 3}]
    offer = {**named, "price": 1_500, "currency": "USD", "variants": variants}
    product = str((await house.server.post("/seller/products", offer, host.token))["id"])
    ended = await house.show(host, **named)
    await house.start(host, ended)
    await house.server.post(f"/seller/livestreams/{ended}/end", {}, host.token)
    planned = await house.show(host, **named, scheduled_ts=int(time.time() + 86_400) * 1_000)
    await house.lot(host, planned, title, product=product)
    show = await house.show(host, **named, chat={"links": True})
    await house.lot(host, show, title, product=product)
    await house.start(host, show)
    async with LiveClient(house.server.socket_url, host.token) as client:
        room = await client.join(show)
        opened = await room.open_lot(title=f"Lot: {title}"[:120], start=2_000, clock={"duration_ms": 600_000})
        assert isinstance(opened, LotOpened), opened
        assert not isinstance(await room.spotlight(product), Rejected)
        assert not isinstance(await room.chat(text), Rejected)
    return World(show, planned, ended, product, opened.lot)

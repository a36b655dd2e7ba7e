"""Two hundred people want fifty lamps at the same moment, on a running server: from the spotlight, at the hammer, out of their carts.

Nothing is simulated but the people: claims and bids go over WebSockets, carts and checkouts over HTTP, orders follow from the record,
and the test provider takes the payments.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from liveserver.client import Bought, LiveClient, Room
from liveserver.config.settings import SETTINGS
from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.attach import reachable
from liveserver.jobs import look
from liveserver.jobs.library import CHANNEL
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Rejected
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.payments.sandbox.provider import Sandbox
from liveserver.payouts.sound import unsound_facts
from tests.support.server import JWT, Person, Server, person

LAMPS = 50
CLAIMERS, BIDDERS, SHOPPERS = 110, 30, 60
ON_SHOW = 16
"""Taken along for the spotlight before it begins; the host takes more while it goes on."""
QUEUED = 2
"""Lots that have their piece already; the host opens more, whose pieces come from the shelf that the carts empty."""
MORE = 4
"""How often the host tries either."""
WAIT_MS = 60_000
BIDS_MAX = 3
"""Bids of one bidder on one lot."""
NEVER = 4
"""Orders that nobody tries to pay."""
CLOCK = {"duration_ms": 1_000, "window_ms": 0, "hammer_ms": 100}
BERN = {"name": "A. Buyer", "line1": "Gasse 1", "city": "Bern", "postal_code": "3011", "country": "CH"}
UNPAID = ("awaiting_payment", "payment_failed", "action_required")
_WAITS = "SELECT EXISTS (SELECT FROM pgqueuer WHERE status = 'picked' OR (status = 'queued' AND execute_after < now() + interval '90 s'))"
_ORDERS = """
SELECT o.id, o.origin, o.source, o.buyer, o.state, sum(l.quantity)::int AS lamps
FROM orders o JOIN order_lines l ON l.order_id = o.id GROUP BY o.id
"""


class Shop:
    """The server from outside, its record, and what everybody was told."""

    def __init__(self, server: Server, pool: Pool, http: aiohttp.ClientSession) -> None:
        self.server, self.pool, self.http = server, pool, http
        self.provider = Sandbox(pool, SystemClock())
        self.hana = person("Hana", "host")
        crowd = [person(f"P{number}") for number in range(CLAIMERS + BIDDERS + SHOPPERS)]
        self.people = {who.id: who for who in crowd}
        self.show = self.product = self.variant = ""
        self.claims: dict[str, str] = {}
        """Who was told "yours", by claim."""
        self.bidders: dict[str, str] = {}
        """Who bid under which of the show's pseudonyms."""
        self.wins: dict[str, str] = {}
        """Who was named as the winner, by lot."""
        self.checkouts: dict[str, str] = {}
        """Who was told of an order, by order."""
        self.refusals: Counter[tuple[str, str]] = Counter()

    async def opens(self) -> None:
        lamp = {
            "title": "Lamp",
            "price": 2_500,
            "currency": "USD",
            "variants": [{"sku": "L", "stock": LAMPS}],
        }
        made = await self.server.post("/seller/products", lamp, self.hana.token)
        self.product, self.variant = made["id"], made["variants"][0]["id"]
        self.show = await self.server.new_show(self.hana, "Lamps tonight")

    async def asks(self, who: Person, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A call of the API, which may be refused."""
        headers = {"authorization": f"Bearer {who.token}"}
        async with self.http.post(f"{self.server.origin}/api/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def orders(self) -> list[Any]:
        return await self.pool.fetch(_ORDERS)

    async def in_the_show(self) -> int:
        """What the show has taken along and not sold."""
        return await self.pool.fetchval(
            "SELECT coalesce(sum(given - sold - returned), 0)::int FROM allotments"
        )

    async def on_hand(self) -> int:
        return await self.pool.fetchval("SELECT stock FROM variants WHERE id = $1", self.variant)

    async def works_off(self, condition: str = f"NOT ({_WAITS})") -> None:
        """The server's own jobs are done."""
        await self.pool.execute(look.Q.wake_workers, CHANNEL)
        async with asyncio.timeout(WAIT_MS / 1_000):
            while not await self.pool.fetchval(f"SELECT {condition}"):  # noqa: ASYNC110 - another process, the table tells
                await asyncio.sleep(0.05)


@pytest.fixture
async def shop(new_data_dir: Callable[[], Path]) -> AsyncIterator[Shop]:
    no_rates = {f"LIVESERVER_{name.upper()}": "0" for name, about in SETTINGS.items() if about.rate}
    async with Server(new_data_dir(), {**JWT, **no_rates}) as server:
        async with (
            reachable(server.data_dir) as engines,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SHOPPERS)) as http,
        ):
            pool = await open_pool(engines.database_url, application="test")
            shop = Shop(server, pool, http)
            await shop.opens()
            yield shop
            pool.terminate()
        assert "Traceback" not in server.said, server.said[-4_000:]


async def _claims(shop: Shop, who: Person, room: Room) -> None:
    """Two thumbs on the button: one lamp is the most that anybody gets."""
    for answer in await asyncio.gather(room.buy(shop.product), room.buy(shop.product)):
        if isinstance(answer, Rejected):
            shop.refusals["claim", answer.code] += 1
        else:
            assert isinstance(answer, Bought)
            shop.claims[answer.claim] = who.id


def _may_bid(room: Room, tried: Counter[str], name: str) -> bool:
    lot = room.lot
    return lot is not None and tried[lot["lot"]] < BIDS_MAX and lot["leader_id"] != name


async def _bids(shop: Shop, who: Person, room: Room, chance: random.Random) -> None:
    """On every lot as soon as somebody else leads, a few times, until the show is over."""
    tried: Counter[str] = Counter()
    name = ""
    while True:
        await room.until(lambda name=name: _over(room) or _may_bid(room, tried, name), WAIT_MS)
        lot = room.lot
        if _over(room) or lot is None:
            return
        tried[lot["lot"]] += 1
        placed = await room.bid(lot["lot"], lot["min_next"] + 100 * chance.randrange(5), confirm=True)
        if isinstance(placed, Rejected):
            shop.refusals["bid", placed.code] += 1
        else:
            name = placed.id
            shop.bidders[name] = who.id


def _over(room: Room) -> bool:
    return room.view["show"]["status"] == "ended"


async def _checks_out(shop: Shop, who: Person) -> None:
    """In two tabs at once: what is in the cart is ordered once."""
    wish = {"seller": shop.hana.id, "new_address": BERN}
    for status, told in await asyncio.gather(*(shop.asks(who, "/checkout/session", wish) for _ in range(2))):
        if status < 300:
            shop.checkouts[told["order"]["id"]] = who.id
        else:
            shop.refusals["checkout", told["code"]] += 1


async def _hosts(shop: Shop, stage: Room, queued: list[str]) -> None:
    """One lot after the other, for which pieces are there or are to be taken from the shelf."""
    for number in range(QUEUED + MORE):
        about = {"lot": queued[number]} if number < QUEUED else {"product": shop.product, "start": 1_000}
        opened = await stage.open_lot(**about, clock=CLOCK)
        if isinstance(opened, Rejected):
            shop.refusals["lot", opened.code] += 1
            continue
        lot = opened.lot
        assert await stage.until(lambda lot=lot: _settled(stage, lot), WAIT_MS)
        found = stage.view["auction"]["lots"][lot]
        if found["status"] == "sold":
            shop.wins[lot] = shop.bidders[found["leader_id"]]


async def _takes_more(shop: Shop, stage: Room) -> None:
    """Another lamp from the shelf for the spotlight, as long as there is one."""
    more = await stage.spotlight(shop.product, units=1, limit=1)
    if isinstance(more, Rejected):
        shop.refusals["more", more.code] += 1


def _settled(stage: Room, lot: str) -> bool:
    found = stage.view["auction"]["lots"].get(lot)
    return found is not None and found["status"] in {"sold", "passed"}


async def _the_rush(shop: Shop) -> None:
    """From the first join to the end of the show."""
    chance, crowd = random.Random(5), list(shop.people.values())
    claimers, bidders = crowd[:CLAIMERS], crowd[CLAIMERS : CLAIMERS + BIDDERS]
    shoppers = crowd[CLAIMERS + BIDDERS :]
    path = f"/seller/livestreams/{shop.show}/lots"
    lots = [
        await shop.server.post(
            path, {"title": "Lamp", "start": 1_000, "product": shop.product}, shop.hana.token
        )
        for _ in range(QUEUED)
    ]
    filled = await asyncio.gather(
        *(shop.asks(who, "/me/cart/items", {"variantId": shop.variant}) for who in shoppers)
    )
    assert {status for status, _ in filled} == {201}
    async with AsyncExitStack() as stack:

        async def enters(who: Person) -> Room:
            client = await stack.enter_async_context(LiveClient(shop.server.socket_url, who.token))
            return await client.join(shop.show)

        stage = await enters(shop.hana)
        assert not isinstance(await stage.start_show(), Rejected)
        assert not isinstance(await stage.spotlight(shop.product, units=ON_SHOW, limit=1), Rejected)
        rooms = [await enters(who) for who in [*claimers, *bidders]]
        bidding = [
            asyncio.create_task(_bids(shop, who, room, random.Random(chance.random())))
            for who, room in zip(bidders, rooms[CLAIMERS:], strict=True)
        ]
        buying = [_claims(shop, who, room) for who, room in zip(claimers, rooms[:CLAIMERS], strict=True)]
        buying += [_checks_out(shop, who) for who in shoppers]
        buying += [_takes_more(shop, stage) for _ in range(MORE)]
        chance.shuffle(buying)
        await asyncio.gather(_hosts(shop, stage, [lot["id"] for lot in lots]), *buying)
        assert not isinstance(await stage.end_show(), Rejected)
        await asyncio.gather(*bidding)


async def _everybody_was_told_the_truth(shop: Shop) -> None:
    """Who was told "yours" has an order, and nobody else; the others were told why not."""
    ordered: dict[str, dict[str, str]] = {"claim": {}, "auction": {}, "cart": {}}
    for order in await shop.orders():
        object = order["id"] if order["source"] == "cart" else order["origin"].rpartition(":")[2]
        ordered[order["source"]][object] = order["buyer"]
    assert ordered == {"claim": shop.claims, "auction": shop.wins, "cart": shop.checkouts}
    assert len(set(shop.claims.values())) == len(shop.claims), "two thumbs get one lamp"
    assert len(set(shop.checkouts.values())) == len(shop.checkouts), "two tabs get one lamp"
    nothing_left = {"claim": {"sold_out", "over_limit"}, "checkout": {"out_of_stock", "cart_empty"}}
    for what, reasons in {**nothing_left, "more": {"out_of_stock"}, "lot": {"out_of_stock"}}.items():
        assert {code for of, code in shop.refusals if of == what} <= reasons
    claims = sum(n for (of, _), n in shop.refusals.items() if of == "claim")
    assert len(shop.claims) + claims == 2 * CLAIMERS, "everybody was answered"


async def _begins_to_pay(shop: Shop, order: Any) -> str:
    """The buyer opens the payment page; the payment."""
    about = (
        {"order": order["id"]} if order["source"] == "cart" else {"order": order["id"], "new_address": BERN}
    )
    status, session = await shop.asks(shop.people[order["buyer"]], "/checkout/session", about)
    assert status < 300, session
    return str(session["intent"])


async def _time_is_over(shop: Shop) -> None:
    """For all that is not paid, now."""
    await shop.pool.execute(
        "UPDATE orders SET due_ts = $1 WHERE state = ANY ($2::text[])", SystemClock().now_ms(), list(UNPAID)
    )
    await shop.pool.execute("UPDATE pgqueuer SET execute_after = now() WHERE entrypoint = 'checkout.expire'")
    await shop.pool.execute(look.Q.wake_workers, CHANNEL)


async def _enter_cards(shop: Shop, intents: list[str]) -> None:
    for intent in intents:
        await shop.provider.confirm(intent, "card_pays")


async def _sold(shop: Shop, *states: str) -> int:
    return sum(order["lamps"] for order in await shop.orders() if order["state"] in states)


async def test_two_hundred_people_want_fifty_lamps_at_once(shop: Shop) -> None:
    await _the_rush(shop)
    told = len(shop.claims) + len(shop.wins) + len(shop.checkouts)
    await shop.works_off(f"count(*) >= {told} FROM orders")
    await shop.works_off("NOT EXISTS (SELECT FROM allotments WHERE given > sold + returned)")
    await _everybody_was_told_the_truth(shop)
    assert await _sold(shop, *UNPAID) + await shop.on_hand() == LAMPS
    assert await unsound_facts(shop.pool) == []

    # Every other one pays. Of the rest most enter their card just when their time is over, one after the other.
    orders = await shop.orders()
    pay, late = orders[::2], orders[1::2][NEVER:]
    for intent in await asyncio.gather(*(_begins_to_pay(shop, order) for order in pay)):
        await shop.provider.confirm(intent, "card_pays")
    await shop.works_off()
    assert {order["state"] for order in await shop.orders()} == {"paid", "awaiting_payment"}
    assert await _sold(shop, "paid") == len(pay)
    intents = await asyncio.gather(*(_begins_to_pay(shop, order) for order in late))
    await asyncio.gather(_time_is_over(shop), _enter_cards(shop, intents))
    await shop.works_off()

    paid, cancelled = await _sold(shop, "paid"), await _sold(shop, "cancelled")
    assert paid + cancelled == told
    assert cancelled >= NEVER
    assert paid + await shop.on_hand() == LAMPS
    assert await unsound_facts(shop.pool) == []
    (accounts,) = (await ledger.trial_balance(shop.pool)).values()
    assert -accounts[Account.ESCROW] == await shop.pool.fetchval(
        "SELECT sum(item + shipping + tax) FROM orders WHERE state = 'paid'"
    )
    lines = [line.type async for line in shop.provider.transactions(0, 2**53)]
    assert lines.count("charge") - lines.count("refund") == paid, "nobody pays for what they do not get"
    assert (await look.standing(shop.pool)).dead == 0

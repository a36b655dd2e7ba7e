"""What a person may do in a show holds wherever they are connected: two nodes on one database and one log, and people with a socket on each.

Whole nodes with real sockets, in this process; what each rule says in detail is tested with the rule.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from liveserver.accounts.model import identity_of
from liveserver.cli.compose import Node, running_node
from liveserver.cli.ports import listen
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.shows.model import ShowDraft
from tests.support.stage import Client

PASSWORD = "correct horse battery"


@dataclass
class Street:
    """Two nodes of one shop, a show that is live, and people with a socket on each node."""

    east: Node
    west: Node
    show: str = ""
    host: Client | None = None

    async def account(self, name: str, role: str = "viewer") -> str:
        accounts = self.east.services.accounts
        await accounts.register(name, f"{name}@shop.example", PASSWORD)
        account = await accounts.by_name(name)
        if role != "viewer":
            await accounts.set_role(account.id, role)
        _, token = await accounts.sign_in(f"{name}@shop.example", PASSWORD, "127.0.0.1")
        return token

    async def both(self, token: str) -> tuple[Client, Client]:
        """One person's sockets, on either node, in the show."""
        return await self._client(self.east, token), await self._client(self.west, token)

    async def _client(self, node: Node, token: str) -> Client:
        url = node.origin.replace("http", "ws") + "/ws"
        socket = await connect(url, subprotocols=[Subprotocol("live.v1.json")], compression=None)
        client = Client(socket, text=True)
        await client.hello(token)
        await client.join(self.show)
        return client

    async def opens_a_lot(self, **terms: Any) -> str:
        assert self.host is not None
        clock = {"preset": "timed", "duration_ms": 600_000}
        opened = await self.host.ok(
            "lot:open", show=self.show, title="Leica M3", start=100, increments="flat:1", clock=clock, confirm_times=0,
            **terms,
        )  # fmt: skip
        return opened["lot"]

    async def agreed(self) -> None:
        """Returns once both nodes have come equally far."""
        rooms = [node.hub.rooms[self.show] for node in (self.east, self.west)]
        async with asyncio.timeout(10):
            while rooms[0].seq != rooms[1].seq:  # noqa: ASYNC110 - another node's progress, which nothing here announces
                await asyncio.sleep(0.01)
        assert rooms[0].room.dump() == rooms[1].room.dump()


@pytest.fixture
async def street(
    request: pytest.FixtureRequest, engines: Engines, database_url: str, redis_url: str
) -> AsyncIterator[Street]:
    """Without limits on bids and frames, unless the test brings its own."""
    fresh = dataclasses.replace(engines, database_url=database_url, redis_url=redis_url)
    limits: dict[str, Any] = getattr(request, "param", {"bids_per_s": 0})
    settings = Settings(port=0, password_memory_kib=8_192, stop_grace_ms=1_000, frames_per_s=0, **limits)
    async with AsyncExitStack() as stack:
        nodes: list[Node] = []
        for _ in range(2):
            listener = stack.enter_context(listen("127.0.0.1", 0))
            nodes.append(await stack.enter_async_context(running_node(settings, fresh, listener)))
        made = Street(*nodes)
        token = await made.account("Hanna", "host")
        hanna = await made.east.services.accounts.by_name("Hanna")
        draft = ShowDraft(title="Cameras", currency="USD")
        made.show = (await made.east.services.shows.create(identity_of(hanna), draft)).id
        made.host = await made._client(made.east, token)
        await made.host.ok("show:start", show=made.show)
        yield made


async def person(street: Street, name: str) -> tuple[str, str, Client, Client]:
    token = await street.account(name)
    account = await street.east.services.accounts.by_name(name)
    return token, account.id, *(await street.both(token))


async def test_who_is_banned_on_one_node_may_do_nothing_on_any(street: Street):
    _, ana, here, there = await person(street, "Ana")
    lot = await street.opens_a_lot()
    await there.ok("bid:place", show=street.show, lot=lot, amount=200)
    await street.host.ok("user:ban", show=street.show, user=ana, reason="spam")
    for socket in (here, there):
        told = await socket.next("user:banned")
        assert told["payload"]["reason"] == "spam", "on every node she is told"
        for kind, payload in (
            ("bid:place", {"lot": lot, "amount": 300}),
            ("chat:send", {"text": "hello"}),
            ("reaction:send", {"emoji": "❤"}),
        ):
            refused = await socket.refused(kind, show=street.show, **payload)
            assert refused["code"] == "banned", kind
    again = await there.join(street.show)
    assert again["you"]["chat"]["banned"] is True
    await street.agreed()


async def test_a_mute_and_slow_mode_hold_on_both(street: Street):
    _, ana, here, there = await person(street, "Ana")
    _, _, bo_here, bo_there = await person(street, "Bo")
    await street.host.ok("user:mute", show=street.show, user=ana, for_ms=60_000)
    for socket in (here, there):
        await socket.next("user:muted")
        assert (await socket.refused("chat:send", show=street.show, text="hello"))["code"] == "muted"
    await street.host.ok("chat:slow", show=street.show, interval_ms=60_000)
    await bo_here.ok("chat:send", show=street.show, text="from the east")
    refused = await bo_there.refused("chat:send", show=street.show, text="from the west")
    assert refused["code"] == "slow_mode"
    assert 0 < refused["detail"]["wait_ms"] <= 60_000
    await street.agreed()


async def test_signing_out_on_one_node_closes_the_sockets_on_both(street: Street):
    token, _, here, there = await person(street, "Ana")
    await street.east.services.accounts.sign_out(token)
    assert [await socket.close_code() for socket in (here, there)] == [4500, 4500]


@pytest.mark.parametrize("street", [{"bids_per_s": 0.5, "bids_burst": 10}], indirect=True)
async def test_a_rate_is_one_persons_over_all_their_connections(street: Street):
    token, _, here, there = await person(street, "Ana")
    sockets = [here, there, *(await street.both(token)), *(await street.both(token))]
    lot = await street.opens_a_lot()
    sent = [
        (socket, await socket.send("bid:place", show=street.show, lot=lot, amount=1_000 + at))
        for at, socket in enumerate(sockets * 10)
    ]
    replies = [(await socket.reply(message))["payload"] for socket, message in sent]
    refused = [reply for reply in replies if reply.get("code") == "rate_limited"]
    # Each connection alone has sent no more than it may; the room takes no more than one person may, and a stall's worth.
    assert len(refused) >= len(sent) - 25, f"{len(sent) - len(refused)} of {len(sent)} were taken"
    assert all(
        reply["retryable"] and reply["detail"]["wait_ms"] > 0 and reply["seq"] > 0 for reply in refused
    )
    _, _, bo, _ = await person(street, "Bo")
    await bo.ok("bid:place", show=street.show, lot=lot, amount=5_000)
    await street.agreed()


async def test_row_31_one_exposure_limit_whatever_is_bid_where_at_once(street: Street):
    _, _, here, there = await person(street, "Ana")
    limit = 5_000
    lot = await street.opens_a_lot(limit=limit)
    amounts = [100 + at * 120 for at in range(100)]
    sent = [
        (socket, amount, await socket.send("bid:place", show=street.show, lot=lot, amount=amount))
        for amount, socket in zip(amounts, (here, there) * 50, strict=True)
    ]
    codes: dict[int, str] = {}
    for socket, amount, message in sent:
        reply = await socket.reply(message)
        codes[amount] = reply["payload"].get("code", "ok")
    assert all(codes[amount] != "ok" for amount in amounts if amount > limit)
    assert "over_limit" in codes.values()
    assert "ok" in codes.values()
    await street.agreed()
    state = street.west.hub.rooms[street.show].room.states["auction"]
    (standing,) = state.lots[lot].book.bidders.values()
    assert standing.max <= limit

    # What she wins counts against the next lot, again on both nodes.
    await street.host.ok("lot:close", show=street.show, lot=lot)
    async with asyncio.timeout(10):
        while not all(  # noqa: ASYNC110 - as above
            node.hub.rooms[street.show].room.states["auction"].won for node in (street.east, street.west)
        ):
            await asyncio.sleep(0.02)
    (won,) = state.won.values()
    second = await street.opens_a_lot(limit=limit)
    for socket in (here, there):
        over = await socket.refused("bid:place", show=street.show, lot=second, amount=limit - won + 1)
        assert (over["code"], over["detail"]["available"]) == ("over_limit", limit - won)
    await there.ok("bid:place", show=street.show, lot=second, amount=limit - won)
    await street.agreed()

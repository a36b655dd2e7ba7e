"""Two releases side by side under load: the newer one writes nothing that the older can't read, and does so once the older is gone.

The older release is the same code without one command (pinning a message), for no earlier one can be had in a fresh clone. Whole nodes with
real sockets, in this process.
"""

import asyncio
import dataclasses
from contextlib import AsyncExitStack
from typing import ClassVar

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from liveserver.accounts.model import identity_of
from liveserver.chat.feature import ChatFeature
from liveserver.cli import compose
from liveserver.cli.compose import Node, running_node
from liveserver.cli.features import FEATURES
from liveserver.cli.ports import listen
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.rooms.recovery import recorded_room
from liveserver.shows.model import ShowDraft
from tests.support.stage import Client

PASSWORD = "correct horse battery"
WAIT_S = 20
BIDS = 20
"""Taken of each bidder while the newer release is refused."""
LATER = "chat:pin"


class OlderChat(ChatFeature):
    """Chat before messages could be pinned."""

    commands: ClassVar[dict[str, type[msgspec.Struct]]] = {
        kind: args for kind, args in ChatFeature.commands.items() if kind != LATER
    }


OLDER = tuple(OlderChat() if isinstance(feature, ChatFeature) else feature for feature in FEATURES)


class Bidder:
    """Somebody who goes on bidding, higher each time, until told to stop."""

    def __init__(self, client: Client, show: str, lot: str) -> None:
        self.client, self.show, self.lot = client, show, lot
        self.taken = 0
        self._going = True
        self._task = asyncio.create_task(self._bid())

    async def _bid(self) -> None:
        amount = 100
        while self._going:
            reply = await self.client.reply(
                await self.client.send("bid:place", show=self.show, lot=self.lot, amount=amount)
            )
            code = reply["payload"].get("code", "ok")
            assert code in ("ok", "bid_too_low", "already_leading"), reply
            self.taken += code == "ok"
            detail = reply["payload"].get("detail", {})
            amount = max(amount, detail.get("min_next", 0), detail.get("max", 0)) + 1
            await asyncio.sleep(0.002)

    async def stop(self) -> int:
        """How many bids were taken."""
        self._going = False
        await self._task
        return self.taken


async def until_equal(show: str, *nodes: Node) -> bytes:
    rooms = [node.hub.rooms[show] for node in nodes]
    async with asyncio.timeout(WAIT_S):
        while len({room.seq for room in rooms}) > 1:  # noqa: ASYNC110 - another node's progress, which nothing here announces
            await asyncio.sleep(0.01)
    assert [room.halted for room in rooms] == [""] * len(rooms)
    (state,) = {room.room.dump() for room in rooms}
    return state


async def test_row_24_a_newer_release_waits_for_the_older_one_and_then_goes_on(
    engines: Engines, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    fresh = dataclasses.replace(engines, database_url=database_url, redis_url=redis_url)
    settings = Settings(
        port=0, password_memory_kib=8_192, stop_grace_ms=1_000, bids_per_s=0, frames_per_s=0,
        host_commands_per_s=0,
    )  # fmt: skip

    async def started(stack: AsyncExitStack) -> Node:
        listener = stack.enter_context(listen("127.0.0.1", 0))
        return await stack.enter_async_context(running_node(settings, fresh, listener))

    async with AsyncExitStack() as stack:

        async def connected(node: Node, token: str, show: str) -> Client:
            url = node.origin.replace("http", "ws") + "/ws"
            client = Client(
                await connect(url, subprotocols=[Subprotocol("live.v1.json")], compression=None), text=True
            )
            # Nobody reads it to its end, so it would not notice by itself that the server is gone.
            stack.callback(client.socket.transport.abort)
            await client.hello(token)
            await client.join(show)
            return client

        old_stack = await stack.enter_async_context(AsyncExitStack())
        monkeypatch.setattr(compose, "FEATURES", OLDER)
        older = await started(old_stack)
        monkeypatch.setattr(compose, "FEATURES", FEATURES)
        newer = await started(stack)

        accounts = newer.services.accounts
        tokens: dict[str, str] = {}
        for name in ("Hanna", "Ana", "Bo"):
            await accounts.register(name, f"{name}@shop.example", PASSWORD)
            account = await accounts.by_name(name)
            assert account is not None
            if name == "Hanna":
                await accounts.set_role(account.id, "host")
            tokens[name] = (await accounts.sign_in(f"{name}@shop.example", PASSWORD, "127.0.0.1"))[1]
        hanna = await accounts.by_name("Hanna")
        show = (
            await newer.services.shows.create(identity_of(hanna), ShowDraft(title="Cameras", currency="USD"))
        ).id
        host = await connected(newer, tokens["Hanna"], show)
        await host.ok("show:start", show=show)
        message = (await host.ok("chat:send", show=show, text="welcome"))["id"]
        lot = (
            await host.ok(
                "lot:open", show=show, title="Leica M3", start=100, increments="flat:1", confirm_times=0,
                clock={"preset": "timed", "duration_ms": 600_000},
            )
        )["lot"]  # fmt: skip

        # Both releases serve bidders; what only one of them knows is refused, and nobody notices more than that.
        ana = Bidder(await connected(older, tokens["Ana"], show), show, lot)
        bo = Bidder(await connected(newer, tokens["Bo"], show), show, lot)
        async with asyncio.timeout(WAIT_S):
            while min(ana.taken, bo.taken) < BIDS:
                refused = await host.refused(LATER, show=show, message=message)
                assert (refused["code"], refused["retryable"], refused["seq"]) == ("not_yet", True, 0)
        await ana.stop()
        await bo.stop()
        await until_equal(show, older, newer)

        # The older one leaves under load; once it is gone the same message is taken.
        bo = Bidder(bo.client, show, lot)
        await old_stack.aclose()
        async with asyncio.timeout(WAIT_S):
            while True:
                reply = await host.reply(await host.send(LATER, show=show, message=message))
                if reply["type"] == "ok":
                    break
                assert reply["payload"]["code"] == "not_yet"
                await asyncio.sleep(0.1)
        ana_again = await connected(newer, tokens["Ana"], show)
        pinned = (await ana_again.join(show))["snapshot"]["chat"]["pinned"]
        assert pinned["id"] == message
        assert await bo.stop() > 0

        # A third node, of the newer release, finds the same show: from the log, and from the record.
        third = await started(stack)
        await third.hub.open(show)
        state = await until_equal(show, newer, third)
        async with asyncio.timeout(WAIT_S):
            while newer.hub.rooms[show].unrecorded or third.hub.rooms[show].unrecorded:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert (await recorded_room(newer.services.pool, show, FEATURES)).dump() == state

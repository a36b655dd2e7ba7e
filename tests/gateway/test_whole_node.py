"""The gateway on the real parts: accounts and shows in PostgreSQL, the log in Valkey, pages on the same port."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from liveserver.accounts.model import identity_of
from liveserver.cli.compose import Node, running_node
from liveserver.cli.ports import listen
from liveserver.config import Settings
from liveserver.kernel.ids import UserId
from liveserver.shows.model import ShowDraft
from tests.support.stage import Client

PASSWORD = "correct horse battery"


@pytest.fixture
async def node(engines, database_url: str, redis_url: str) -> AsyncIterator[Node]:
    fresh = dataclasses.replace(engines, database_url=database_url, redis_url=redis_url)
    settings = Settings(port=0, password_memory_kib=8_192, stop_grace_ms=2_000)
    with listen("127.0.0.1", 0) as listener:
        async with running_node(settings, fresh, listener) as node:
            yield node


async def token_of(node: Node, name: str, role: str = "viewer") -> str:
    accounts = node.services.accounts
    await accounts.register(name, f"{name}@shop.example", PASSWORD)
    account = await accounts.by_name(name)
    if role != "viewer":
        await accounts.set_role(account.id, role)
    _, token = await accounts.sign_in(f"{name}@shop.example", PASSWORD, "127.0.0.1")
    return token


async def client(node: Node, token: str = "", *, text: bool = True) -> Client:
    subprotocol = Subprotocol("live.v1.json" if text else "live.v1.msgpack")
    url = node.origin.replace("http", "ws") + "/ws"
    socket = await connect(url, subprotocols=[subprotocol], compression=None)
    made = Client(socket, text=text)
    await made.hello(token)
    return made


async def a_show(node: Node, host: str) -> str:
    account = await node.services.accounts.by_name(host)
    made = await node.services.shows.create(identity_of(account), ShowDraft(title="Cameras", currency="USD"))
    return made.id


async def test_a_lot_from_opening_to_outbid_over_both_formats(node):
    host_token, ana_token, bo_token = [
        await token_of(node, *who) for who in (("Hanna", "host"), ("Ana",), ("Bo",))
    ]
    show = await a_show(node, "Hanna")
    host = await client(node, host_token)
    ana, bo = await client(node, ana_token, text=False), await client(node, bo_token)
    guest = await client(node)
    for each, role in ((host, "host"), (ana, "viewer"), (bo, "viewer"), (guest, "guest")):
        joined = await each.join(show)
        assert joined["role"] == role
        assert set(joined["snapshot"]) >= {"show", "chat", "spotlight", "auction"}
    assert (await ana.refused("bid:place", show=show, lot="lot_x", amount=500))["code"] in (
        "show_not_live",
        "lot_unknown",
    )
    await host.ok("show:start", show=show)
    lot = (await host.ok("lot:open", show=show, title="Leica M3", start=500))["lot"]
    assert (await guest.refused("bid:place", show=show, lot=lot, amount=500))["code"] == "sign_in_required"
    assert (await host.refused("bid:place", show=show, lot=lot, amount=500))["code"] == "own_show"
    await ana.ok("bid:place", show=show, lot=lot, amount=500)
    await bo.ok("bid:place", show=show, lot=lot, amount=2_000)
    assert (await ana.next("bid:outbid"))["payload"]["lot"] == lot
    await guest.refused("chat:send", show=show, text="hi")
    await ana.ok("chat:send", show=show, text="so close")
    heard = []
    while "chat:new" not in heard:
        heard += [event["type"] for event in (await guest.batch())["events"]]
    assert [kind for kind in heard if kind != "bid:accepted"] == ["show:started", "lot:opened", "chat:new"]
    assert "bid:accepted" in heard
    again = await client(node, bo_token)
    resumed = await again.join(show, after={"epoch": joined["epoch"], "seq": 1})
    assert resumed["recovered"] is True
    assert resumed["events"][-1]["type"] == "chat:new"


async def test_signing_out_closes_the_socket_within_a_second(node):
    token = await token_of(node, "Ana")
    ana = await client(node, token)
    began_s = asyncio.get_running_loop().time()
    await node.services.accounts.sign_out(token)
    assert await ana.close_code() == 4500
    assert asyncio.get_running_loop().time() - began_s < 1


async def test_a_page_and_the_descriptions_come_from_the_same_port(node):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.origin.rsplit(":", 1)[1]))
    writer.write(b"GET /asyncapi.json HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    assert b"200 OK" in answer.split(b"\r\n", 1)[0]
    assert b"bid:place" in answer
    writer.close()


async def test_somebody_approved_for_bidding_may_bid_on_the_socket_they_have(node):
    token = await token_of(node, "Ana")
    ana_account = await node.services.accounts.by_name("Ana")
    await token_of(node, "Hanna", "host")
    show = await a_show(node, "Hanna")
    await node.services.accounts.set_verified(UserId(ana_account.id), False)
    ana = await client(node, token)
    await ana.join(show)
    await node.services.accounts.set_verified(UserId(ana_account.id), True)
    assert (await ana.next("you:changed"))["payload"]["verified"] is True

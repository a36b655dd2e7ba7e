"""The client against the real server: an evening with cut cables ends with everybody's picture equal to a fresh one, nothing lost,
nothing doubled; and a sign-out reaches a client at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from liveserver.accounts.model import identity_of
from liveserver.catalog.model import ProductDraft, VariantDraft
from liveserver.cli.compose import Node, running_node
from liveserver.cli.ports import listen
from liveserver.client import SNAPSHOT, BidPlaced, Bought, Event, LiveClient, Room
from liveserver.client import live as live_module
from liveserver.client import retry as retry_module
from liveserver.config import Settings
from liveserver.infra.engines import Engines
from liveserver.kernel.errors import Rejected
from liveserver.shows.model import ShowDraft

PASSWORD = "correct horse battery"
LOTS = 2
TURNS = 40


@pytest.fixture
async def node(engines: Engines, database_url: str, redis_url: str) -> AsyncIterator[Node]:
    settings = replace(Settings(port=0, password_memory_kib=8_192, stop_grace_ms=2_000).without_rates())
    with listen("127.0.0.1", 0) as listener:
        own = replace(engines, database_url=database_url, redis_url=redis_url)
        async with running_node(settings, own, listener) as node:
            yield node


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cables are cut more often here than anywhere; waits that grow from cut to cut would only make the test long."""
    monkeypatch.setattr(retry_module, "FIRST_MS", 20)
    monkeypatch.setattr(live_module, "STABLE_MS", -1)


async def token_of(node: Node, name: str, *, host: bool = False) -> str:
    accounts = node.services.accounts
    account = await accounts.register(name, f"{name}@shop.example", PASSWORD)
    assert not isinstance(account, Rejected)
    if host:
        await accounts.set_role(account.id, "host")
    begun = await accounts.sign_in(account.email, PASSWORD, "127.0.0.1")
    assert not isinstance(begun, Rejected)
    return begun[1]


async def a_show(node: Node, host: str) -> str:
    account = await node.services.accounts.by_name(host)
    assert account is not None
    show = await node.services.shows.create(identity_of(account), ShowDraft(title="Cameras", currency="USD"))
    assert not isinstance(show, Rejected)
    return show.id


def client(node: Node, token: str = "", **options: Any) -> LiveClient:
    return LiveClient(node.origin.replace("http", "ws") + "/ws", token, random=Random(3), **options)


def cut(person: LiveClient) -> None:
    """Somebody pulls this person's cable."""
    if person._ws is not None:
        person._ws.transport.abort()


async def listen_to(room: Room, heard: list[Event]) -> None:
    async for event in room.events():
        heard.append(event)  # noqa: PERF401  # read while it grows


async def test_cut_cables_lose_nothing_double_nothing_and_leave_the_right_picture(node: Node) -> None:
    host_token = await token_of(node, "Hanna", host=True)
    show = await a_show(node, "Hanna")
    random = Random(11)
    async with client(node, host_token) as hanna, client(node) as guest, asyncio.timeout(60):
        stage, watching = await hanna.join(show), await guest.join(show)
        people = [
            client(node, await token_of(node, name), codec=codec)
            for name, codec in (("Ana", "json"), ("Bo", "msgpack"))
        ]
        async with people[0], people[1], asyncio.TaskGroup() as group:
            rooms = [await person.join(show) for person in people]
            heard: list[list[Event]] = [[], [], []]
            listening = [
                group.create_task(listen_to(room, into))
                for room, into in zip([watching, *rooms], heard, strict=True)
            ]
            await stage.start_show()
            said: list[str] = []
            for number in range(LOTS):
                opened = await stage.open_lot(
                    title=f"Lot {number}", start=1_000, clock={"duration_ms": 60_000, "hammer_ms": 50}
                )
                assert not isinstance(opened, Rejected)
                for turn in range(TURNS):
                    who = random.randrange(2)
                    if random.random() < 0.3:
                        cut(people[random.randrange(2)])
                    text = f"{number}/{turn}"
                    bidding = asyncio.create_task(
                        rooms[who].bid(opened.lot, 1_000 + 500 * turn, confirm=True)
                    )
                    talking = asyncio.create_task(rooms[who].chat(text))
                    if random.random() < 0.3:
                        await asyncio.sleep(0)
                        cut(people[who])
                    placed, spoken = await bidding, await talking
                    assert not isinstance(spoken, Rejected), spoken
                    assert isinstance(placed, BidPlaced) or placed.code == "already_leading", placed
                    said.append(text)
                assert not isinstance(await stage.close_lot(opened.lot), Rejected)
                await stage.until(
                    lambda lot=opened.lot: stage.view["auction"]["lots"][lot]["status"] == "sold", 10_000
                )
            ended = await stage.end_show()
            assert not isinstance(ended, Rejected)
            for room in (stage, watching, *rooms):
                assert await room.until(lambda room=room: room.seq >= ended.seq, 10_000)

            async with client(node) as newcomer:
                fresh = await newcomer.join(show)
                for room in (stage, watching, *rooms):
                    assert room.view == fresh.view, "old snapshot and events make the new one"
            assert sum(person.losses for person in people) > 10, "cables were really cut"
            for into in heard:
                texts = [event.payload["message"] for event in into if event.type == "chat:new"]
                assert texts == said, "every message once, in order"
                assert not any(event.type == SNAPSHOT for event in into), "resumed, not begun anew"
                seqs = [event.seq for event in into if event.seq]
                assert seqs == sorted(seqs)
            for task in listening:
                task.cancel()


async def test_a_sign_out_elsewhere_ends_the_client_for_good(node: Node) -> None:
    await token_of(node, "Hanna", host=True)
    show, token = await a_show(node, "Hanna"), await token_of(node, "Ana")
    async with client(node, token) as ana:
        room = await ana.join(show)
        await node.services.accounts.sign_out(token)
        assert not await room.until(lambda: False, 3_000)
        assert room.ended is not None
        assert room.ended.code == "signed_out"
        assert ana.status == "closed"


async def test_a_draining_server_costs_the_connection_and_not_the_client(node: Node) -> None:
    await token_of(node, "Hanna", host=True)
    show = await a_show(node, "Hanna")
    async with client(node) as guest, asyncio.timeout(10):
        room = await guest.join(show)
        assert abs(guest.server_now() - node.services.clock.now_ms()) < 250
        connection = guest._ws
        assert connection is not None
        await node.gateway.drain(200)
        await connection.wait_closed()
        assert connection.close_code == 4000
        assert guest.status != "closed"
        assert room.ended is None


async def test_the_last_piece_is_bought_once_and_a_second_buyer_is_told(node: Node):
    hana, ana, bo = (
        await token_of(node, "hana", host=True),
        await token_of(node, "ana"),
        await token_of(node, "bo"),
    )
    services = node.services
    host = await services.accounts.identify(hana)
    assert not isinstance(host, Rejected)
    scarf = await services.catalog.create(
        host, ProductDraft("Scarf", 2_500, "USD", variants=(VariantDraft("s", stock=1),))
    )
    show = await services.shows.create(host, ShowDraft("Scarves", "USD"))
    assert not isinstance(scarf, Rejected)
    assert not isinstance(show, Rejected)
    url = node.origin.replace("http", "ws") + "/ws"
    async with LiveClient(url, hana) as seller, LiveClient(url, ana) as first, LiveClient(url, bo) as second:
        stage, rooms = await seller.join(show.id), [await first.join(show.id), await second.join(show.id)]
        assert not isinstance(await stage.start_show(), Rejected)
        assert not isinstance(await stage.spotlight(scarf.id, units=1), Rejected)
        answers = await asyncio.gather(*(room.buy(scarf.id) for room in rooms))
        (bought,) = [answer for answer in answers if isinstance(answer, Bought)]
        (refused,) = [answer for answer in answers if isinstance(answer, Rejected)]
        assert (bought.amount, bought.currency, refused.code) == (2_500, "USD", "sold_out")

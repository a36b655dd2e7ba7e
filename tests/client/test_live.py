"""The asyncio client against a server double over real sockets: losses, reconnects, verdicts, slow readers, refusals."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from liveserver.client import SNAPSHOT, BidPlaced, LiveClient, Refused, Said
from liveserver.client import live as live_module
from liveserver.client import retry as retry_module
from liveserver.kernel.errors import Rejected
from tests.support.scripted_server import SHOW, ScriptedServer, now, scripted_server


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts shrink; that they grow and spread is tested without a network."""
    monkeypatch.setattr(retry_module, "FIRST_MS", 8)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as double:
        yield double


def client(server: ScriptedServer, **options: Any) -> LiveClient:
    return LiveClient(server.url, options.pop("token", "ana"), random=Random(1), **options)


async def say(server: ScriptedServer, text: str) -> None:
    await server.happens("chat:new", {"id": f"m{server.seq + 1}", "user": {"id": "x"}, "text": text})


async def texts(reader: Any, count: int) -> list[str]:
    async with asyncio.timeout(5):
        return [(await anext(reader)).payload["text"] for _ in range(count)]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_join_speak_bid_and_hear(server: ScriptedServer, codec: Any) -> None:
    async with client(server, codec=codec) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        assert room.view["show"]["status"] == "live"
        assert room.lot is not None
        said = await room.chat("hello")
        assert isinstance(said, Said)
        assert said.id == "m1"
        assert await texts(reader, 1) == ["hello"]
        assert room.view == server.view
        bid = await room.bid("lot_1", 1_000)
        assert isinstance(bid, BidPlaced)
        assert bid.leading
        assert bid.price == 1_000
        assert abs(ana.server_now() - now()) < 100
        assert ana.session["user"] == {"id": "ana"}


async def test_a_cut_connection_loses_and_doubles_nothing(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        for n in range(5):
            server.abort_all()
            await say(server, f"while away {n}")
            assert await texts(reader, 1) == [f"while away {n}"]
        assert ana.losses >= 4
        assert len({hello["client"] for hello in server.hellos}) == 1
        assert room.view == server.view


async def test_of_several_addresses_the_next_is_tried_after_each_loss(server: ScriptedServer) -> None:
    nobody = "ws://127.0.0.1:9/ws"
    async with LiveClient([nobody, nobody, server.url, nobody], "ana", random=Random(1)) as ana:
        assert ana.url == server.url
        room = await ana.join(SHOW)
        reader = room.events()
        server.abort_all()
        await say(server, "while away")
        assert await texts(reader, 1) == ["while away"]
        assert (ana.url, ana.losses, len(server.hellos)) == (server.url, 1, 2)


async def test_a_lost_batch_is_noticed_by_the_next_and_fetched(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        server.lose_batches = 2
        for n in range(3):
            await say(server, str(n))
        assert await texts(reader, 3) == ["0", "1", "2"]
        assert ana.losses == 0
        assert server.received["room:join"] == 2


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
async def test_a_command_in_flight_counts_once(server: ScriptedServer, fault: str) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        getattr(server, fault).update({"bid:place", "chat:send"})
        async with asyncio.timeout(5):
            bid, said = await asyncio.gather(room.bid("lot_1", 1_000), room.chat("once"))
        assert isinstance(bid, BidPlaced)
        assert isinstance(said, Said)
        assert server.counted.count("1000") == 1
        assert server.counted.count("once") == 1


async def test_a_command_that_nobody_answers_is_unconfirmed(server: ScriptedServer) -> None:
    async with client(server, keep_ms=300) as ana:
        room = await ana.join(SHOW)
        server.silent_about.add("bid:place")
        refused = await room.bid("lot_1", 1_000)
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.retryable) == ("unconfirmed", False)


async def test_a_large_bid_is_confirmed_only_by_who_means_it(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        refused = await room.bid("lot_1", 500_000)
        assert isinstance(refused, Rejected)
        assert refused.code == "confirm_bid"
        assert isinstance(await room.bid("lot_1", 500_000, confirm=True), BidPlaced)


async def test_a_rebuilt_log_and_a_trimmed_history_bring_a_snapshot(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        server.rebuild()
        await say(server, "after the flood")
        async with asyncio.timeout(5):
            snapshot = await anext(reader)
        assert snapshot.type == SNAPSHOT
        assert snapshot.payload == server.view == room.view
        server.abort_all()
        await say(server, "missed for ever")
        server.kept_from = server.seq
        async with asyncio.timeout(5):
            snapshot = await anext(reader)
        assert snapshot.type == SNAPSHOT
        assert snapshot.payload == server.view


async def test_a_reader_who_does_not_read_gets_the_state_of_the_moment_instead(
    server: ScriptedServer,
) -> None:
    async with client(server, events_max=10) as ana:
        room = await ana.join(SHOW)
        slow, quick = room.events(), room.events()
        for n in range(25):
            await say(server, str(n))
            assert await texts(quick, 1) == [str(n)]
        snapshot = await anext(slow)
        assert snapshot.type == SNAPSHOT
        assert snapshot.payload == server.view
        await say(server, "and on")
        assert await texts(slow, 1) == ["and on"], "nothing from before the snapshot is told again"


async def test_close_codes_of_4500_and_above_are_final(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        await server.close_all(4500, "signed_out")
        async with asyncio.timeout(5):
            assert [event async for event in reader] == []
        assert ana.status == "closed"
        assert room.ended is not None
        assert room.ended.code == "signed_out"
        assert isinstance(await room.bid("lot_1", 1), Rejected)
        assert len(server.hellos) == 1


async def test_close_codes_under_4500_are_not(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        await server.close_all(4000, "draining 20")
        await say(server, "back again")
        assert await texts(reader, 1) == ["back again"]
        assert len(server.hellos) == 2


async def test_sent_away_twice_in_a_row_and_refused_in_between_it_is_back_soon(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[tuple[int, int]] = []

    def noted(attempt: int, random: Random, spread: int = 0) -> int:
        waits.append((attempt, spread))
        return 1

    monkeypatch.setattr(live_module, "delay_ms", noted)
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        for n in range(2):
            server.draining = 3
            await server.close_all(4000, "draining 20")
            await say(server, f"back {n}")
            assert await texts(reader, 1) == [f"back {n}"]
    # Sent away is no failure, being refused by one who stops is: it grows there, and begins anew.
    assert waits == [(0, 20), (0, 20), (1, 20), (2, 20)] * 2


async def test_a_bad_token_and_a_closed_room_are_told(server: ScriptedServer) -> None:
    with pytest.raises(Refused, match="bad_token"):
        async with client(server, token="bad"):
            pass
    server.refuse_joins = [server._error("unavailable", retryable=True), server._error("no_such_show")]
    async with client(server) as ana:
        with pytest.raises(Refused, match="no_such_show"):
            async with asyncio.timeout(5):
                await ana.join(SHOW)
        assert server.received["room:join"] == 2, "'not now' is tried again, 'no' is not"
        await ana.join(SHOW)


async def test_nonsense_costs_the_connection_and_nothing_else(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        for nonsense in ("not json", "[1]", '{"type":"events","show":"show_1"}', '{"payload":{}}'):
            for peer in server.peers:
                await peer.ws.send(nonsense)
            await say(server, nonsense)
            assert await texts(reader, 1) == [nonsense]
        await server.happens("chat:deleted", {})  # an event that does not fit: the view is fetched anew
        async with asyncio.timeout(5):
            assert (await anext(reader)).type == SNAPSHOT


async def test_leaving_and_closing_end_the_events(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        reader = room.events()
        await room.leave()
        assert [event async for event in reader] == []
        room = await ana.join(SHOW)
        reader = room.events()
        server.silent_about.add("bid:place")
        bidding = asyncio.create_task(room.bid("lot_1", 1_000))
        await asyncio.sleep(0)
    assert [event async for event in reader] == []
    refused = await bidding
    assert isinstance(refused, Rejected)
    assert refused.code == "closed"


async def test_many_at_once_keep_the_order_of_their_numbers(server: ScriptedServer) -> None:
    async with client(server) as ana:
        room = await ana.join(SHOW)
        await asyncio.gather(*(room.chat(str(n)) for n in range(50)))
        assert server.counted == [str(n) for n in range(50)]
        numbers = [int(id_[1:]) for _, id_ in server.verdicts]
        assert all(a < b for a, b in pairwise(numbers))

"""The load generator against small servers whose behaviour is known to the message and the millisecond."""

import asyncio
import json
import math
import random
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.load.build import compiler, program
from benchmarks.load.flood import FloodFailed, Group, Outcome, Plan, Stream, flood
from benchmarks.peers.model import Frame

pytestmark = pytest.mark.skipif(not compiler(), reason="there is no C compiler for the load generator")

STAMPED = Frame('{"said":"TS={ts}","number":{n}}')


@asynccontextmanager
async def server(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[int]:
    """A WebSocket server's port; connections that are cut off are no error."""

    async def quiet(connection: ServerConnection) -> None:
        try:
            await handler(connection)
        except ConnectionClosed:
            return

    async with serve(quiet, "127.0.0.1", 0, compression=None) as running:
        yield next(iter(running.sockets)).getsockname()[1]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


class Broadcaster:
    """What comes on /publish goes to everybody else."""

    def __init__(self) -> None:
        self.viewers: set[ServerConnection] = set()

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/publish":
            async for message in connection:
                broadcast(self.viewers, message)
        else:
            self.viewers.add(connection)
            await connection.wait_closed()
            self.viewers.discard(connection)


async def run(plan: Plan, binary: Path | None = None) -> Outcome:
    return await asyncio.to_thread(flood, plan, binary=binary)


def plan(
    port: int,
    groups: Sequence[Group],
    streams: Sequence[Stream] = (),
    measure_ms: float = 300,
    **more: object,
) -> Plan:
    defaults = {"settle_ms": 20, "warm_ms": 100, "drain_ms": 1_000, "stall_ms": 5_000}
    return Plan(port=port, groups=groups, streams=streams, measure_ms=measure_ms, **{**defaults, **more})  # pyright: ignore[reportArgumentType]  # fields by name, as the cases give them


def answers(rate: float, frame: Frame = STAMPED) -> Stream:
    return Stream(source="people", target="people", to_all=False, rate=rate, frame=frame)


PUBLISHED = Stream(source="publisher", target="viewers", to_all=True, rate=100, frame=STAMPED)


async def test_every_viewer_is_counted_for_every_message() -> None:
    async with server(Broadcaster()) as port:
        groups = [Group(name="viewers", count=7), Group(name="publisher", count=1, path="/publish")]
        viewers = (await run(plan(port, groups, [PUBLISHED]))).group("viewers")
    assert viewers.wanted == viewers.delivered == 7 * 30  # of 300 ms; the warm-up's are not among them
    assert viewers.ratio == 1


async def test_a_server_that_loses_every_third_message_shows_in_the_ratio() -> None:
    async def lossy(connection: ServerConnection) -> None:
        async for message in connection:
            if json.loads(message)["number"] % 3:
                await connection.send(message)

    async with server(lossy) as port:
        people = (await run(plan(port, [Group(name="people", count=3)], [answers(300)], drain_ms=500))).group(
            "people"
        )
    assert people.wanted == 90
    assert people.delivered == 60


async def test_times_are_those_of_the_server() -> None:
    async def late(connection: ServerConnection) -> None:
        loop = asyncio.get_running_loop()
        async for message in connection:
            loop.call_later(0.08, lambda said=message: loop.create_task(connection.send(said)))

    async with server(late) as port:
        people = (await run(plan(port, [Group(name="people", count=2)], [answers(100)]))).group("people")
    assert people.ratio == 1
    assert 79 <= people.p50_ms < 160  # percentiles are right within 0.8 %; a busy machine adds some
    assert people.p50_ms <= people.p95_ms <= people.p99_ms <= people.p999_ms <= people.max_ms


async def test_a_pause_of_the_server_delays_all_that_was_due_meanwhile() -> None:
    """No coordinated omission: 200 ms of silence under 100 messages a second are 20 late messages, not one."""

    async def pausing(connection: ServerConnection) -> None:
        paused = False
        async for message in connection:
            if not paused and json.loads(message)["number"] >= 20:
                paused = True
                await asyncio.sleep(0.2)  # is what is tested
            await connection.send(message)

    async with server(pausing) as port:
        people = (await run(plan(port, [Group(name="people", count=1)], [answers(100)]))).group("people")
    # Of the 30 of the measured period 20 waited, evenly from 200 ms down to nothing: half of all waited 50 ms or more.
    assert people.delivered == 30
    assert people.p50_ms >= 40
    assert 190 <= people.max_ms < 400


@pytest.mark.parametrize("read_bytes", [1, 7, 30])
async def test_stamps_cut_in_two_by_a_read_are_found(read_bytes: int) -> None:
    async with server(echo) as port:
        few = program("flood", f"READ_BYTES={read_bytes}")
        outcome = await run(plan(port, [Group(name="people", count=2)], [answers(100)]), few)
    people = outcome.group("people")
    assert people.wanted == people.delivered == 30
    assert people.reads >= people.bytes / read_bytes


async def test_what_only_looks_like_a_stamp_is_not_counted() -> None:
    async def misleading(connection: ServerConnection) -> None:
        async for message in connection:
            number = json.loads(message)["said"]
            await connection.send(
                f"TS= TS=xyz =TS TSTS={number[3:10]}- XS={number[3:]} {message} TS=ffffffffffffffff TS=0"
            )

    async with server(misleading) as port:
        people = (await run(plan(port, [Group(name="people", count=1)], [answers(100)]))).group("people")
    assert people.delivered == people.wanted == 30


async def test_groups_hear_only_their_own_stamps() -> None:
    bid = Frame('{"number":{n},"said":"BS={ts}"}')
    async with server(echo) as port:
        groups = [Group(name="people", count=1), Group(name="bidders", count=2, stamp="BS")]
        streams = [
            answers(100),
            Stream(source="bidders", target="bidders", to_all=False, rate=200, frame=bid),
        ]
        outcome = await run(plan(port, groups, streams))
    assert outcome.group("people").delivered == 30
    assert outcome.group("bidders").delivered == 60


async def test_connections_go_round_several_servers_and_streams_go_to_all() -> None:
    met: dict[str, int] = {"one": 0, "two": 0}

    def counting(name: str) -> Callable[[ServerConnection], Awaitable[None]]:
        async def handle(connection: ServerConnection) -> None:
            met[name] += 1
            await echo(connection)

        return handle

    async with server(counting("one")) as one, server(counting("two")) as two:
        outcome = await run(plan(one, [Group(name="people", count=5)], [answers(200)], more_ports=(two,)))
    assert met == {"one": 3, "two": 2}
    assert outcome.group("people").ratio == 1
    assert outcome.group("people").lost == 0


async def test_each_says_hello_with_its_own_token_and_is_ready_when_answered(tmp_path: Path) -> None:
    heard: list[str] = []

    async def polite(connection: ServerConnection) -> None:
        heard.append(str(await connection.recv()))
        await connection.send("welcome")
        await connection.wait_closed()

    (tmp_path / "tokens").write_text("ana\nbo\ncy\n")
    hello = [Frame('{"token":"{token}"}')]
    async with server(polite) as port:
        group = Group(name="people", count=3, hello=hello, ready="welcome", tokens=tmp_path / "tokens")
        outcome = await run(plan(port, [group], measure_ms=20))
    assert sorted(heard) == ['{"token":"ana"}', '{"token":"bo"}', '{"token":"cy"}']
    assert outcome.group("people").ready_s >= outcome.group("people").open_s


async def test_who_is_not_made_ready_ends_the_run_in_words() -> None:
    async with server(echo) as port:
        with pytest.raises(FloodFailed, match="people stalls: of 2 connections 2 are open and 0 ready"):
            await run(plan(port, [Group(name="people", count=2, ready="welcome")], stall_ms=200))


async def test_a_refused_handshake_ends_the_run_in_words() -> None:
    async def elsewhere(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(elsewhere, "127.0.0.1", 0) as refusing:
        port = refusing.sockets[0].getsockname()[1]
        with pytest.raises(FloodFailed, match=r"people was refused: HTTP/1\.1 403 Forbidden"):
            await run(plan(port, [Group(name="people", count=1)]))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"host": "192.0.2.1"}, "only loopback"),
        ({"measure_ms": 3_600_001}, "expected a number from 0 to 3.6e"),
        ({"groups": []}, "a group and measure_ms are needed"),
        ({"groups": [Group(name="Bad Name", count=1)]}, "name is small letters"),
        ({"groups": [Group(name="people", count=300_000)]}, "expected a number from 1 to 200000"),
        ({"groups": [Group(name="people", count=1, ready="x" * 49)]}, "a pattern has at most 48 bytes"),
        ({"streams": [answers(0)]}, "expected a number from 0.001"),
    ],
)  # fmt: skip
async def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(FloodFailed, match=sentence):
        await run(Plan(**{"port": 9, "groups": [Group(name="people", count=1)], **wrong}))  # pyright: ignore[reportArgumentType]  # fields by name, as the cases give them


async def test_pings_are_answered() -> None:
    answered: list[float] = []

    async def pinging(connection: ServerConnection) -> None:
        pong = await connection.ping(b"are you there?")
        answered.append(await pong)

    async with server(pinging) as port:
        await run(plan(port, [Group(name="people", count=2)], measure_ms=100))
    assert len(answered) == 2


async def test_lost_connections_are_counted_with_their_close_codes() -> None:
    async def sending_away(connection: ServerConnection) -> None:
        number = json.loads(await connection.recv())["number"]
        if number == 1:
            connection.transport.abort()
        else:
            await connection.close(4_001)

    async with server(sending_away) as port:
        outcome = await run(plan(port, [Group(name="people", count=3)], [answers(300)], drain_ms=50))
    assert outcome.group("people").lost == 3
    assert outcome.group("people").closes == {"1006": 1, "4001": 2}


async def test_a_storm_comes_back_where_it_was() -> None:
    said: list[str] = []

    async def room(connection: ServerConnection) -> None:
        async for message in connection:
            said.append(str(message))
            if "after" in str(message):
                await connection.send('{"recovered":true}')
            else:
                await connection.send('{"recovered":false,"epoch":3,"to":17}')
                await connection.send('{"from":17,"to":42}')

    group = Group(
        name="crowd",
        count=5,
        hello=[Frame("hello")],
        again=[Frame('{"after":[{epoch},{position}]}')],
        ready='"recovered":',
        resumed='"recovered":true',
        position='"to":',
        epoch='"epoch":',
        storm_at_ms=100,
        storm_count=4,
    )
    async with server(room) as port:
        storm = (await run(plan(port, [group], measure_ms=400))).group("crowd").storm
    assert storm is not None
    assert (storm.count, storm.ready, storm.resumed, storm.failures, storm.lost) == (4, 4, 4, 0, 0)
    assert 0 <= storm.half_s <= storm.most_s <= storm.all_s < 2
    assert said.count("hello") == 5
    assert said.count('{"after":[3,42]}') == 4


async def test_the_deaf_join_and_then_read_nothing() -> None:
    stuck = asyncio.Event()

    async def pouring(connection: ServerConnection) -> None:
        await connection.send("welcome")
        connection.transport.set_write_buffer_limits(high=0)
        sending = asyncio.create_task(_pour(connection))
        done, _ = await asyncio.wait([sending], timeout=0.3)
        if not done:
            stuck.set()
        sending.cancel()

    async def _pour(connection: ServerConnection) -> None:
        for _ in range(20_000):
            await connection.send("x" * 1_000)

    async with server(pouring) as port:
        outcome = await run(
            plan(port, [Group(name="deaf", count=1, ready="welcome", deaf=True)], measure_ms=600)
        )
    assert stuck.is_set()
    assert outcome.group("deaf").bytes < 20_000 * 1_000


def test_percentiles_are_right_within_a_hundredth() -> None:
    shares = (0.5, 0.95, 0.99, 0.999)
    chance = random.Random(11)
    samples = sorted(int(math.exp(chance.uniform(0, 24))) for _ in range(20_000))
    binary = program("percentiles", source=Path(__file__).with_name("percentiles.c"))
    said = subprocess.run(
        [binary, *map(str, shares)],
        input="\n".join(map(str, samples)),
        capture_output=True,
        text=True,
        check=True,
    )
    for share, told in zip(shares, said.stdout.split(), strict=True):
        exact_ms = samples[int(share * len(samples))] / 1e6
        assert float(told) == pytest.approx(exact_ms, rel=0.01)

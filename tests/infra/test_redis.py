"""Connections to Redis: the append connection sends once and only once; a server's unfitness is listed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from liveserver.infra.engines import Engines
from liveserver.infra.redis import append_connection, busy, cut, general, held, requirement_problems, run_id


class ReplyEater:
    """A server that answers the handshake, counts FCALLs, and loses their replies in one of two ways."""

    def __init__(self, lose: Callable[[asyncio.StreamWriter], None]) -> None:
        self.lose = lose
        self.appends = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while header := await reader.readline():
                words: list[bytes] = []
                for _ in range(int(header[1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2])
                if words[0] == b"FCALL":
                    self.appends += 1
                    self.lose(writer)
                else:
                    writer.write(b"+OK\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(eater: ReplyEater) -> AsyncIterator[str]:
    server = await asyncio.start_server(eater.serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


LOSSES = {
    "silence": lambda _: None,
    "closed": lambda writer: writer.close(),
    "reset": lambda writer: writer.transport.abort(),
    "half a reply, then closed": lambda writer: (writer.write(b"$100\r\nhal"), writer.close()),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
async def test_an_append_whose_reply_is_lost_was_sent_exactly_once(
    loss: Callable[[asyncio.StreamWriter], None],
):
    eater = ReplyEater(loss)
    async with serving(eater) as url:
        client = append_connection(url, reply_max_ms=100)
        for sent in (1, 2, 3):
            with pytest.raises(RedisError):
                await client.fcall("append", 1, "log", "batch")
            assert eater.appends == sent
        await client.aclose()
    assert eater.connections == 3, "after an unknown outcome the next append starts on a fresh connection"


@pytest.mark.parametrize(
    "answer", ["MOVED 1 127.0.0.1:1", "ASK 1 127.0.0.1:1", "TRYAGAIN later", "CLUSTERDOWN", "READONLY"]
)
async def test_row_1_a_cluster_s_refusal_of_an_append_is_left_to_who_sent_it(answer: str):
    eater = ReplyEater(lambda writer: writer.write(f"-{answer}\r\n".encode()))
    async with serving(eater) as url:
        client = append_connection(url, reply_max_ms=500)
        with pytest.raises(RedisError):
            await client.fcall("append", 1, "log", "batch")
        await client.aclose()
    assert eater.appends == 1


async def test_the_same_loss_makes_a_general_client_send_again():
    # The reason for the append connection; if this ever stops being true, the trap is gone.
    eater = ReplyEater(LOSSES["closed"])
    async with serving(eater) as url:
        client = general(url)
        with pytest.raises(RedisError):
            await client.fcall("append", 1, "log", "batch")
        await client.aclose()
    assert eater.appends > 1


async def test_what_belongs_together_is_never_said_on_two_connections():
    # WAITAOF on a fresh connection would say at once that all of nothing is on disk.
    eater = ReplyEater(lambda writer: (writer.write(b"+OK\r\n"), writer.close()))
    async with serving(eater) as url:
        client = append_connection(url, reply_max_ms=500)
        async with held(client) as say:
            assert await say("FCALL", "append", 1, "log", "batch") == b"OK"
            with pytest.raises((RedisError, OSError)):
                await say("WAITAOF", 1, 1, 5)
        assert (eater.appends, eater.connections) == (1, 1)
        await client.aclose()


async def test_a_cancelled_append_leaves_no_reply_for_the_next_one(redis_url: str):
    # redis-py once gave a cancelled command's reply to the next caller (CVE-2023-28858).
    client = append_connection(redis_url)
    for turns in range(40):
        cancelled = asyncio.create_task(client.echo(f"cancelled {turns}"))
        for _ in range(turns % 8):
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert await client.echo(f"next {turns}") == f"next {turns}".encode()
    await client.aclose()


async def test_a_connection_that_ends_while_it_is_used_is_an_error_and_never_anything_else(redis_url: str):
    # uvloop's RuntimeError for a closed transport once ended a task that nobody looked after.
    client = general(redis_url)
    for turns in range(200):
        asked = asyncio.create_task(client.echo("x" * 10_000))
        for _ in range(turns % 20):
            await asyncio.sleep(0)
        cut(client) if turns % 2 else await client.connection_pool.disconnect()
        (answer,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(answer, bytes | RedisError | OSError), repr(answer)
    assert await client.echo("well") == b"well"
    await client.aclose()


async def test_who_waits_for_an_answer_is_freed_by_a_cut():
    eater = ReplyEater(LOSSES["silence"])
    async with serving(eater) as url:
        client = append_connection(url)
        asked = asyncio.create_task(client.fcall("append", 1, "log", "batch"))
        async with asyncio.timeout(20):
            while not eater.appends:  # noqa: ASYNC110 - the server is a double that tells nobody
                await asyncio.sleep(0.01)
            assert busy(client)
            cut(client)
            with pytest.raises((RedisError, OSError)):
                await asked
        assert not busy(client)
        assert eater.appends == 1
        await client.aclose()


async def test_run_id_changes_with_a_restart(own_engines: Engines):
    client = general(own_engines.redis_url)
    before = await run_id(client)
    assert before == await run_id(client)
    assert len(before) == 40
    valkey = next(engine for engine in own_engines.running if engine.recipe.name == "Valkey")
    await valkey.stop()
    await valkey.start()
    assert await run_id(client) != before
    await client.aclose()


async def test_the_embedded_valkey_meets_the_requirements(redis: Redis):
    assert await requirement_problems(redis) == []


class Told:
    """What a server would answer; `settings` None forbids CONFIG GET, as managed services do."""

    def __init__(self, info: dict[str, object], settings: dict[str, str] | None) -> None:
        self._info, self._settings = info, settings

    async def info(self) -> dict[str, object]:
        return self._info

    async def config_get(self, *_: str) -> dict[str, str]:
        if self._settings is None:
            raise ResponseError("unknown command 'CONFIG'")
        return self._settings


GOOD = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": 1}
KEPT = {"appendfsync": "always", "aof-load-truncated": "no"}


@pytest.mark.parametrize(
    ("info", "settings", "complaint"),
    [
        (GOOD, KEPT, None),
        (GOOD, None, None),
        ({**GOOD, "redis_version": "6.2.14"}, KEPT, "6.2.14 is too old"),
        ({**GOOD, "maxmemory_policy": "allkeys-lru"}, KEPT, "may evict keys"),
        ({**GOOD, "aof_enabled": 0}, KEPT, "keeps nothing on disk"),
        (GOOD, {**KEPT, "appendfsync": "everysec"}, "before it is on disk"),
        (GOOD, {**KEPT, "aof-load-truncated": "yes"}, "cut append-only file"),
    ],
)
async def test_each_unfit_setting_is_listed_with_its_cure(
    info: dict[str, object], settings: dict[str, str] | None, complaint: str | None
):
    problems = await requirement_problems(Told(info, settings))
    if complaint is None:
        assert problems == []
    else:
        (problem,) = problems
        assert complaint in problem.what
        assert problem.mend


async def test_a_server_that_is_away_is_one_problem():
    client = append_connection("redis://127.0.0.1:1")
    (problem,) = await requirement_problems(client)
    assert "cannot be" in problem.what
    await client.aclose()

"""The recorder process beside a server: there by default, gone with its parent, absent when recording is done inside."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from liveserver.cli.children import Child, Orders
from liveserver.cli.relay import Heard, Telling, Told
from liveserver.config import Settings
from liveserver.infra.shards import Shards
from liveserver.jobs.model import Counts as JobCounts
from liveserver.rooms.recorder import Counts, Numbers
from tests.cli.test_serve import ready, stopped, until
from tests.support.server import children_of

MODULE = "liveserver.cli.recorder"


def lives(pid: int) -> bool:
    return (Path("/proc") / str(pid)).exists()


async def told(origin: str) -> set[str]:
    """The processes whose recording `/metrics` tells of."""
    async with aiohttp.ClientSession() as browser, browser.get(f"{origin}/metrics") as answer:
        rows = (await answer.text()).splitlines()
    start = 'liveserver_recorder_lag_commands{process="'
    return {row.removeprefix(start).partition('"')[0] for row in rows if row.startswith(start)}


async def test_a_server_has_a_recorder_beside_it_whose_numbers_it_tells(start, new_data_dir):
    process = await start("serve", "--port", "0", LIVESERVER_DATA_DIR=str(new_data_dir()))
    origin = await ready(process)
    await until(lambda: len(children_of(process.pid, MODULE)) == 1)
    async with asyncio.timeout(30):
        while await told(origin) != {"node", "recorder"}:  # noqa: ASYNC110 - told once a second, by another process
            await asyncio.sleep(0.1)
    (first,) = children_of(process.pid, MODULE)
    os.kill(first, signal.SIGKILL)
    await until(lambda: children_of(process.pid, MODULE) not in ([], [first]))
    (second,) = children_of(process.pid, MODULE)
    code, err = await stopped(process)
    assert code == 0, err
    assert '"kind": "recorder"' in err
    assert "Traceback" not in err
    assert not lives(second)


async def test_a_recorder_ends_when_its_parent_is_killed(start, new_data_dir):
    process = await start("serve", "--port", "0", LIVESERVER_DATA_DIR=str(new_data_dir()))
    await ready(process)
    await until(lambda: len(children_of(process.pid, MODULE)) == 1)
    (recorder,) = children_of(process.pid, MODULE)
    process.kill()
    await process.wait()
    await until(lambda: not lives(recorder))


async def test_recording_inside_needs_no_process(start, new_data_dir):
    data_dir = str(new_data_dir())
    process = await start("serve", "--port", "0", "--recorder", "inside", LIVESERVER_DATA_DIR=data_dir)
    origin = await ready(process)
    assert children_of(process.pid, MODULE) == []
    assert await told(origin) == {"node"}
    assert (await stopped(process))[0] == 0


async def test_another_word_for_the_recorder_is_refused(ask):
    code, _, err = await ask("serve", "--recorder", "elsewhere")
    assert code == 2
    assert "process" in err
    assert "inside" in err


async def test_numbers_are_heard_as_told_and_forgotten_when_nobody_tells_them(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("liveserver.cli.relay.ROUND_S", 0.02)
    monkeypatch.setattr("liveserver.cli.relay.FRESH_MS", 200)
    numbers, jobs = (
        Numbers(12, 340, Counts(3, 900, 880, 0.25)),
        JobCounts(done=7, failed=2, dead=1, busy_s=0.5),
    )
    telling, heard, other = (
        Telling(Shards.around(redis), "recorder_1", lambda: Told(numbers, jobs)),
        Heard(Shards.around(redis), "recorder_1"),
        Heard(Shards.around(redis), "recorder_2"),
    )
    for each in (telling, heard, other):
        await each.start()
    await until(lambda: heard.numbers == numbers)
    assert heard.jobs == jobs
    assert other.numbers is None
    await telling.aclose()
    await until(lambda: heard.numbers is None)
    await heard.aclose()
    await other.aclose()


@pytest.mark.parametrize(("lasting", "deaths"), [(False, 3), (True, 6)])
async def test_a_child_that_goes_on_dying_is_given_up_unless_others_can_do_its_work(
    monkeypatch: pytest.MonkeyPatch, lasting: bool, deaths: int
):
    pauses: list[float] = []
    died = asyncio.Event()

    class Dying(Child):
        async def _once(self) -> int:
            return 1

        async def _pause(self, pause_s: float) -> None:
            pauses.append(pause_s)
            if len(pauses) == 6:
                died.set()
                await asyncio.Event().wait()

    monkeypatch.setattr("liveserver.cli.children.RESTARTS_MAX", 3)
    child = Dying("test", "nothing", Orders(Settings(), "", "", 1, ""), lasting=lasting)
    child._deaths = type(child._deaths)(maxlen=3)
    running = asyncio.create_task(child.run())
    await asyncio.wait(
        [asyncio.create_task(child.gave_up.wait()), asyncio.create_task(died.wait())],
        return_when=asyncio.FIRST_COMPLETED,
    )
    assert child.gave_up.is_set() is not lasting
    assert len(pauses) == deaths
    assert pauses == ([0.5, 2.0, 8.0, 30.0, 30.0, 30.0] if lasting else [0.5] * 3)
    running.cancel()

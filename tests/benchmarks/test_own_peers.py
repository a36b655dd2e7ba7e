"""The two servers that every comparison has: liveserver itself, and the raw sends that are the machine's limit."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from benchmarks.bench import bidders, chat, publisher, viewers
from benchmarks.load.build import compiler
from benchmarks.load.flood import Plan, flood
from benchmarks.peers.liveserver import RESUMED, LiveRunning, LiveServer, resume
from benchmarks.peers.model import Setting
from benchmarks.peers.raw import Raw
from benchmarks.processes import descendants
from benchmarks.results import Point
from liveserver.infra.ports import free_port

pytestmark = pytest.mark.skipif(not compiler(), reason="there is no C compiler for the load generator")

CORE = min(os.sched_getaffinity(0))


@pytest.fixture
def setting(new_data_dir: Callable[[], Path]) -> Setting:
    return Setting(port=free_port(), folder=new_data_dir(), connections=10)


def test_liveserver_serves_viewers_and_bidders(setting: Setting) -> None:
    with LiveServer("fanout").start(setting, CORE) as running:
        assert isinstance(running, LiveRunning)
        people, bids = bidders(running, 3, 100)
        speech = running.speech
        crowd = viewers(
            speech,
            4,
            again=resume(running.show),
            resumed=RESUMED,
            position='"to":',
            epoch='"epoch":',
            storm_at_ms=300,
            storm_count=4,
        )
        groups = [crowd, publisher(speech), people]
        plan = Plan(
            port=setting.port, groups=groups, streams=[chat(speech, 50), bids], warm_ms=200, measure_ms=500
        )
        outcome = flood(plan)
        accepted, numbers = running.bids_accepted(), running.metrics()
        others = descendants(running.pids)
        assert all(os.sched_getaffinity(pid) == {CORE} for pid in running.pids)
        if len(os.sched_getaffinity(0)) > 1:
            assert all(CORE not in os.sched_getaffinity(pid) for pid in others), (
                "engines are beside the server"
            )
    assert outcome.group("bidders").ratio == 1
    assert outcome.group("bidders").wanted == 50
    assert (
        1 <= accepted <= 70
    )  # of the warm-up's and the measured period's; some may be too low when their turn comes
    assert numbers["liveserver_flushes_total"] > 0
    storm = outcome.group("viewers").storm
    assert storm is not None
    assert storm.ready == storm.resumed == 4
    # What was said while they were away came with the resume, stamps and all.
    assert outcome.group("viewers").ratio == 1


def test_raw_sends_give_every_viewer_every_message_in_flushes(setting: Setting) -> None:
    like = Point(
        scenario="fanout", peer="liveserver", rate=200, more={"flushes_per_s": 10, "bytes_per_delivery": 300}
    )
    with Raw().like(like).start(setting, CORE) as running:
        speech = running.speech
        groups = [viewers(speech, 5), publisher(speech)]
        seen = flood(
            Plan(port=setting.port, groups=groups, streams=[chat(speech, 200)], warm_ms=200, measure_ms=1_000)
        ).group("viewers")
    assert seen.ratio == 1
    assert seen.delivered == 5 * 200
    assert 50 < seen.p95_ms < 200, "a flush every 100 ms"
    assert 290 <= seen.bytes / (5 * 240) <= 310


async def test_raw_sends_speak_websocket_with_any_client(setting: Setting) -> None:
    with Raw(1).start(setting, CORE):
        address = f"ws://127.0.0.1:{setting.port}"
        async with (
            connect(address, compression=None) as viewer,
            connect(f"{address}/publish", compression=None) as host,
        ):
            await host.send("x" * 70_000)
            async with asyncio.timeout(5):
                assert await viewer.recv() == "x" * 70_000 + "\n"


@pytest.mark.parametrize(
    ("rate", "flushes_per_s", "flush_ms"), [(500, 20, 50), (2_000, 40, 25), (5, 9, 25), (5, 0, 25)]
)
def test_the_limit_waits_as_liveserver_did_and_not_in_a_quiet_room(
    rate: float, flushes_per_s: float, flush_ms: float
) -> None:
    point = Point(scenario="fanout", peer="liveserver", rate=rate, more={"flushes_per_s": flushes_per_s})
    assert Raw().like(point).flush_ms == flush_ms

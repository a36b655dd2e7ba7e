"""Locust itself, in a process of its own (gevent changes Python's sockets for the whole process), on a real server."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import JWT, Server, person

ROOT = Path(__file__).resolve().parents[2]
RUN_MAX_S = 40

pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="make .venv/.load installs locust")


@pytest.fixture
async def server(new_data_dir: Callable[[], Path]) -> AsyncIterator[Server]:
    async with Server(new_data_dir(), {**JWT, "LIVESERVER_UNLIMITED": "true"}) as server:
        yield server


async def locust(*arguments: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(ROOT / "loadtests/locustfile.py"),
        "--headless",
        "--only-summary",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    try:
        async with asyncio.timeout(RUN_MAX_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_five_seconds_of_hammering(server: Server, tmp_path: Path):
    show = await server.new_show(person("Hana", "host"))
    figures = tmp_path / "figures"
    arguments = ["--host", server.origin, "--show", show, "--scenario", "hammer", "-u", "8", "-t", "5s"]
    code, said = await locust(*arguments, "--json-file", str(figures), **JWT)

    assert code == 0, said
    assert "PASSED" in said
    assert "Every batch continued the one before" in said
    rows: list[dict[str, Any]] = json.loads(figures.with_suffix(".json").read_text())
    counts = {(row["method"], row["name"]): row["num_requests"] for row in rows}
    assert counts["command", "bid:place"] > 0
    assert counts["event", "bid:accepted"] > 0
    assert counts["batch", "events"] > 8
    assert counts["connect", "connect"] == counts["command", "room:join"] == 8
    assert [row["name"] for row in rows if row["num_failures"]] == []


async def test_another_machine_is_refused_at_once():
    code, said = await locust("--host", "http://192.0.2.1:8080", **JWT)
    assert code == 2
    assert "Load goes to this machine only" in said
    assert "Ramping" not in said

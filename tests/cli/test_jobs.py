"""Jobs in a real server: run beside the nodes or inside them, with the same outcome."""

import asyncio
import json
import re

import aiohttp
import pytest

from tests.cli.test_serve import ready, stopped

DONE = re.compile(r"^liveserver_jobs_done_total (\S+)$", re.MULTILINE)


async def link_in(process: asyncio.subprocess.Process) -> str:
    """The link of the first mail that is printed."""
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while line := await process.stderr.readline():
            if b"mail_printed" in line:
                found = re.search(r"/verify/([A-Za-z0-9_-]{43})", json.loads(line)["text"])
                assert found is not None
                return found[1]
    raise AssertionError("the server ended without printing a mail")


@pytest.mark.parametrize("recorder", ["process", "inside"])
async def test_a_newcomer_finds_the_link_in_the_log_and_the_work_is_counted(
    start, new_data_dir, recorder: str
):
    process = await start(
        "serve", "--port", "0", "--recorder", recorder, LIVESERVER_DATA_DIR=str(new_data_dir())
    )
    origin = await ready(process)
    async with aiohttp.ClientSession(f"{origin}") as browser:
        person = {"name": "Ana", "email": "ana@example.com", "password": "ferry-lantern-oak"}
        async with browser.post("/api/v1/auth/register", json=person) as made:
            assert made.status == 201
        token = await link_in(process)
        async with browser.post("/api/v1/auth/verify-email", json={"token": token}) as verified:
            assert verified.status == 204
        async with asyncio.timeout(30):
            done = 0.0
            while not done:
                async with browser.get("/metrics") as told:
                    found = DONE.search(await told.text())
                assert found is not None
                done = float(found[1])
                await asyncio.sleep(0.1)
    code, err = await stopped(process)
    assert code == 0, err
    assert "Traceback" not in err

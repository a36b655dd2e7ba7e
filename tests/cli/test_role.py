"""`liveserver role` gives a fresh server its first host, beside the running server, which notices."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp

from tests.support.server import Server


async def role(data_dir: Path, *args: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "liveserver.cli", "role", *args,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "LIVESERVER_DATA_DIR": str(data_dir)},
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_somebody_who_registered_becomes_a_host(new_data_dir: Callable[[], Path]) -> None:
    async with Server(new_data_dir()) as server, aiohttp.ClientSession() as http:
        person = {"name": "Hana", "email": "hana@example.com", "password": "a long enough passphrase 7"}
        signed_in = await server.post("/auth/register", person)
        code, said = await role(server.data_dir, "hana@example.com", "host")
        assert (code, "Hana (hana@example.com) is host now" in said) == (0, True), said
        headers = {"authorization": f"Bearer {signed_in['token']}"}
        async with http.get(f"{server.origin}/api/v1/me", headers=headers) as response:
            assert (await response.json())["role"] == "host", "the running server has noticed"
        code, said = await role(server.data_dir, "nobody@example.com", "host")
        assert code == 1
        assert "Nobody has registered with nobody@example.com" in said
        assert "Traceback" not in said

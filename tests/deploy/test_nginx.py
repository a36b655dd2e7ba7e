"""The balancer's settings in a real nginx before a real server: pages, sockets, and a node that is dead."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import connect

from liveserver.infra.ports import free_port
from tests.support.deployment import ROOT
from tests.support.server import Server

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
WAIT_S = 30.0

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def settings_for(folder: Path, port: int, nodes: list[int]) -> Path:
    """deploy/compose/nginx.conf with this machine's addresses in place of the containers'."""
    text = (ROOT / "deploy" / "compose" / "nginx.conf").read_text()
    names = re.findall(r"server (live-\d:8080)", text)
    assert len(names) == len(nodes) == 3
    for name, node in zip(names, nodes, strict=True):
        text = text.replace(name, f"127.0.0.1:{node}")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/tmp/", f"{folder}/")
    text = re.sub(r"worker_(processes|connections|rlimit_nofile) \w+;", "", text)
    target = folder / "nginx.conf"
    target.write_text(("user root;\n" if os.getuid() == 0 else "") + text)
    return target


@pytest.fixture
async def site(new_data_dir) -> AsyncIterator[str]:
    """A server behind nginx, which knows two more that are not there."""
    folder = new_data_dir().parent
    port = free_port()
    about = {"LIVESERVER_PUBLIC_URL": f"http://127.0.0.1:{port}", "LIVESERVER_TRUSTED_PROXIES": "127.0.0.1"}
    async with Server(folder / "data", about) as server:
        # It calls itself by the public address; where it really listens, its process knows.
        own = await own_port(server)
        assert NGINX is not None
        nginx = await asyncio.create_subprocess_exec(
            NGINX, "-p", str(folder), "-c", str(settings_for(folder, port, [free_port(), own, free_port()])), "-g", "daemon off;",
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(WAIT_S):
                while not await listens(port):
                    assert nginx.returncode is None, (await nginx.stderr.read()).decode()
                    await asyncio.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            if nginx.returncode is None:
                nginx.terminate()
            await nginx.communicate()


async def own_port(server: Server) -> int:
    inodes = {fd.readlink().name for fd in Path(f"/proc/{server.pid}/fd").iterdir() if fd.is_symlink()}
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = row.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            return int(fields[1].rpartition(":")[2], 16)
    raise AssertionError("it listens nowhere")


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.transport.abort()
    return True


async def test_pages_and_sockets_come_through_whatever_node_is_dead(site):
    async with aiohttp.ClientSession() as browser:
        for _ in range(6):  # each of the three is first in turn
            async with browser.get(site + "/") as answer:
                assert answer.status == 200
        async with browser.get(site + "/metrics") as answer:
            assert answer.status == 404, "numbers are not for the world"
    for _ in range(6):
        async with connect(site.replace("http", "ws", 1) + "/ws", origin=site) as viewer:
            await viewer.send('{"type": "hello", "id": "c1", "payload": {}}')
            assert json.loads(await viewer.recv())["type"] == "ok"


async def test_people_sign_in_through_it(site):
    form = {"name": "Ana", "email": "ana@mail.example", "password": "a long enough phrase"}
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(site + "/api/v1/auth/register", json=form, headers={"Origin": site}) as answer,
    ):
        assert answer.status in (200, 201), await answer.text()

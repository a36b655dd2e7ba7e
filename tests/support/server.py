"""A real `liveserver serve` in a process of its own: started, asked, killed, started again on the same data."""

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import jwt

from tests.support import seeds

READY = "liveserver is ready at "
START_MAX_S = 60
SECRET = secrets.token_hex(32)
JWT = {"LIVESERVER_JWT_SECRET": SECRET}


@dataclass
class Person:
    """Somebody with a token that is good for the API and the socket."""

    id: str
    name: str
    token: str


class Server:
    """One server process. Engines are its own children, on `data_dir`, unless the environment names others."""

    def __init__(
        self, data_dir: Path, environment: Mapping[str, str] | None = None, *, port: int = 0
    ) -> None:
        self.data_dir = data_dir
        self._port = port
        """0: another one at each start."""
        self.origin = ""
        self._environment = environment or {}
        self._process: asyncio.subprocess.Process | None = None
        self._ended: list[asyncio.subprocess.Process] = []
        self.log_path = data_dir.parent / f"server-{id(self)}.log"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.leave()

    @property
    def socket_url(self) -> str:
        return self.origin.replace("http", "ws", 1) + "/ws"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it runs"
        return self._process.pid

    @property
    def said(self) -> str:
        """What it has written to stderr: its log."""
        return self.log_path.read_text()

    async def start(self) -> None:
        if not self.data_dir.exists() and "LIVESERVER_DATABASE_URL" not in self._environment:
            await seeds.plant(self.data_dir)
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "liveserver.cli",
                "serve",
                "--port",
                str(self._port),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "LIVESERVER_DATA_DIR": str(self.data_dir), **self._environment},
                start_new_session=True,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_MAX_S):
            while line := (await self._process.stdout.readline()).decode():
                if line.startswith(READY):
                    self.origin = line.removeprefix(READY).strip()
                    return
        raise AssertionError(f"the server did not start:\n{self.said[-4000:]}")

    async def kill(self) -> None:
        """SIGKILL to the server alone; its engines notice by themselves."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        return await self._end(signal.SIGTERM)

    async def leave(self) -> None:
        """SIGTERM for good: returns when its children are gone as well. They hold what it said its words into, too (uvloop hands
        it on), and a loop that is closed before the other side is cannot be closed cleanly."""
        await self.stop()
        async with asyncio.timeout(START_MAX_S):
            for process in self._ended:
                await process.communicate()

    async def _end(self, how: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        self._process = None
        self._ended.append(process)
        if process.returncode is None:
            process.send_signal(how)
        async with asyncio.timeout(START_MAX_S):
            return await process.wait()

    async def post(self, path: str, body: Any, token: str = "") -> Any:
        """A call of the API that must succeed."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.origin}/api/v1{path}", json=body, headers=headers) as response,
        ):
            document = await response.json()
            assert response.status < 300, f"{path}: {response.status} {document}"
            return document

    async def new_show(self, host: "Person", title: str = "Crash course") -> str:
        """A planned show of that host; its id."""
        made = await self.post("/seller/livestreams", {"title": title, "currency": "USD"}, host.token)
        return str(made["id"])


def children_of(pid: int, module: str) -> list[int]:
    """The server's child processes that run this module of ours."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if parent == str(pid) and module.encode() in words:
            found.append(int(process.name))
    return found


def person(name: str, role: str = "viewer") -> Person:
    """Somebody of the embedding app: known by a token signed with the secret that `JWT` configures."""
    claims = {"sub": name.lower(), "name": name, "role": role, "exp": int(time.time()) + 3_600}
    return Person(f"ext:{name.lower()}", name, jwt.encode(claims, SECRET, "HS256"))

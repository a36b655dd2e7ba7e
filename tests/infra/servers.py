"""Helpers to start and kill a server with engines in its own process, and to see whether processes are gone."""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GONE_MAX_S = 20


@dataclass
class Server:
    process: asyncio.subprocess.Process
    said: dict[str, Any]

    @property
    def pids(self) -> dict[str, int]:
        return self.said["pids"]

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        self.process.terminate()
        await self.process.wait()


async def start_server(data_dir: Path, user: str = "") -> Server:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("serve_engines.py")),
        str(data_dir),
        *([user] if user else []),
        stdout=subprocess.PIPE,
        cwd="/",
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    return Server(process, json.loads(line))


async def gone(pid: int) -> None:
    """Wait until the process has ended; its unreaped entry counts as ended."""
    async with asyncio.timeout(GONE_MAX_S):
        while runs(pid):  # noqa: ASYNC110 - another process's child: nothing tells us
            await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False

"""What the command line's tests share: the command as a real process, and settings without this machine's environment."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from liveserver.config import Loaded
from liveserver.config.load import read

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIVESERVER_")}
    return kept | more


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts `liveserver …` in an empty folder; whatever still runs at the end is killed."""
    running: list[asyncio.subprocess.Process] = []

    async def run(*args: str, **environment: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "liveserver.cli",
            *args,
            cwd=tmp_path,
            env=clean_environment(**environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.returncode is None:
            process.kill()
        await asyncio.wait_for(
            process.communicate(), 60
        )  # and its children are gone: they hold its output, too


@pytest.fixture
def ask(start: Start) -> Callable[..., Awaitable[tuple[int, str, str]]]:
    """Runs a command to its end: exit code, stdout, stderr."""

    async def run(*args: str, **environment: str) -> tuple[int, str, str]:
        process = await start(*args, **environment)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    return run


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., Loaded]:
    """Settings as a clean environment plus `env` gives them."""

    def make(env: dict[str, str] | None = None, **flags: Any) -> Loaded:
        return read(flags, env or {}, tmp_path)

    return make

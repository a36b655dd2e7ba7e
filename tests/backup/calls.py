"""Calls of the command line in a process of its own, as an operator makes them."""

import asyncio
import os
import sys

CALL_MAX_S = 60


async def started(*words: str, **environment: str) -> asyncio.subprocess.Process:
    """A command that runs; both its outputs are one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIVESERVER_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "liveserver.cli",
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**kept, **environment},
    )


async def liveserver(*words: str, **environment: str) -> tuple[int, str]:
    """A command run to its end; exit code, and what it said."""
    process = await started(*words, **environment)
    said, _ = await asyncio.wait_for(process.communicate(), CALL_MAX_S)
    assert process.returncode is not None
    return process.returncode, said.decode()

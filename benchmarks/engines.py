"""Runs PostgreSQL (fsync on) and Valkey (appendfsync always) for the servers compared with, in a process of its own.

`python -m benchmarks.engines FOLDER` prints their two addresses, a line each, and stops them when its input ends.
"""

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from liveserver.infra.engines import embedded


@contextmanager
def engines(folder: Path) -> Generator[tuple[str, str]]:
    """Addresses of a fresh PostgreSQL and a fresh Valkey while the block runs. Raises RuntimeError if they do not start."""
    with engines_process(folder) as (addresses, _):
        yield addresses


@contextmanager
def engines_process(folder: Path) -> Generator[tuple[tuple[str, str], int]]:
    """The same, and the process that they are children of."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.engines", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:  # its end closes the input, which stops them, and waits
        assert process.stdout is not None, "it is a pipe"
        addresses = [process.stdout.readline().strip() for _ in range(2)]
        if not all(addresses):
            raise RuntimeError("the engines did not start; what they said is above")
        yield (addresses[0], addresses[1]), process.pid


async def _serve(folder: Path) -> None:
    async with embedded(folder) as running:
        # The admin's address of Valkey: liveserver's own user may load functions but run no scripts, and a peer decides in one.
        print(running.database_url, running.redis_admin_url or running.redis_url, sep="\n", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))

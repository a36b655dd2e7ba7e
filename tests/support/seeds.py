"""A data directory as a server's first start leaves it: made once for each process that runs tests, and copied.

A database takes most of a second to be made and migrated, its copy a twentieth. Tests of first starts (tests/infra, tests/cli) make
their own.
"""

import asyncio
import atexit
import shutil
import subprocess
from pathlib import Path

from liveserver.infra.engines import embedded
from liveserver.infra.migrations import migrate
from tests.support import folders

_made: list[Path] = []


async def plant(data_dir: Path) -> None:
    """Puts a copy there, where nothing is yet."""
    if not _made:
        _made.append(await _new())
    # With owners: the engines of root run as somebody else.
    await asyncio.to_thread(subprocess.run, ["cp", "-a", _made[0], data_dir], check=True)


async def _new() -> Path:
    folder = folders.new()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    async with embedded(folder / "data") as engines:
        await migrate(engines.database_url)
    return folder / "data"

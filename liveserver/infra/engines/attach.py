"""Engines for an operator's command: those of a server that is running, or started for as long as the command takes.

It takes no lock on a data directory in use; what the command does there must be safe beside the running server.
"""

import fcntl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from liveserver.infra.engines import postgres, valkey
from liveserver.infra.engines.embedded import Engines, embedded
from liveserver.infra.engines.folders import Folders, default_data_dir
from liveserver.infra.engines.identity import engine_identity


@asynccontextmanager
async def reachable(
    data_dir: Path | None = None,
    database_url: str | None = None,
    redis_url: str | None = None,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[Engines]:
    """As `embedded`, but with the engines of the server that holds `data_dir`, when one does. Raises `EngineError`."""
    running = running_engines((data_dir or default_data_dir()).expanduser().absolute())
    if running is not None:
        yield Engines(
            database_url or running.database_url,
            redis_url or running.redis_url,
            None if database_url else running.database_admin_url,
            None if redis_url else running.redis_admin_url,
        )
        return
    async with embedded(data_dir, database_url, redis_url, on_progress=on_progress) as engines:
        yield engines


def running_engines(data_dir: Path) -> Engines | None:
    """The addresses of the engines that a running server keeps in `data_dir`; None when no server holds it."""
    try:
        with (data_dir / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None  # nobody had it; closing the file gives it back
    except BlockingIOError:
        pass
    except OSError:
        return None  # not there yet, or not ours to read: starting says which
    link = data_dir / "run"
    folders = Folders(
        data_dir,
        data_dir / "logs",
        data_dir / "secrets",
        link.readlink() if link.is_symlink() else link,
        engine_identity(data_dir),
    )
    return Engines(
        postgres.url(folders),
        valkey.url(folders),
        postgres.url(folders, postgres.SUPERUSER, "postgres"),
        valkey.url(folders, valkey.ADMIN_USER),
    )

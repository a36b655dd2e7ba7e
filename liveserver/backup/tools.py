"""PostgreSQL's own programs for dumping and restoring, from the wheel's binaries or from a folder that the operator names.

Passwords go by the environment, never by arguments, which everybody on the machine can read.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from liveserver.infra.database import where_of
from liveserver.infra.engines.binaries import installed_postgres
from liveserver.kernel.errors import Mendable

WORDS_MAX_BYTES = 4_000
"""What is kept of what a program said."""


async def dump(dsn: str, snapshot: str, excluded: tuple[str, ...], to: Path, bin_dir: Path | None) -> None:
    """Writes the database as that snapshot has it, in pg_dump's custom format. Raises Mendable."""
    address, environment = without_password(dsn)
    await _run(
        [
            _program("pg_dump", bin_dir),
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--schema=public",
            f"--snapshot={snapshot}",
            *(f"--exclude-table-data=public.{table}" for table in excluded),
            f"--file={to}",
            f"--dbname={address}",
        ],
        environment,
        where_of(dsn),
        "A server newer than PostgreSQL 18 needs its own pg_dump: name its folder with --postgres-bin.",
    )


async def load(dsn: str, source: Path, bin_dir: Path | None) -> None:
    """Fills an empty database from such a file, wholly or not at all. Raises Mendable."""
    address, environment = without_password(dsn)
    await _run(
        [
            _program("pg_restore", bin_dir),
            "--no-owner",
            "--no-privileges",
            # Either everything is there, or nothing was changed.
            "--single-transaction",
            "--exit-on-error",
            # Its objects without CREATE SCHEMA: every database has it.
            "--schema=public",
            f"--dbname={address}",
            str(source),
        ],
        environment,
        where_of(dsn),
        "Nothing was changed there. Mend what it names and restore again.",
    )


def without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and the environment that carries it."""
    parts = urlsplit(dsn)
    credentials, at, host = parts.netloc.rpartition("@")
    user, colon, password = credentials.partition(":")
    if not colon:
        return dsn, {}
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}")), {"PGPASSWORD": unquote(password)}


def _program(name: str, bin_dir: Path | None) -> str:
    path = (bin_dir or installed_postgres() / "bin") / name
    if not path.is_file():
        raise Mendable(f"{name} is not there", str(path), "Name the folder that has it with --postgres-bin.")
    return str(path)


async def _run(argv: list[str], environment: Mapping[str, str], where: str, mend: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC", **environment},
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode != 0:
        words = said[-WORDS_MAX_BYTES:].decode(errors="replace").strip()
        raise Mendable(f"{Path(argv[0]).name} failed: {words or process.returncode}", where, mend)

"""PostgreSQL's own programs for dumping and restoring, from the wheel's binaries or from a folder that the operator names.

Passwords go by the environment, never by arguments, which everybody on the machine can read. What they dump goes through our
hands, so that no copy of the database lies about anywhere.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from liveserver.backup.archive import CHUNK_BYTES, Progress, Sink
from liveserver.infra.database import where_of
from liveserver.infra.engines.binaries import installed_postgres
from liveserver.infra.engines.launcher import tied_to_us
from liveserver.kernel.errors import Mendable

WORDS_MAX_BYTES = 4_000
"""What is kept of what a program said: its end."""
NEWS_S = 3.0
"""How often it is said how much has been copied."""


class Failed(Exception):
    """A program ended with an error; its words."""


class _Deaf(Exception):
    """A program stopped reading what it is given."""


async def dump(
    dsn: str,
    snapshot: str,
    excluded: tuple[str, ...],
    sink: Sink,
    on_progress: Progress,
    bin_dir: Path | None,
) -> None:
    """Gives the sink the database as that snapshot has it, in pg_dump's custom format. Raises Mendable."""
    try:
        async with _dumping(dsn, snapshot, excluded, bin_dir) as process:
            async for chunk in _counted(_chunks(process), "dumped", on_progress):
                sink(chunk)
    except Failed as error:
        raise _dump_failed(error, dsn) from error


async def load(dsn: str, source: IO[bytes], on_progress: Progress, bin_dir: Path | None) -> None:
    """Fills an empty database from such a file, wholly or not at all. Raises Mendable."""

    async def chunks() -> AsyncIterator[bytes]:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk

    try:
        async with _loading(dsn, bin_dir) as process:
            await _fed(process, _counted(chunks(), "restored", on_progress))
            _close(process)
    except Failed as error:
        raise _load_failed(error, dsn) from error


async def copy(
    dsn: str, snapshot: str, excluded: tuple[str, ...], to: str, on_progress: Progress, bin_dir: Path | None
) -> None:
    """From one database into another, empty one by a pipe, wholly or not at all. Raises Mendable."""
    try:
        async with _loading(to, bin_dir) as target:
            try:
                async with _dumping(dsn, snapshot, excluded, bin_dir) as source:
                    if not await _fed(target, _counted(_chunks(source), "copied", on_progress)):
                        raise _Deaf  # ends the source, which nobody reads any more
            except Failed as error:
                # Ends the target before its input does: it must not take what has come so far for all.
                raise _dump_failed(error, dsn) from error
            except _Deaf:
                pass  # its exit code says why
            _close(target)
    except Failed as error:
        raise _load_failed(error, to) from error


def require(bin_dir: Path | None) -> None:
    """Raises Mendable when the programs are not there."""
    for name in ("pg_dump", "pg_restore"):
        _program(name, bin_dir)


def without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and the environment that carries it."""
    parts = urlsplit(dsn)
    credentials, at, host = parts.netloc.rpartition("@")
    user, colon, password = credentials.partition(":")
    if not colon:
        return dsn, {}
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}")), {"PGPASSWORD": unquote(password)}


@asynccontextmanager
async def _dumping(
    dsn: str, snapshot: str, excluded: tuple[str, ...], bin_dir: Path | None
) -> AsyncGenerator[asyncio.subprocess.Process]:
    address, environment = without_password(dsn)
    argv = [
        _program("pg_dump", bin_dir),
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--schema=public",
        f"--snapshot={snapshot}",
        *(f"--exclude-table-data=public.{table}" for table in excluded),
        f"--dbname={address}",
    ]
    async with _running(argv, environment, stdin=asyncio.subprocess.DEVNULL) as process:
        yield process


@asynccontextmanager
async def _loading(dsn: str, bin_dir: Path | None) -> AsyncGenerator[asyncio.subprocess.Process]:
    address, environment = without_password(dsn)
    argv = [
        _program("pg_restore", bin_dir),
        "--no-owner",
        "--no-privileges",
        # Either everything is there, or nothing was changed.
        "--single-transaction",
        "--exit-on-error",
        # Its objects without CREATE SCHEMA: every database has it.
        "--schema=public",
        f"--dbname={address}",
    ]
    async with _running(argv, environment, stdin=asyncio.subprocess.PIPE) as process:
        yield process


@asynccontextmanager
async def _running(
    argv: list[str], environment: Mapping[str, str], *, stdin: int
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The program; waits for its end. Raises Failed when it ended badly. When the block raises, the program is killed."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE if stdin == asyncio.subprocess.DEVNULL else asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC", **environment},
        # A half-fed pg_restore that outlives us would take the end of its input for the end of the dump.
        preexec_fn=tied_to_us(signal.SIGKILL),
    )
    words = asyncio.create_task(_last_words(process))
    try:
        yield process
        await process.wait()
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await words
        raise
    said = await words
    if process.returncode != 0:
        raise Failed(said or f"exit code {process.returncode}")


async def _last_words(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None, "it was started with a pipe"
    said = b""
    while chunk := await process.stderr.read(WORDS_MAX_BYTES):
        said = (said + chunk)[-WORDS_MAX_BYTES:]
    return said.decode(errors="replace").strip()


async def _chunks(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    assert process.stdout is not None, "it was started with a pipe"
    while chunk := await process.stdout.read(CHUNK_BYTES):
        yield chunk


async def _counted(chunks: AsyncIterator[bytes], word: str, on_progress: Progress) -> AsyncIterator[bytes]:
    copied, told = 0, time.monotonic()
    async for chunk in chunks:
        yield chunk
        copied += len(chunk)
        if time.monotonic() - told >= NEWS_S:
            told = time.monotonic()
            on_progress(f"{word} {copied / 1e6:.1f} MB (compressed)")


async def _fed(process: asyncio.subprocess.Process, chunks: AsyncIterator[bytes]) -> bool:
    """Writes all of it; False when the program stopped reading before."""
    assert process.stdin is not None, "it was started with a pipe"
    try:
        async for chunk in chunks:
            process.stdin.write(chunk)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _close(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None, "it was started with a pipe"
    process.stdin.close()


def _program(name: str, bin_dir: Path | None) -> str:
    path = (bin_dir or installed_postgres() / "bin") / name
    if not path.is_file():
        raise Mendable(f"{name} is not there", str(path), "Name the folder that has it with --postgres-bin.")
    return str(path)


def _dump_failed(error: Failed, dsn: str) -> Mendable:
    return Mendable(
        f"pg_dump failed: {error}",
        where_of(dsn),
        "A server newer than PostgreSQL 18 needs its own pg_dump: name its folder with --postgres-bin.",
    )


def _load_failed(error: Failed, dsn: str) -> Mendable:
    return Mendable(
        f"pg_restore failed: {error}",
        where_of(dsn),
        "Nothing was changed there. Mend what it names and begin again.",
    )

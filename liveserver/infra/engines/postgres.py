"""PostgreSQL 18: made at the first start, run on a private socket, with a user of its own for the server.

It creates an empty database; tables come from liveserver/infra/migrations.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import asyncpg

from liveserver.infra.engines.binaries import postgres_install
from liveserver.infra.engines.errors import EngineError, explain
from liveserver.infra.engines.folders import Folders
from liveserver.infra.engines.launcher import Recipe, exit_of, spawn

MAJOR = "18"
PORT = 5432
DATABASE = "liveserver"
APP_USER = "liveserver"
SUPERUSER = "postgres"
CONNECTIONS_MAX = 100
"""PostgreSQL's own default: several server processes with pools of ten, and room for the operator."""
INITDB_MAX_MS = 120_000

_STATUS_LINE = 7
"""`postmaster.pid`: line 1 is the pid, line 8 the status (PostgreSQL source, src/include/utils/pidfile.h)."""


def url(folders: Folders, user: str = APP_USER, database: str = DATABASE, *, port: int | None = None) -> str:
    """The address as asyncpg (and libpq) take it."""
    password = folders.secret(_secret(user))
    return f"postgresql://{user}:{password}@/{database}?host={quote(str(folders.run), safe='')}&port={port or PORT}"


async def recipe(
    folders: Folders, on_progress: Callable[[str], None], *, tcp_port: int | None = None
) -> Recipe:
    """How to run it, with its data directory made when there is none. `tcp_port` also listens on 127.0.0.1.

    Raises `EngineError` when the data is of another version or cannot be made.
    """
    install = postgres_install(folders)
    home = folders.data / "postgres"
    if home.exists():
        _check_version(home)
    else:
        on_progress("creating the database")
        await _initialise(folders, install, home)
    settings = {
        "unix_socket_directories": _quoted_list_item(folders.run),
        "unix_socket_permissions": "0700",
        "listen_addresses": "127.0.0.1" if tcp_port else "",
        "port": str(tcp_port or PORT),
        "max_connections": str(CONNECTIONS_MAX),
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    pid_file = home / "postmaster.pid"

    async def ready(pid: int) -> bool:
        # What pg_ctl looks at; a connection would cost a backend per try.
        lines = pid_file.read_text().splitlines()
        return lines[:1] == [str(pid)] and [line.strip() for line in lines[_STATUS_LINE:]] == ["ready"]

    return Recipe(
        name="PostgreSQL",
        argv=[
            str(install / "bin" / "postgres"),
            "-D",
            str(home),
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
        ],
        folder=home,
        log=folders.logs / "postgres.log",
        identity=folders.identity,
        ready=ready,
        # Fast shutdown, then immediate: https://www.postgresql.org/docs/18/server-shutdown.html
        stop_signals=(signal.SIGINT, signal.SIGQUIT),
        # Immediate: without its server nobody waits for a checkpoint, and the log brings everything back.
        orphan_signal=signal.SIGQUIT,
        passing_words=r"lock file .* already exists|pre-existing shared memory block",
        predecessor_gone=lambda pid: _clear_lock_of(pid, pid_file),
    )


async def ensure_database(folders: Folders, *, port: int | None = None) -> None:
    """The server's own user and database, when they are not there: as superuser a hole in SQL could run programs."""
    connection = await asyncpg.connect(url(folders, SUPERUSER, "postgres", port=port))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP_USER):
            # Identifiers and the generated password (URL-safe letters) need no escaping.
            await connection.execute(
                f"CREATE ROLE {APP_USER} LOGIN CREATEDB PASSWORD '{folders.secret(_secret(APP_USER))}'"
            )
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {APP_USER}")
    finally:
        await connection.close()


def _secret(user: str) -> str:
    return f"postgres-{user}"


def _check_version(home: Path) -> None:
    found = (home / "PG_VERSION").read_text().strip() if (home / "PG_VERSION").is_file() else "none"
    if found != MAJOR:
        raise EngineError(
            f"The data is of PostgreSQL {found}, this release runs PostgreSQL {MAJOR}",
            str(home),
            "Use the release that wrote it, or move the folder aside to start with an empty database.",
        )


async def _initialise(folders: Folders, install: Path, home: Path) -> None:
    # Made aside and renamed: a start that is killed half-way leaves no half database behind.
    draft = folders.data / ".postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    folders.own(draft)
    with tempfile.TemporaryFile() as output:
        password_file = draft.with_suffix(".password")
        password_file.unlink(missing_ok=True)
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(folders.secret(_secret(SUPERUSER)))
        try:
            if folders.identity.switch:
                os.chown(password_file, folders.identity.uid, folders.identity.gid)
            process = spawn(
                [
                    str(install / "bin" / "initdb"),
                    *("-D", str(draft), "-U", SUPERUSER, f"--pwfile={password_file}", "--auth=scram-sha-256"),
                    # Sorting by code point is the same on every machine; what people see is sorted by the application.
                    *(
                        "--encoding=UTF8",
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                        "--locale=C",
                    ),
                    "--no-instructions",
                ],
                folder=draft,
                identity=folders.identity,
                output=output.fileno(),
            )
            await _wait_or_kill(process)
        finally:
            password_file.unlink(missing_ok=True)
        if process.returncode != 0:
            output.seek(0)
            words = output.read().decode(errors="replace")
            shutil.rmtree(draft, ignore_errors=True)
            raise explain("PostgreSQL (initdb)", str(home), words)
    draft.rename(home)


async def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        await asyncio.wait_for(exit_of(process), INITDB_MAX_MS / 1000)
    except BaseException as reason:
        process.kill()
        process.wait()
        if not isinstance(reason, TimeoutError):
            raise


def _clear_lock_of(dead: int, pid_file: Path) -> None:
    """Remove the lock of a postmaster that we know is dead. PostgreSQL itself only sees "the pid exists", which is also
    true of a process nobody reaped (a container's pid 1 may not) and of another program with the same number by now.
    Its shared memory still tells it of living children, so this takes away no protection."""
    try:
        if int(pid_file.read_text().split("\n", 1)[0]) == dead:
            pid_file.unlink()
    except (FileNotFoundError, ValueError):
        return  # PostgreSQL itself says best what is wrong with a damaged file


def _quoted_list_item(path: Path) -> str:
    return '"' + str(path).replace('"', '""') + '"'

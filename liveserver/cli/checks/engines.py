"""Checks of the engines together and of PostgreSQL: there, new enough, keeping what it acknowledges, agreeing on the time.

Redis and Valkey have `checks.redis`.
"""

import asyncio
import re

import asyncpg

from liveserver.cli.checks.model import Finding, Findings, Site, fail, ok, warn
from liveserver.cli.checks.redis import NO_ENGINES, asking
from liveserver.infra.engines import Engines
from liveserver.infra.migrations import pending
from liveserver.kernel.errors import Mendable

POSTGRES_MIN = 15
"""The oldest version whose SQL we use (MERGE, NULLS NOT DISTINCT)."""
APART_MAX_MS = 1_000
"""Further apart than this, appends are refused and lots pause (faults.md, trap 3)."""
APART_GOOD_MS = 250


async def start(site: Site) -> Findings:
    """Whether they could be started or reached at all."""
    if site.engines is None:
        assert site.trouble is not None, "a site without engines says why"
        return fail(f"{site.trouble.what} ({site.trouble.where})", site.trouble.mend)
    pids = ", ".join(f"{name} (pid {pid})" for name, pid in site.engines.pids.items())
    return ok(f"started here: {pids}" if pids else "reached")


async def postgresql(site: Site) -> Findings:
    """Version, durability, and connections enough for all workers."""
    if site.engines is None:
        return NO_ENGINES
    async with _Database(site.engines) as database:
        shown: dict[str, str] = {
            row["name"]: row["setting"]
            for row in await database.fetch(
                "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
                ["server_version", "fsync", "full_page_writes", "synchronous_commit", "max_connections"],
            )
        }
    found: list[Finding] = []
    version = shown["server_version"]
    major = int((re.match(r"\d+", version) or ["0"])[0])
    if major < POSTGRES_MIN:
        found.append(fail(f"PostgreSQL {version} is too old", f"Use PostgreSQL {POSTGRES_MIN} or newer"))
    found += [
        fail(
            f"PostgreSQL may lose what it acknowledged ({name} = off)",
            f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();",
        )
        for name in ("fsync", "full_page_writes", "synchronous_commit")
        if shown[name] == "off"
    ]
    settings = site.loaded.settings
    wanted = settings.workers * settings.database_pool_max + 5
    if int(shown["max_connections"]) < wanted:
        found.append(
            fail(
                f"PostgreSQL takes {shown['max_connections']} connections, {wanted} may be needed",
                f"Raise max_connections, or set LIVESERVER_DATABASE_POOL_MAX={max(2, (int(shown['max_connections']) - 5) // settings.workers)}",
            )
        )
    return found or ok(f"PostgreSQL {version}")


async def migrations(site: Site) -> Findings:
    """What `liveserver migrate` would apply."""
    if site.engines is None:
        return NO_ENGINES
    try:
        missing = await pending(site.engines.database_url)
    except Mendable as error:
        return fail(f"{error.what} ({error.where})", error.mend)
    if missing:
        names = ", ".join(f"{migration.number:04}_{migration.name}" for migration in missing)
        return warn(f"not applied yet: {names}", "liveserver migrate (serve does it when it starts)")
    return ok("the tables are this release's")


async def clocks(site: Site) -> Findings:
    """Three opinions on the time; the log refuses appends when they are a second apart."""
    if site.engines is None:
        return NO_ENGINES
    async with _Database(site.engines) as database, asking(site.engines) as shards:
        postgres_ms = int(
            await database.fetchval("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        )
        told = [(f"Redis {shard.address}".rstrip(), await shard.general.time()) for shard in shards.all()]
    times_ms = {
        "this machine": site.clock.now_ms(),
        "PostgreSQL": postgres_ms,
        **{who: int(seconds) * 1000 + int(micros) // 1000 for who, (seconds, micros) in told},
    }
    apart_ms = max(times_ms.values()) - min(times_ms.values())
    if apart_ms <= APART_GOOD_MS:
        return ok(f"within {apart_ms} ms")
    slow = min(times_ms, key=lambda who: times_ms[who])
    fast = max(times_ms, key=lambda who: times_ms[who])
    said = f"{slow} is {apart_ms} ms behind {fast}"
    mend = "Keep the machines' clocks by NTP (timedatectl set-ntp true)"
    return fail(f"{said}: lots would pause", mend) if apart_ms > APART_MAX_MS else warn(said, mend)


class _Database:
    """One connection for one check."""

    def __init__(self, engines: Engines) -> None:
        self._url = engines.database_url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def __aenter__(self) -> "asyncpg.Connection[asyncpg.Record]":
        try:
            self._connection = await asyncpg.connect(self._url, timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            raise Mendable(
                f"PostgreSQL cannot be reached: {error or 'no answer'}",
                "LIVESERVER_DATABASE_URL",
                "Check the address, user and password, and that it runs",
            ) from error
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await asyncio.wait_for(self._connection.close(), 5)

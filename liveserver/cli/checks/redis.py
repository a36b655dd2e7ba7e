"""Checks of Redis or Valkey, each server of a cluster by itself: keeping what it acknowledges, rights, slots, replicas.

It asks and changes nothing. What a server must be set to is said by `infra.redis` and by docs/operating/redis.md.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from liveserver.cli.checks.model import Finding, Findings, Site, fail, ok, warn
from liveserver.infra.addresses import each, url_at
from liveserver.infra.engines import Engines
from liveserver.infra.redis import general, requirement_problems
from liveserver.infra.shards import Shard, Shards

SLOTS = 16_384
"""Fixed by the cluster's protocol (https://valkey.io/topics/cluster-spec/)."""
NO_ENGINES = fail("not looked at, because the engines are not there", "See `engines` above")


@asynccontextmanager
async def asking(engines: Engines) -> AsyncGenerator[Shards]:
    """Every primary, for questions only. Raises Mendable when none can be reached."""
    shards = await Shards.connect(engines.redis_url, lanes=0)
    try:
        yield shards
    finally:
        await shards.aclose()


async def keeping(site: Site) -> Findings:
    """Version, append-only file, eviction."""
    if site.engines is None:
        return NO_ENGINES
    found: list[Finding] = []
    versions: set[str] = set()
    async with asking(site.engines) as shards:
        for shard in shards.all():
            problems = await requirement_problems(shard.general)
            found += [fail(_of(shard) + problem.what, problem.mend) for problem in problems]
            if not problems:
                info: dict[str, Any] = await shard.general.info("server")
                name = "Valkey" if "valkey_version" in info else "Redis"
                versions.add(f"{name} {info.get('valkey_version') or info.get('redis_version')}")
    return found or ok(", ".join(sorted(versions)))


async def rights(site: Site) -> Findings:
    """Functions may be called, scripts may not: a hole in the server must not become code in Redis."""
    if site.engines is None:
        return NO_ENGINES
    async with asking(site.engines) as shards:
        # A cluster's members each have users of their own: nothing copies them.
        found = [await _rights(shard) for shard in shards.all()]
    wrong = [finding for finding in found if finding.status != "ok"]
    return wrong or ok("functions yes, scripts no")


async def _rights(shard: Shard) -> Finding:
    try:
        await shard.general.execute_command("FUNCTION", "LIST")
    except NoPermissionError:
        return fail(
            f"{_of(shard)}the Redis user may not use functions, which the show log needs",
            "ACL SETUSER <user> +fcall +fcall_ro +function|load +function|list",
        )
    except RedisError as error:
        return fail(f"{_of(shard)}Redis does not answer: {error}", "Check LIVESERVER_REDIS_URL")
    try:
        await shard.general.execute_command("EVAL", "return 1", 0)
    except NoPermissionError:
        return ok("functions yes, scripts no")
    except RedisError as error:
        return warn(f"{_of(shard)}scripts could not be tried: {error}", "Check the Redis user's rights")
    return warn(
        f"{_of(shard)}the Redis user may run scripts and administer the server",
        "Give liveserver its own user: ACL SETUSER liveserver … -@scripting -@dangerous -@admin "
        "+fcall +fcall_ro +function|load +function|list +info +config|get +role "
        "+cluster|slots +cluster|info (docs/operating/redis.md)",
    )


async def replicas(site: Site) -> Findings:
    """A cluster serves all slots, and every primary has the replicas that bids wait for."""
    if site.engines is None:
        return NO_ENGINES
    wanted = site.loaded.settings.redis_replicas
    found: list[Finding] = []
    least = wanted
    async with asking(site.engines) as shards:
        if shards.clustered:
            found += await _slots(shards)
        for at, shard in enumerate(shards.all()):
            info: dict[str, Any] = await shard.general.info("replication")
            if info["role"] != "master":
                found.append(
                    fail(f"{_of(shard)}this server is a replica", "Name its primary in LIVESERVER_REDIS_URL")
                )
                continue
            online = _online(info)
            least = len(online) if at == 0 else min(least, len(online))
            found += await _primary(shard, len(online), wanted)
            if 0 < wanted < len(online):
                found.append(
                    warn(
                        f"{_of(shard)}bids wait for {wanted} of {len(online)} replicas, and the one that is promoted may be another",
                        f"LIVESERVER_REDIS_REPLICAS={len(online)}",
                    )
                )
            if wanted:
                for address in online:
                    found += await _replica(site.engines.redis_url, address)
        shape = f"{len(shards.all())} shards, all slots served" if shards.clustered else "one server"
    return found or ok(
        f"{shape}; bids wait for {wanted} of {least} replicas" if least else f"{shape}, no replicas"
    )


async def _slots(shards: Shards) -> list[Finding]:
    """Asked of every primary: one that is cut off from the others sees what they don't."""
    found: list[Finding] = []
    for shard in shards.all():
        told = dict(
            line.split(":", 1)
            for line in cast("bytes", await shard.general.execute_command("CLUSTER", "INFO"))
            .decode()
            .splitlines()
            if ":" in line
        )
        if told["cluster_state"] != "ok" or int(told["cluster_slots_ok"]) < SLOTS:
            found.append(
                fail(
                    f"{_of(shard)}the cluster is {told['cluster_state']}, and {told['cluster_slots_ok']} of {SLOTS} slots "
                    "are served: shows on the others are unavailable",
                    "valkey-cli --cluster check <address>, then --cluster fix",
                )
            )
    return found


async def _primary(shard: Shard, online: int, wanted: int) -> list[Finding]:
    if not wanted:
        if not online:
            return []
        return [
            warn(
                f"{_of(shard)}bids do not wait for the {online} replica{'' if online == 1 else 's'}: "
                "one that is promoted may lack acknowledged bids, which are then only in the nodes' memory",
                "LIVESERVER_REDIS_REPLICAS=1",
            )
        ]
    found: list[Finding] = []
    if online < wanted:
        found.append(
            fail(
                f"{_of(shard)}{online} replicas are connected and bids wait for {wanted}: none is acknowledged",
                f"Bring the replicas back, or set LIVESERVER_REDIS_REPLICAS={online}",
            )
        )
    try:
        await shard.general.execute_command("WAITAOF", 0, 0, 1)
    except ResponseError as error:
        found.append(
            fail(
                f"{_of(shard)}bids can't wait for replicas: {error}",
                "Use Valkey, or Redis 7.2 or newer; ACL: +waitaof",
            )
        )
    try:
        told = cast("dict[Any, Any]", await shard.general.config_get("min-replicas-to-write"))
    except ResponseError:
        return found  # CONFIG GET is forbidden: a managed service's own affair
    if int(next(iter(told.values()), wanted)) < wanted:
        found.append(
            warn(
                f"{_of(shard)}when cut off from its replicas it goes on taking writes, which are lost when it comes back",
                f"CONFIG SET min-replicas-to-write {wanted}",
            )
        )
    return found


async def _replica(url: str, address: str) -> list[Finding]:
    """A replica without an append-only file never says that something is on disk, and it may be the next primary."""
    client: Redis = general(url_at(each(url)[0], address), connections_max=1)
    try:
        problems = await requirement_problems(client)
    finally:
        await client.aclose()
    return [
        warn(
            f"replica {address} can't be asked from here",
            "Look at its settings there: docs/operating/redis.md",
        )
        if problem.what.startswith("Redis cannot be")
        else fail(f"replica {address}: {problem.what}", problem.mend)
        for problem in problems
    ]


def _online(info: dict[str, Any]) -> list[str]:
    """Addresses of connected replicas, from INFO replication's slave0, slave1 …"""
    told = [cast("dict[str, Any]", value) for name, value in info.items() if re.fullmatch(r"slave\d+", name)]
    return [f"{one['ip']}:{one['port']}" for one in told if one["state"] == "online"]


def _of(shard: Shard) -> str:
    return f"{shard.address}: " if shard.address else ""

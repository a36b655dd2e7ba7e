"""The doctor before a Redis cluster: every primary is looked at by itself, slots and replicas are counted."""

from contextlib import suppress
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from liveserver.cli.checks import CHECKS
from liveserver.cli.checks.model import Finding, Site
from liveserver.cli.doctor import findings
from liveserver.infra.engines import Engines
from liveserver.infra.engines.cluster import ClusterEngines
from tests.support.clusters import admin, primary_of, replica_of, until, url_of

BY_NAME = {check.name: check for check in CHECKS}
KEY = "{show_1}"


@pytest.fixture
def site(settings_with, tmp_path: Path):
    """A site with these engines, changed where the test says so."""

    def make(engines: Engines, env: dict[str, str] | None = None) -> Site:
        return Site(settings_with(env), tmp_path, engines)

    return make


async def found_by(name: str, site: Site) -> list[Finding]:
    return await findings(BY_NAME[name], site)


async def one(name: str, site: Site) -> Finding:
    (finding,) = await found_by(name, site)
    return finding


async def test_a_cluster_that_is_well(site, cluster: ClusterEngines):
    for name in ("redis", "redis-rights", "redis-replicas", "clocks"):
        assert [(f.status, f.mend) for f in await found_by(name, site(cluster))] == [("ok", "")], name
    assert "3 shards" in (await one("redis-replicas", site(cluster))).what


async def test_one_server_without_replicas_is_well(site, engines: Engines):
    finding = await one("redis-replicas", site(engines))
    assert (finding.status, finding.what) == ("ok", "one server, no replicas")


async def test_the_one_primary_that_evicts_is_named(site, replicated: ClusterEngines):
    ill = await primary_of(replicated, KEY)
    async with admin(replicated, ill) as client:
        await client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            finding = await one("redis", site(replicated))
        finally:
            await client.config_set("maxmemory-policy", "noeviction")
    assert finding.status == "fail"
    assert f":{ill.port}" in finding.what


async def test_slots_that_nobody_serves(site, replicated: ClusterEngines):
    owner = await primary_of(replicated, KEY)
    async with admin(replicated, owner) as client:

        async def told() -> bool:
            """The owner may learn from the next gossip that the slot is its own, so it is taken away until the doctor saw that."""
            with suppress(ResponseError):  # still taken away
                await client.execute_command("CLUSTER", "DELSLOTS", 0)
            found = await found_by("redis-replicas", site(replicated))
            return any(f.status == "fail" and "16383 of 16384 slots are served" in f.what for f in found)

        try:
            await until(told)
        finally:
            with suppress(ResponseError):  # gossip was first
                await client.execute_command("CLUSTER", "ADDSLOTS", 0)


async def test_replicas_that_nobody_waits_for(site, replicated: ClusterEngines):
    told = await found_by("redis-replicas", site(replicated))
    assert [(f.status, f.mend) for f in told] == [("warn", "LIVESERVER_REDIS_REPLICAS=1")] * 3


async def test_replicas_that_are_waited_for_and_are_there(site, replicated: ClusterEngines):
    # The advice about writes that a cut-off primary takes is all that is left to say.
    told = await found_by("redis-replicas", site(replicated, {"LIVESERVER_REDIS_REPLICAS": "1"}))
    assert [(f.status, f.mend) for f in told] == [("warn", "CONFIG SET min-replicas-to-write 1")] * 3


async def test_more_replicas_wanted_than_there_are(site, replicated: ClusterEngines):
    told = await found_by("redis-replicas", site(replicated, {"LIVESERVER_REDIS_REPLICAS": "2"}))
    wrong = [f for f in told if f.status == "fail"]
    assert len(wrong) == 3
    assert all("LIVESERVER_REDIS_REPLICAS=1" in f.mend for f in wrong)


async def test_a_replica_that_keeps_nothing_on_disk(site, replicated: ClusterEngines):
    replica = await replica_of(replicated, KEY)
    async with admin(replicated, replica) as client:
        await client.config_set("appendfsync", "everysec")
        try:
            told = await found_by("redis-replicas", site(replicated, {"LIVESERVER_REDIS_REPLICAS": "1"}))
        finally:
            await client.config_set("appendfsync", "always")
    (wrong,) = [f for f in told if f.status == "fail"]
    assert f"replica 127.0.0.1:{replica.port}" in wrong.what


async def test_an_address_that_is_a_replica_s_is_followed_to_its_primary(site, replicated: ClusterEngines):
    there = url_of(replicated, await replica_of(replicated, KEY))
    here = site(Engines(replicated.database_url, there))
    assert (await one("redis", here)).status == "ok"

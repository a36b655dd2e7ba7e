"""Replicas of a cluster's shards, and a standby of PostgreSQL, take over under bidding load (chaos/faults/replicas.py)."""

from tests.faults.drills import holds


async def test_rows_4_and_7_a_shard_s_primary_dies_and_its_replica_takes_over():
    await holds("shard-primary-killed")


async def test_rows_4_and_7_what_the_promoted_replica_lacks_comes_back_from_the_nodes():
    await holds("shard-primary-killed-unwaited")


async def test_row_5_what_a_primary_takes_after_its_replica_took_over_is_not_acknowledged():
    await holds("shard-primary-stalled")


async def test_row_5_what_the_primary_alone_has_is_not_acknowledged():
    await holds("shard-replica-stalled")


async def test_row_29_a_promoted_standby_that_lacks_commits_gets_the_record_from_the_log():
    outcome = await holds("postgres-standby-promoted")
    assert outcome.findings.epochs == 1, "the log was whole: nobody began anew"

"""PostgreSQL or Valkey dies, stays away, or comes back empty, under bidding load (chaos/faults/stores.py)."""

from chaos.faults.stores import UNRECORDED_MAX
from tests.faults.drills import holds


async def test_row_3_valkey_killed_and_started_again_has_every_acknowledged_bid():
    outcome = await holds("valkey-killed")
    assert outcome.findings.epochs == 1, "its file was whole: the log went on"


async def test_row_10_a_flushed_valkey_gets_the_log_back_from_nodes_and_record():
    outcome = await holds("valkey-flushed")
    assert outcome.findings.epochs == 2
    assert outcome.findings.snapshots >= 6, "every viewer began anew"


async def test_rows_4_and_10_an_emptied_valkey_gets_the_log_back_from_nodes_and_record():
    outcome = await holds("valkey-emptied")
    assert outcome.findings.epochs == 2


async def test_rows_4_and_10_what_one_node_alone_acknowledged_survives_an_emptied_valkey():
    outcome = await holds("valkey-emptied-one-node-knows")
    assert outcome.findings.epochs == 2


async def test_rows_27_and_28_while_postgresql_is_away_bids_go_on_and_are_recorded_later():
    outcome = await holds("postgres-away")
    assert outcome.interruption_ms < outcome.fault_ms, "nobody waited for PostgreSQL"


async def test_row_8_bids_that_too_many_wait_before_are_refused_and_none_is_lost():
    outcome = await holds("postgres-away-too-long")
    assert outcome.refused["unavailable"] > 0
    assert outcome.findings.recorded < 10 * UNRECORDED_MAX

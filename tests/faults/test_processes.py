"""Nodes and recorders that die or stand still under bidding load: nobody who was told yes loses anything (chaos/faults/processes.py)."""

from tests.faults.drills import holds


async def test_row_20_a_killed_node_loses_no_bid_and_no_event_and_what_is_sent_again_counts_once():
    outcome = await holds("node-killed")
    assert outcome.findings.resumes > 0, "its viewers went on elsewhere"


async def test_row_27_when_the_recording_node_is_killed_another_records_and_the_sale_becomes_final():
    await holds("recording-node-killed")


async def test_row_27_killed_recorder_processes_leave_recording_to_the_nodes():
    await holds("recorders-killed")


async def test_row_20_all_nodes_killed_one_after_the_other():
    await holds("nodes-killed-in-turn")


async def test_a_node_that_is_slow_to_reach_its_engines_joins_a_busy_show_and_serves_it():
    outcome = await holds("slow-node-joins")
    assert outcome.findings.snapshots == 0, "nobody had to begin anew"


async def test_row_8_a_paused_node_comes_back_to_the_present():
    outcome = await holds("node-paused")
    assert outcome.silence_ms >= 4_000, "its viewers heard nothing meanwhile"


async def test_row_3_everything_killed_at_once_comes_back_with_every_acknowledged_bid():
    await holds("everything-killed")

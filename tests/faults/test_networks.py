"""The network between one node and an engine is silent, broken or lossy, under bidding load (chaos/faults/networks.py)."""

from tests.faults.drills import holds


async def test_rows_5_and_8_a_node_cut_off_from_redis_acknowledges_nothing_and_then_catches_up():
    outcome = await holds("node-cut-off-from-redis")
    assert outcome.findings.snapshots == 0, "its viewers were told what they had missed"


async def test_row_8_a_node_whose_connections_to_redis_are_refused_catches_up():
    await holds("node-refused-by-redis")


async def test_rows_27_and_28_when_the_recording_node_is_cut_off_from_postgresql_another_records():
    outcome = await holds("node-cut-off-from-postgres")
    assert outcome.interruption_ms < outcome.fault_ms, "nobody waited for PostgreSQL"


async def test_rows_1_and_15_lost_answers_make_no_second_entry():
    await holds("answers-lost")


async def test_row_9_the_last_message_before_a_silence_is_missed_and_fetched():
    await holds("message-lost")


async def test_row_8_lost_messages_are_fetched():
    outcome = await holds("messages-lost")
    assert outcome.findings.resumes == 0, "viewers noticed nothing"

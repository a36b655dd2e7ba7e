"""Collections are rarer while a node runs, are counted, and are as before afterwards."""

import gc

from liveserver.infra.garbage import Pauses, rare_collections


def test_rounds_are_counted_and_the_collector_is_left_as_it_was():
    before, callbacks = gc.get_threshold(), len(gc.callbacks)
    pauses = Pauses()
    with rare_collections(pauses):
        assert gc.get_threshold() > before
        assert gc.get_freeze_count() > 0
        rounds = pauses.rounds
        gc.collect()
        assert pauses.rounds > rounds
        assert pauses.total_s >= pauses.longest_s > 0
    assert gc.get_threshold() == before
    assert len(gc.callbacks) == callbacks
    assert gc.get_freeze_count() == 0


def test_nodes_of_one_process_may_end_in_any_order():
    before = gc.get_threshold()
    first, second = rare_collections(Pauses()), rare_collections(Pauses())
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() > before
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0

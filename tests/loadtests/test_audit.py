"""The audit finds every kind of loss, and calls nothing a loss that the protocol allows."""

from typing import Any

from loadtests.audit import BEHIND_MS, Audit, Newest, Position


def batch(first: int, last: int, *events: tuple[str, int], epoch: int = 1) -> dict[str, Any]:
    return {"epoch": epoch, "from": first, "to": last, "events": [{"type": t, "seq": s} for t, s in events]}


def joined(seq: int = 10) -> Audit:
    audit = Audit()
    assert audit.joined({"epoch": 1, "seq": seq, "recovered": False, "snapshot": {}}) == []
    return audit


def resume(seq: int, *events: tuple[str, int]) -> dict[str, Any]:
    told = [{"type": t, "seq": s} for t, s in events]
    return {"epoch": 1, "seq": seq, "recovered": True, "events": told}


def test_batches_that_follow_each_other_are_fine():
    audit = joined(10)
    assert audit.batch(batch(10, 12, ("chat:new", 11), ("chat:new", 12))) == []
    assert audit.batch(batch(12, 15, ("lot:sold", 15), ("chat:new", 15))) == []
    assert (audit.position, audit.batches, audit.events) == (Position(1, 15), 2, 4)
    assert audit.last_event == Position(1, 15)


def test_a_gap_is_a_loss_and_told_once():
    audit = joined(10)
    assert audit.batch(batch(11, 12, ("chat:new", 12))) == ["a gap: 11 to 12 came after 10"]
    # The client joins again; what comes until then is covered by the answer.
    assert audit.batch(batch(12, 13, ("chat:new", 13))) == []
    assert audit.joined(resume(13, ("chat:new", 11), ("chat:new", 12), ("chat:new", 13))) == []
    assert audit.batch(batch(13, 14, ("chat:new", 14))) == []


def test_old_news_and_overlaps_count_once():
    audit = joined(10)
    assert audit.batch(batch(7, 9, ("chat:new", 9))) == []
    assert audit.batch(batch(9, 12, ("chat:new", 10), ("chat:new", 11))) == []
    assert audit.events == 1


def test_events_outside_their_batch_or_out_of_order():
    assert joined(10).batch(batch(10, 12, ("chat:new", 13)))
    assert joined(10).batch(batch(10, 12, ("chat:new", 12), ("chat:new", 11)))


def test_a_resume_must_bring_what_was_said_meanwhile():
    audit = joined(10)
    audit.said(12)
    audit.left()
    assert audit.batch(batch(10, 12, ("chat:new", 12))) == [], "of the connection that is gone"
    assert audit.joined(resume(14, ("chat:new", 13))) == ["chat message 12 was accepted and never told"]


def test_an_accepted_message_must_come_back():
    audit = joined(10)
    audit.said(11)
    assert audit.batch(batch(10, 11, ("bid:accepted", 11))) == ["chat message 11 was accepted and never told"]
    audit.said(13)
    assert audit.batch(batch(11, 12, ("chat:new", 12))) == []
    assert audit.batch(batch(12, 13, ("chat:new", 13))) == []


def test_a_snapshot_holds_what_was_said():
    audit = joined(10)
    audit.said(12)
    audit.left()
    assert audit.joined({"epoch": 1, "seq": 5000, "recovered": False, "snapshot": {}}) == []
    assert audit.batch(batch(5000, 5001, ("chat:new", 5001))) == []


def test_a_reply_comes_before_its_batch():
    audit = joined(10)
    assert audit.answered(11, on_this_connection=True) == []
    audit.batch(batch(10, 11, ("chat:new", 11)))
    assert audit.answered(11, on_this_connection=True) == ["the reply to 11 came after its batch (11)"]
    assert audit.answered(11, on_this_connection=False) == [], "a repeated command's first verdict is older"
    assert audit.answered(0, on_this_connection=True) == [], "0 is in no log"


def test_a_rebuilt_log_is_announced_and_no_loss():
    audit = joined(10)
    assert audit.batch(batch(3, 3, epoch=2)) == []
    assert audit.batch(batch(3, 4, ("chat:new", 4), epoch=2)) == [], "until the join is answered"
    assert audit.joined({"epoch": 2, "seq": 4, "recovered": False, "snapshot": {}}) == []
    assert audit.batch(batch(4, 5, ("chat:new", 5), epoch=2)) == []


def test_who_is_sent_nothing_is_behind_the_others():
    newest = Newest()
    newest.seen(Position(1, 20), now_ms=0)
    assert newest.missing(Position(1, 18), now_ms=BEHIND_MS - 1) == 0, "may be on its way"
    assert newest.missing(Position(1, 18), now_ms=BEHIND_MS) == 2
    assert newest.missing(Position(1, 20), now_ms=BEHIND_MS) == 0
    assert newest.missing(Position(1, 25), now_ms=BEHIND_MS) == 0


def test_marks_outlast_the_wait_in_a_busy_show():
    newest = Newest()
    for now_ms in range(0, 3 * BEHIND_MS, 10):
        newest.seen(Position(1, now_ms), now_ms)
    now_ms = 3 * BEHIND_MS
    assert newest.missing(Position(1, now_ms - BEHIND_MS - 1_000), now_ms) > 0
    assert newest.missing(Position(1, now_ms - BEHIND_MS + 1_000), now_ms) == 0

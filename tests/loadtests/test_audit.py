"""The audit finds every kind of loss, and calls nothing a loss that the protocol allows."""

from typing import Any

from loadtests.audit import BEHIND_MS, Audit, Newest, Position

Told = tuple[str, int] | dict[str, Any]


def event(told: Told) -> dict[str, Any]:
    if isinstance(told, dict):
        return told
    type_, seq = told
    return {"type": type_, "seq": seq, "payload": {"id": f"other {seq}", "user": {"id": "u_other"}}}


def mine(message: str, seq: int) -> dict[str, Any]:
    return {"type": "chat:new", "seq": seq, "payload": {"id": message, "user": {"id": "u_me"}}}


def batch(first: int, last: int, *events: Told, epoch: int = 1) -> dict[str, Any]:
    return {"epoch": epoch, "from": first, "to": last, "events": [*map(event, events)]}


def joined(seq: int = 10) -> Audit:
    audit = Audit()
    audit.me = "u_me"
    assert audit.joined({"epoch": 1, "seq": seq, "recovered": False, "snapshot": {}}) == []
    return audit


def resume(seq: int, *events: Told) -> dict[str, Any]:
    return {"epoch": 1, "seq": seq, "recovered": True, "events": [*map(event, events)]}


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
    audit.said("m12", 12, repeated=False)
    audit.left()
    assert audit.batch(batch(10, 12, mine("m12", 12))) == [], "of the connection that is gone"
    assert audit.joined(resume(14, ("chat:new", 13))) == [
        "a chat message was accepted at 12 and not told by 14"
    ]


def test_an_accepted_message_must_come_back():
    audit = joined(10)
    audit.said("m11", 11, repeated=False)
    lost = audit.batch(batch(10, 11, ("bid:accepted", 11), ("chat:new", 11)))
    assert lost == ["a chat message was accepted at 11 and not told by 11"]
    audit.said("m13", 13, repeated=False)
    assert audit.batch(batch(11, 12, ("chat:new", 12))) == []
    assert audit.batch(batch(12, 13, mine("m13", 13))) == []


def test_a_repeated_message_may_have_come_long_before_its_answer():
    audit = joined(10)
    audit.left()
    assert audit.joined(resume(14, mine("m12", 12))) == []
    audit.said("m12", 20, repeated=True)
    assert audit.batch(batch(14, 20, ("chat:new", 20))) == []
    audit.said("m99", 30, repeated=True)
    assert audit.batch(batch(20, 30)) == ["a chat message was accepted at 30 and not told by 30"]


def test_a_snapshot_holds_what_was_said():
    audit = joined(10)
    audit.said("m12", 12, repeated=False)
    audit.left()
    assert audit.joined({"epoch": 1, "seq": 5000, "recovered": False, "snapshot": {}}) == []
    audit.said("m13", 5001, repeated=True)
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

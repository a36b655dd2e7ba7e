"""What somebody who was away is given: all that was missed, without what is superseded, or nothing when it is too long ago."""

from liveserver.rooms.history import EVENTS_MAX, History
from liveserver.rooms.model import ROOM, STAFF_ONLY, Event


def said(n: int) -> Event:
    return Event("chat:new", {"n": n})


def bid(lot: str, price: int) -> Event:
    return Event("bid:accepted", {"lot": lot, "price": price}, ROOM, lot)


def missed(log: History, after: int) -> list[tuple[int, dict[str, object]]] | None:
    found = log.after(after)
    return None if found is None else [(event["seq"], event["payload"]) for event in found]


def test_what_was_missed_comes_in_order_and_private_things_never():
    log = History(10)
    log.extend(1, [(11, said(1)), (12, Event("host:note", {}, STAFF_ONLY)), (13, said(2))])
    assert missed(log, 10) == [(11, {"n": 1}), (13, {"n": 2})]
    assert missed(log, 11) == missed(log, 12) == [(13, {"n": 2})]
    assert missed(log, 13) == []
    assert missed(log, 9) is None


def test_of_superseded_events_only_the_newest_is_told_wherever_one_left():
    log = History(0)
    for seq in range(1, 5_001):
        log.extend(seq, [(seq, bid("a", seq))])
    log.extend(5_001, [(5_001, bid("b", 1)), (5_002, said(1))])
    assert log.floor == 0, "superseded ones push nothing out"
    newest = [(5_000, {"lot": "a", "price": 5_000}), (5_001, {"lot": "b", "price": 1}), (5_002, {"n": 1})]
    assert missed(log, 0) == missed(log, 4_999) == newest
    assert missed(log, 5_000) == newest[1:]


def test_the_oldest_command_leaves_as_a_whole():
    log = History(0)
    log.extend(1, [(1, bid("a", 1)), (1, said(0)), (2, said(1))])
    log.extend(2, [(seq, said(seq)) for seq in range(3, EVENTS_MAX)])
    assert log.floor == 0
    log.extend(3, [(EVENTS_MAX, said(0))])
    assert log.floor == 1
    assert missed(log, 0) is None
    assert len(missed(log, 1) or ()) == EVENTS_MAX - 1
    log.extend(4, [(EVENTS_MAX + 1, bid("a", 2))])
    assert (missed(log, EVENTS_MAX) or ())[-1] == (EVENTS_MAX + 1, {"lot": "a", "price": 2})


def test_all_who_missed_the_same_are_given_the_same_list():
    log = History(0)
    log.extend(1, [(1, said(1)), (2, said(2))])
    assert log.after(0) is log.after(0)
    before = log.after(0)
    log.extend(2, [(3, said(3))])
    assert log.after(0) is not before
    assert len(log.after(0) or ()) == 3

"""Papers are drawn one at a time, beside the loop; who comes when too many wait is told to come again."""

import asyncio
import threading

import pytest

from storefront.orders import papers
from storefront.orders.papers import Printer
from storefront.problems import Refused


async def test_papers_are_drawn_one_at_a_time_and_not_on_the_loop():
    printer, here = Printer(), threading.get_ident()
    meeting, threads, met = threading.Barrier(2), set[int](), list[int]()

    def draw() -> bytes:
        threads.add(threading.get_ident())
        try:
            met.append(meeting.wait(0.05))  # passes if another is drawn at the same time
        except threading.BrokenBarrierError:
            meeting.reset()
        return b"%PDF"

    assert await asyncio.gather(*(printer.printed(draw) for _ in range(4))) == [b"%PDF"] * 4
    assert met == []
    assert here not in threads


async def test_when_too_many_wait_the_next_is_refused_and_later_served(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(papers, "WAITING_MAX", 2)
    printer, go = Printer(), threading.Event()

    def slow() -> bytes:
        assert go.wait(10)
        return b"%PDF"

    waiting = [asyncio.create_task(printer.printed(slow)) for _ in range(2)]
    await asyncio.sleep(0)  # both have begun to wait
    with pytest.raises(Refused) as refused:
        await printer.printed(slow)
    assert (refused.value.rejected.code, refused.value.rejected.retryable) == ("busy", True)
    go.set()
    await asyncio.gather(*waiting)
    assert await printer.printed(slow) == b"%PDF"


async def test_a_paper_that_fails_does_not_hold_up_the_next():
    printer = Printer()

    def broken() -> bytes:
        raise ValueError("no such font")

    with pytest.raises(ValueError, match="no such font"):
        await printer.printed(broken)
    assert await printer.printed(lambda: b"%PDF") == b"%PDF"

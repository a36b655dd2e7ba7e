"""The queue of lots: its positions are 1, 2, … without gaps, whoever changes it at the same time."""

import asyncio
import random
from typing import Any

import pytest

from liveserver.catalog.model import Product, ProductChanges, ProductDraft
from liveserver.catalog.service import Catalog
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ProductId
from liveserver.shows import service
from liveserver.shows.model import LotChanges, LotDraft, QueuedLot, Show
from liveserver.shows.recording import mark_opened
from liveserver.shows.service import Shows
from tests.support.hosts import code, person, planned, queued

ANA, BO = person("ana"), person("bo")


async def order(shows: Shows, show: Show) -> str:
    """The titles in their order; fails when positions have a gap or come twice."""
    lots = await shows.queue(show.id)
    assert [lot.position for lot in lots] == list(range(1, len(lots) + 1))
    return "".join(lot.title for lot in lots)


async def lots_titled(shows: Shows, show: Show, titles: str) -> list[QueuedLot]:
    return [await queued(shows, ANA, show, title) for title in titles]


async def test_lots_wait_in_the_order_they_were_added(shows: Shows):
    show, other = await planned(shows, ANA), await planned(shows, ANA)
    await lots_titled(shows, show, "ABC")
    await lots_titled(shows, other, "XY")
    assert (await order(shows, show), await order(shows, other)) == ("ABC", "XY")


async def test_a_lot_says_what_it_was_given(shows: Shows):
    show = await planned(shows, ANA)
    draft = LotDraft(
        "Lens",
        500,
        None,
        "/media/lens.svg",
        900,
        "english",
        True,
        "flat:50",
        "timed",
        60_000,
        10_000,
        10_000,
        120_000,
    )
    lot = await shows.enqueue(ANA, show.id, draft)
    assert isinstance(lot, QueuedLot)
    assert lot == QueuedLot(
        lot.id, show.id, 1, None, "Lens", "/media/lens.svg", 500, 900, "english", True, "flat:50", "timed",
        60_000, 10_000, 10_000, 120_000,
    )  # fmt: skip
    assert await shows.lot(lot.id) == lot
    assert await shows.lot(LotId("\x00")) is None


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"title": ""}, "bad_title"),
        ({"title": "x" * 121}, "bad_title"),
        ({"picture": "data:x"}, "bad_picture"),
        ({"start": 0}, "bad_start"),
        ({"start": -1}, "bad_start"),
        ({"start": 10**13}, "bad_start"),
        ({"reserve": 99}, "bad_reserve"),
        ({"reserve": 10**13}, "bad_reserve"),
        ({"format": ""}, "bad_format"),
        ({"format": "English!"}, "bad_format"),
        ({"increments": "flat:0"}, "bad_increments"),
        ({"increments": "x" * 33}, "bad_increments"),
        ({"preset": "LIVE"}, "bad_preset"),
        ({"duration_ms": 999}, "bad_duration_ms"),
        ({"duration_ms": 10**12}, "bad_duration_ms"),
        ({"window_ms": 1_000}, "bad_window_ms"),
        ({"extend_ms": 1_000}, "bad_extend_ms"),
        ({"hard_ms": 1_000}, "bad_hard_ms"),
        ({"duration_ms": 5_000, "window_ms": 5_001}, "bad_window_ms"),
        ({"duration_ms": 5_000, "extend_ms": -1}, "bad_extend_ms"),
        ({"duration_ms": 5_000, "hard_ms": 4_999}, "bad_hard_ms"),
        ({"product": ProductId("prod_none")}, "product_not_found"),
        ({"product": ProductId("\x00")}, "bad_product"),
    ],
)
async def test_refused_lots_and_changes(shows: Shows, change: dict[str, Any], refusal: str):
    show = await planned(shows, ANA)
    lot = await queued(shows, ANA, show, "A")
    added = await shows.enqueue(ANA, show.id, LotDraft(**{"title": "B", "start": 100, **change}))
    edited = await shows.edit(ANA, lot.id, LotChanges(**change))
    for refused in (added, edited):
        assert isinstance(refused, Rejected)
        assert refused.code == refusal
        assert refused.detail["field"] in refusal or refused.detail["field"] == "product"
    assert await shows.queue(show.id) == [lot]


async def test_a_lot_takes_title_and_picture_from_its_product(shows: Shows, pool: Pool, clock: VirtualClock):
    catalog = Catalog(pool, clock)
    show = await planned(shows, ANA)

    async def offered(by: Any, currency: str = "USD") -> Product:
        product = await catalog.create(
            by, ProductDraft("Leica M3", 9, currency, images=("/m3.svg", "/x.svg"))
        )
        assert isinstance(product, Product)
        return product

    mine = await offered(ANA)
    lot = await queued(shows, ANA, show, "", product=mine.id)
    assert (lot.title, lot.picture, lot.product) == ("Leica M3", "/m3.svg", mine.id)
    named = await queued(shows, ANA, show, "My M3", picture="/own.svg", product=mine.id)
    assert (named.title, named.picture) == ("My M3", "/own.svg")
    for other, refusal in [
        (await offered(BO), "product_not_found"),
        (await offered(ANA, "EUR"), "currency_differs"),
    ]:
        assert code(await shows.enqueue(ANA, show.id, LotDraft("", 1, other.id))) == refusal
        assert code(await shows.edit(ANA, lot.id, LotChanges(product=other.id))) == refusal
    await catalog.update(ANA, mine.id, ProductChanges(archived=True))
    assert code(await shows.enqueue(ANA, show.id, LotDraft("", 1, mine.id))) == "product_not_found"
    assert code(await shows.edit(ANA, lot.id, LotChanges(start=7))) == "accepted"


async def test_what_is_left_unset_in_a_lot_stays(shows: Shows):
    show = await planned(shows, ANA)
    lot = await queued(shows, ANA, show, "A", reserve=500, duration_ms=60_000, window_ms=1_000)
    edited = await shows.edit(ANA, lot.id, LotChanges(start=200, reserve=None))
    assert isinstance(edited, QueuedLot)
    assert (edited.title, edited.start, edited.reserve, edited.duration_ms, edited.window_ms) == (
        "A", 200, None, 60_000, 1_000,
    )  # fmt: skip


async def test_removing_closes_the_gap(shows: Shows):
    show = await planned(shows, ANA)
    lots = await lots_titled(shows, show, "ABCDE")
    for lot, left in [(lots[1], "ACDE"), (lots[0], "CDE"), (lots[4], "CD")]:
        assert await shows.dequeue(ANA, lot.id) is None
        assert await order(shows, show) == left
        assert code(await shows.dequeue(ANA, lot.id)) == "lot_not_found"
    await queued(shows, ANA, show, "F")
    assert await order(shows, show) == "CDF"


async def test_reordering_takes_exactly_the_waiting_lots(shows: Shows):
    show, other = await planned(shows, ANA), await planned(shows, ANA)
    a, b, c = (lot.id for lot in await lots_titled(shows, show, "ABC"))
    [x] = [lot.id for lot in await lots_titled(shows, other, "X")]
    reordered = await shows.reorder(ANA, show.id, [c, a, b])
    assert not isinstance(reordered, Rejected)
    assert "".join(lot.title for lot in reordered) == await order(shows, show) == "CAB"
    for wrong in ([], [a], [a, b], [a, a, b], [a, b, c, c], [a, b, x], [a, b, c, x], [a, b, LotId("\x00")]):
        refused = await shows.reorder(ANA, show.id, wrong)
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.detail["lots"]) == ("queue_changed", [c, a, b])
    assert await order(shows, show) == "CAB"
    assert await order(shows, other) == "X"


async def test_an_opened_lot_leaves_the_queue_once(shows: Shows, pool: Pool, clock: VirtualClock):
    show = await planned(shows, ANA)
    a, b, c = await lots_titled(shows, show, "ABC")
    for _ in range(2):
        await shows.mark_opened(b.id)
        assert await order(shows, show) == "AC"
    clock.advance(5)
    async with transaction(pool) as conn:
        assert await mark_opened(conn, a.id, clock.now_ms()) is True
        assert await mark_opened(conn, a.id, clock.now_ms()) is False
        assert await mark_opened(conn, LotId("lot_none"), clock.now_ms()) is False
    listed = await shows.queue(show.id, opened=True)
    assert [(lot.title, lot.status, lot.position) for lot in listed] == [
        ("B", "opened", 0), ("A", "opened", 0), ("C", "queued", 1),
    ]  # fmt: skip
    assert listed[1].opened_ts == clock.now_ms()
    assert (
        code(await shows.dequeue(ANA, a.id))
        == code(await shows.edit(ANA, a.id, LotChanges()))
        == "lot_opened"
    )
    assert code(await shows.reorder(ANA, show.id, [a.id, c.id])) == "queue_changed"


async def test_a_queue_has_an_end(shows: Shows, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "QUEUE_MAX", 3)
    show = await planned(shows, ANA)
    answers = await asyncio.gather(*(shows.enqueue(ANA, show.id, LotDraft("A", 1)) for _ in range(8)))
    assert sorted(map(code, answers)) == ["accepted"] * 3 + ["too_many_lots"] * 5
    first = (await shows.queue(show.id))[0]
    await shows.mark_opened(first.id)
    assert code(await shows.enqueue(ANA, show.id, LotDraft("B", 1))) == "accepted"
    assert await order(shows, show) == "AAB"


@pytest.mark.parametrize("seed", range(6))
async def test_whoever_changes_it_at_once_the_queue_stays_whole(shows: Shows, seed: int):
    dice = random.Random(seed)
    show = await planned(shows, ANA)
    lots = [lot.id for lot in await lots_titled(shows, show, "ABCDEFGH")]
    gone: list[LotId] = []

    def change() -> Any:
        match dice.randrange(5):
            case 0:
                return shows.enqueue(ANA, show.id, LotDraft("N", 1))
            case 1:
                gone.append(dice.choice(lots))
                return shows.dequeue(ANA, gone[-1])
            case 2:
                gone.append(dice.choice(lots))
                return shows.mark_opened(gone[-1])
            case 3:
                return shows.edit(ANA, dice.choice(lots), LotChanges(start=dice.randrange(1, 99)))
            case _:
                return shows.reorder(ANA, show.id, dice.sample(lots, len(lots)))

    outcomes = await asyncio.gather(*(change() for _ in range(40)))
    added = sum(isinstance(outcome, QueuedLot) and outcome.title == "N" for outcome in outcomes)
    left = await order(shows, show)
    assert sorted(left.replace("N", "")) == sorted(
        "ABCDEFGH"[i] for i, lot in enumerate(lots) if lot not in gone
    )
    assert left.count("N") == added


async def test_of_two_reorderings_at_once_the_queue_has_one(shows: Shows):
    show = await planned(shows, ANA)
    lots = [lot.id for lot in await lots_titled(shows, show, "ABCDEF")]
    wanted = [lots[::-1], lots[3:] + lots[:3]]
    await asyncio.gather(*(shows.reorder(ANA, show.id, ids) for ids in wanted * 4))
    assert await order(shows, show) in ("FEDCBA", "DEFABC")

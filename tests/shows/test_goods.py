"""What a show takes along for its lots and the spotlight: never more than there is, and back only when nobody can sell it any more."""

import asyncio

import pytest

from liveserver.accounts.model import NEVER_MS, Identity
from liveserver.catalog.model import Product, ProductDraft, VariantDraft
from liveserver.catalog.service import Catalog
from liveserver.infra.database import Pool, transaction
from liveserver.inventory import store as inventory
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ProductId, SessionId, UserId
from liveserver.shows import goods
from liveserver.shows.model import LotChanges, LotDraft, QueuedLot, Show, ShowDraft
from liveserver.shows.service import Shows

HANA = Identity(UserId("u_hana"), "Hana", "host", True, SessionId("s_1"), NEVER_MS)


@pytest.fixture
def catalog(pool: Pool, clock: VirtualClock) -> Catalog:
    return Catalog(pool, clock)


async def on_sale(catalog: Catalog, *stock: int, title: str = "Scarf") -> Product:
    variants = tuple(VariantDraft(f"sku{i}", size=str(i), stock=n) for i, n in enumerate(stock))
    product = await catalog.create(HANA, ProductDraft(title, 2500, "USD", variants=variants))
    assert isinstance(product, Product)
    return product


async def a_show(shows: Shows, pool: Pool, status: str = "live") -> Show:
    show = await shows.create(HANA, ShowDraft("Scarves", "USD"))
    assert isinstance(show, Show)
    if status != "scheduled":
        await pool.execute(
            "UPDATE shows SET status = $2, started_ts = 1, ended_ts = CASE $2 WHEN 'ended' THEN 2 END WHERE id = $1",
            show.id,
            status,
        )
    return show


async def stock(catalog: Catalog, product: Product) -> list[int]:
    found = await catalog.get(product.id)
    assert found is not None
    return [variant.stock for variant in found.variants]


async def queued(shows: Shows, show: Show, product: Product) -> QueuedLot:
    lot = await shows.enqueue(HANA, show.id, LotDraft("", 100, product.id))
    assert isinstance(lot, QueuedLot), lot
    return lot


def code(answer: object) -> str:
    assert isinstance(answer, Rejected), answer
    return answer.code


async def test_a_queued_lot_takes_a_piece_and_gives_it_back_when_it_leaves(
    shows: Shows, catalog: Catalog, pool: Pool
):
    show, scarf = await a_show(shows, pool), await on_sale(catalog, 0, 2)
    first, _ = await queued(shows, show, scarf), await queued(shows, show, scarf)
    assert await stock(catalog, scarf) == [0, 0]
    assert code(await shows.enqueue(HANA, show.id, LotDraft("", 100, scarf.id))) == "out_of_stock"
    assert len(await shows.queue(show.id)) == 2, "nothing is left of what was refused"
    assert await shows.dequeue(HANA, first.id) is None
    assert await stock(catalog, scarf) == [0, 1]
    assert await inventory.stock_apart(pool) == []


async def test_a_lot_that_becomes_another_product_s_takes_that_one_s(
    shows: Shows, catalog: Catalog, pool: Pool
):
    show = await a_show(shows, pool)
    scarf, hat, none = await on_sale(catalog, 1), await on_sale(catalog, 1), await on_sale(catalog, 0)
    lot = await queued(shows, show, scarf)
    assert code(await shows.edit(HANA, lot.id, LotChanges(product=none.id))) == "out_of_stock"
    assert await stock(catalog, scarf) == [0], "nothing was changed"
    assert isinstance(await shows.edit(HANA, lot.id, LotChanges(product=hat.id)), QueuedLot)
    assert (await stock(catalog, scarf), await stock(catalog, hat)) == ([1], [0])
    assert isinstance(await shows.edit(HANA, lot.id, LotChanges(product=None)), QueuedLot)
    assert await stock(catalog, hat) == [1]


async def test_the_host_chooses_which_variant_a_lot_is(shows: Shows, catalog: Catalog, pool: Pool):
    show, scarf = await a_show(shows, pool), await on_sale(catalog, 2, 1, 0)
    first, second, third = (one.id for one in scarf.variants)

    def lot_of(variant: str) -> LotDraft:
        return LotDraft("", 100, scarf.id, variant=variant)

    lot = await shows.enqueue(HANA, show.id, lot_of(second))
    assert isinstance(lot, QueuedLot)
    assert (lot.title, lot.variant) == ("Scarf, 1", second)
    assert await stock(catalog, scarf) == [2, 0, 0]
    for variant, refused in (
        (second, "out_of_stock"),
        (third, "out_of_stock"),
        ("var_none", "no_such_variant"),
    ):
        assert code(await shows.enqueue(HANA, show.id, lot_of(variant))) == refused
    assert code(await shows.enqueue(HANA, show.id, LotDraft("A", 100, variant=first))) == "no_such_variant"

    again = await shows.edit(HANA, lot.id, LotChanges(variant=first))
    assert isinstance(again, QueuedLot)
    assert (again.title, await stock(catalog, scarf)) == ("Scarf, 0", [1, 1, 0])
    named = await shows.edit(HANA, lot.id, LotChanges(title="Grandma's scarf", variant=second))
    assert isinstance(named, QueuedLot)
    assert (named.title, await stock(catalog, scarf)) == ("Grandma's scarf", [2, 0, 0])
    any_of_it = await shows.edit(HANA, lot.id, LotChanges(variant=None))
    assert isinstance(any_of_it, QueuedLot)
    assert (any_of_it.variant, await stock(catalog, scarf)) == (None, [2, 0, 0]), "it keeps what it has"
    assert await inventory.stock_apart(pool) == []


async def test_a_lot_of_another_product_is_any_of_its_variants(shows: Shows, catalog: Catalog, pool: Pool):
    show, scarf, hat = await a_show(shows, pool), await on_sale(catalog, 1, 1), await on_sale(catalog, 1)
    lot = await shows.enqueue(HANA, show.id, LotDraft("", 100, scarf.id, variant=scarf.variants[1].id))
    assert isinstance(lot, QueuedLot)
    changed = await shows.edit(HANA, lot.id, LotChanges(product=hat.id))
    assert isinstance(changed, QueuedLot)
    assert (changed.variant, await stock(catalog, scarf), await stock(catalog, hat)) == (None, [1, 1], [0])
    wrong = LotChanges(variant=scarf.variants[0].id)
    assert code(await shows.edit(HANA, lot.id, wrong)) == "no_such_variant"


async def test_a_chosen_variant_opens_and_is_settled_then(shows: Shows, catalog: Catalog, pool: Pool):
    show, scarf = await a_show(shows, pool), await on_sale(catalog, 1, 1)
    first, second = (one.id for one in scarf.variants)
    lot = await shows.enqueue(HANA, show.id, LotDraft("", 100, scarf.id, variant=second))
    assert isinstance(lot, QueuedLot)
    async with transaction(pool) as db:
        await goods.leave(db, show.id, lot.id, 1)
    assert await shows.take_for_lot(show.id, lot.id, scarf.id, queued=True) == lot.id
    assert await stock(catalog, scarf) == [1, 0], "what was chosen, not the first"
    assert code(await shows.edit(HANA, lot.id, LotChanges(variant=first))) == "lot_opening"
    assert isinstance(await shows.edit(HANA, lot.id, LotChanges(start=200)), QueuedLot)


async def test_row_32_what_may_be_in_the_log_is_not_given_back(shows: Shows, catalog: Catalog, pool: Pool):
    show, scarf = await a_show(shows, pool), await on_sale(catalog, 1)
    lot = await queued(shows, show, scarf)
    assert await shows.take_for_lot(show.id, lot.id, scarf.id, queued=True) == lot.id
    assert await shows.dequeue(HANA, lot.id) is None
    assert await stock(catalog, scarf) == [0], "the room may be selling it"
    async with transaction(pool) as db:
        assert await inventory.end_show(db, show.id, 3) != {}
    assert await stock(catalog, scarf) == [1]


async def test_opening_a_product_takes_a_piece_once_however_often_it_is_tried(
    shows: Shows, catalog: Catalog, pool: Pool
):
    show, scarf = await a_show(shows, pool), await on_sale(catalog, 1)
    assert await shows.take_for_lot(show.id, LotId("lot_a"), scarf.id, queued=False) == "lot_a"
    again = await shows.take_for_lot(show.id, LotId("lot_b"), scarf.id, queued=False)
    assert again == "lot_a", "its piece is there; if it did open, the room knows the id"
    assert await stock(catalog, scarf) == [0]
    await pool.execute("UPDATE show_goods SET state = 'open'")
    assert code(await shows.take_for_lot(show.id, LotId("lot_c"), scarf.id, queued=False)) == "out_of_stock"


async def test_a_lot_queued_before_there_were_allotments_takes_its_piece_when_it_opens(
    shows: Shows, catalog: Catalog, pool: Pool
):
    show, scarf = await a_show(shows, pool), await on_sale(catalog, 1)
    lot = await queued(shows, show, scarf)
    async with transaction(pool) as db:
        await goods.leave(db, show.id, lot.id, 1)
    assert await shows.take_for_lot(show.id, lot.id, scarf.id, queued=True) == lot.id
    assert await stock(catalog, scarf) == [0]


async def test_a_product_without_variants_is_not_counted(shows: Shows, catalog: Catalog, pool: Pool):
    show, bare = await a_show(shows, pool), await on_sale(catalog)
    bare_variants = (await catalog.get(bare.id)).variants  # pyright: ignore[reportOptionalMemberAccess]  # it was just made
    await pool.execute("DELETE FROM variants WHERE product = $1", bare.id)
    assert isinstance(await shows.enqueue(HANA, show.id, LotDraft("", 100, bare.id)), QueuedLot), (
        bare_variants
    )
    assert await shows.take_for_lot(show.id, LotId("lot_x"), bare.id, queued=False) == "lot_x"
    assert await shows.take_for_spotlight(show.id, bare.id, 3, 10) == {}


async def test_the_spotlight_takes_some_at_first_and_more_when_asked(
    shows: Shows, catalog: Catalog, pool: Pool
):
    show, scarf = await a_show(shows, pool, "scheduled"), await on_sale(catalog, 12, 3)
    small, large = (variant.id for variant in scarf.variants)
    assert await shows.take_for_spotlight(show.id, scarf.id, None, 10) == {small: 10, large: 3}
    assert await shows.take_for_spotlight(show.id, scarf.id, None, 10) == {small: 10, large: 3}
    assert await shows.take_for_spotlight(show.id, scarf.id, 0, 10) == {small: 10, large: 3}
    assert await shows.take_for_spotlight(show.id, scarf.id, 5, 10) == {small: 12, large: 3}
    assert await stock(catalog, scarf) == [0, 0]
    assert code(await shows.take_for_spotlight(show.id, scarf.id, 5, 10)) == "out_of_stock"
    assert await inventory.stock_apart(pool) == []


async def test_a_product_that_is_gone_is_shown_and_not_sold(shows: Shows, catalog: Catalog, pool: Pool):
    show, scarf = await a_show(shows, pool), await on_sale(catalog, 0)
    assert await shows.take_for_spotlight(show.id, scarf.id, None, 10) == {}
    assert code(await shows.take_for_spotlight(show.id, scarf.id, 2, 10)) == "out_of_stock"


@pytest.mark.parametrize("status", ["ended", ""])
async def test_an_ended_show_takes_nothing_any_more(shows: Shows, catalog: Catalog, pool: Pool, status: str):
    show, scarf = await a_show(shows, pool, "ended"), await on_sale(catalog, 3)
    id = show.id if status else type(show.id)("show_none")
    expected = "show_ended" if status else "show_not_found"
    assert code(await shows.take_for_spotlight(id, scarf.id, None, 10)) == expected
    assert code(await shows.take_for_lot(id, LotId("lot_1"), scarf.id, queued=False)) == expected
    assert await stock(catalog, scarf) == [3]


async def test_several_shows_and_lots_at_once_never_take_more_than_there_is(
    shows: Shows, catalog: Catalog, pool: Pool
):
    stages = [await a_show(shows, pool) for _ in range(3)]
    scarf = await on_sale(catalog, 10, 7)

    async def take(number: int) -> int:
        show = stages[number % 3]
        if number % 2:
            before = await pool.fetchval(
                "SELECT coalesce(sum(given), 0) FROM allotments WHERE show = $1", show.id
            )
            answer = await shows.take_for_spotlight(show.id, ProductId(scarf.id), 1, 10)
            return 0 if isinstance(answer, Rejected) else int(before >= 0)
        answer = await shows.enqueue(HANA, show.id, LotDraft("", 100, scarf.id))
        return 0 if isinstance(answer, Rejected) else 1

    await asyncio.gather(*(take(number) for number in range(40)))
    assert await stock(catalog, scarf) == [0, 0]
    assert await pool.fetchval("SELECT sum(given) FROM allotments") == 17
    assert await inventory.stock_apart(pool) == []

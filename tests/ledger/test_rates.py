"""Which commission counts for what, from when on, and what the history says of it."""

import asyncio

import pytest

from liveserver.config import Settings
from liveserver.config.settings import checked
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.errors import Rejected
from liveserver.ledger import rates
from liveserver.ledger.model import Rates

TS = 1_800_000_000_000
HANA, IDA, LENS, CARDS = "user_hana", "user_ida", "cameras", "cards"


async def sets(
    pool: Pool, seller: str, category: str, bp: int | None, note: str = ""
) -> rates.Rate | Rejected:
    async with transaction(pool) as on:
        return await rates.change(on, "user_admin", seller, category, bp, note, TS)


@pytest.mark.parametrize(
    ("seller", "category", "commission_bp"),
    [
        (HANA, LENS, 300),  # the seller's own for the category
        (HANA, CARDS, 500),  # the seller's own beats the category's
        (HANA, "", 500),
        (IDA, LENS, 1_000),
        (IDA, CARDS, 600),  # the category's
        (IDA, "ceramics", 800),  # the default
        (IDA, "", 800),
    ],
)
async def test_the_most_specific_rate_counts(pool: Pool, seller: str, category: str, commission_bp: int):
    for owner, of, bp in [(HANA, LENS, 300), (HANA, "", 500), ("", CARDS, 600), ("", LENS, 1_000)]:
        assert isinstance(await sets(pool, owner, of, bp), rates.Rate)
    found = await rates.of_sale(pool, seller, [LENS, CARDS, category], Rates())
    line_bp = found.commission_bp(category)
    assert (found.rates.commission_bp if line_bp is None else line_bp) == commission_bp
    assert found.rates.processing_bp == 290


async def test_an_ended_rate_gives_way_and_the_history_keeps_all(pool: Pool):
    for bp in (500, 400, None):
        assert isinstance(await sets(pool, HANA, "", bp, f"now {bp}"), rates.Rate)
    assert (await rates.of_sale(pool, HANA, [], Rates())).rates.commission_bp == 800
    assert await rates.current(pool) == []
    page = await rates.history(pool, limit=2)
    assert not isinstance(page, Rejected)
    assert [(rate.commission_bp, rate.note) for rate in page.items] == [(None, "now None"), (400, "now 400")]
    rest = await rates.history(pool, page.next)
    assert not isinstance(rest, Rejected)
    assert [rate.commission_bp for rate in rest.items] == [500]
    assert rest.next is None


@pytest.mark.parametrize(
    ("seller", "category", "bp", "note", "refusal"),
    [
        ("", "", 500, "", rates.RATE_OF_NOTHING),
        (HANA, "", 10_001, "", rates.RATE_UNFIT),
        (HANA, "", -1, "", rates.RATE_UNFIT),
        (HANA, "", 500, "x" * 201, rates.NOTE_UNFIT),
        (HANA, "", None, "", rates.RATE_THERE),
    ],
)
async def test_what_is_no_rate(
    pool: Pool, seller: str, category: str, bp: int | None, note: str, refusal: Rejected
):
    assert await sets(pool, seller, category, bp, note) == refusal
    assert await rates.current(pool) == []


async def test_the_same_rate_set_by_many_at_once_is_one_line_of_history(pool: Pool):
    done = await asyncio.gather(*(sets(pool, HANA, "", 500) for _ in range(8)))
    assert done.count(rates.RATE_THERE) == 7
    assert len(await rates.current(pool)) == 1


def test_the_fixed_part_is_of_the_currency():
    settings = Settings(processing_fixed_by_currency=("JPY=40", "KWD=100"))
    fixed = {name: rates.default_rates(settings, name).processing_fixed for name in ("USD", "JPY", "KWD")}
    assert fixed == {"USD": 30, "JPY": 40, "KWD": 100}
    assert checked(settings) == []
    assert "JPY=40" in checked(Settings(processing_fixed_by_currency=("JPY=4,0",)))[0]

"""What goods cost: discounts over lines, postage bundled for a show, taxes; and orders that use a coupon up."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveserver.cart.model import Coupon, Method, Quote
from liveserver.cart.rules import countries, discounted, judge_address, postage, shared
from liveserver.cart.shipping import BUNDLE_AFTER_MS
from liveserver.cart.taxes import TaxRates, taxes_of
from liveserver.infra.database import transaction
from liveserver.kernel.errors import Mendable, Rejected
from liveserver.ledger.model import Rates
from liveserver.orders import moves
from liveserver.orders.model import Address, Draft, Line, Order, TaxLine
from tests.cart.market import BEA, BEAS, BERN, ROME, SAM, TS, Market, code_of, person

LINES = st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 100)), min_size=1, max_size=12).map(
    lambda found: [Line(variant=f"v{n}", title="x", price=p, quantity=q) for n, (p, q) in enumerate(found)]
)
OFF = st.one_of(
    st.integers(1, 10_000).map(lambda bp: {"percent_bp": bp}),
    st.integers(1, 10**9).map(lambda amount: {"amount": amount, "currency": "USD"}),
)


def coupon(**how: Any) -> Coupon:
    return Coupon(id="c", seller=SAM, code="SAVE", **how)


async def quoted(market: Market, **wish: Any) -> Quote | Rejected:
    asked = {"seller": SAM, "address": BERN, **wish}
    async with transaction(market.pool) as on:
        return await market.quotes.of_cart(on, BEAS, **asked)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_shares_add_up_and_nobody_gets_a_unit_too_much(total: int, weights: list[int]):
    whole = sum(weights)
    if whole == 0:
        return
    parts = shared(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True)
    )


@given(LINES, OFF, st.randoms())
def test_a_discount_adds_up_never_exceeds_the_goods_and_ignores_their_order(
    lines: list[Line], off: Any, random: Any
):
    done = discounted(coupon(**off), lines, "USD", TS)
    assert not isinstance(done, Rejected)
    goods = sum(line.price * line.quantity for line in lines)
    taken = sum(line.discount for line in done)
    expected = (
        (goods * off["percent_bp"] * 2 + 10_000) // 20_000
        if "percent_bp" in off
        else min(off["amount"], goods)
    )
    assert taken == expected
    assert all(0 <= line.discount <= line.price * line.quantity for line in done)
    mixed = list(lines)
    random.shuffle(mixed)
    again = discounted(coupon(**off), mixed, "USD", TS)
    assert not isinstance(again, Rejected)
    assert {line.variant: line.discount for line in again} == {line.variant: line.discount for line in done}


@pytest.mark.parametrize(
    ("how", "refused"),
    [
        ({"active": False}, "coupon_over"),
        ({"from_ts": TS + 1}, "coupon_over"),
        ({"until_ts": TS}, "coupon_over"),
        ({"minimum": 10_001, "currency": "USD"}, "coupon_minimum"),
        ({"minimum": 1, "currency": "EUR"}, "coupon_currency"),
        ({"products": ("vase",)}, "coupon_not_for_these"),
        ({"categories": ("toys",)}, "coupon_not_for_these"),
    ],
)
def test_coupons_that_do_not_hold(how: dict[str, Any], refused: str):
    lines = [Line(product="lamp", variant="lamp", title="Lamp", category="home", quantity=2, price=5_000)]
    assert code_of(discounted(coupon(percent_bp=500, **how), lines, "USD", TS)) == refused


def test_a_coupon_for_one_category_leaves_the_rest_alone():
    lines = [
        Line(product="lamp", variant="lamp", title="Lamp", category="home", price=5_000),
        Line(product="vase", variant="vase", title="Vase", category="ceramics", price=3_333),
    ]
    done = discounted(coupon(percent_bp=1_000, categories=("ceramics",)), lines, "USD", TS)
    assert not isinstance(done, Rejected)
    assert [line.discount for line in done] == [0, 333]


@pytest.mark.parametrize(
    ("items", "goods", "bundled", "cost"),
    [(1, 100, False, 413), (3, 100, False, 613), (3, 100, True, 300), (3, 9_000, False, 0), (0, 0, False, 0)],
)
def test_postage(items: int, goods: int, bundled: bool, cost: int):
    method = Method(id="m", name="Parcel", currency="USD", first=413, further=100, free_from=9_000)
    assert postage(method, items, goods, bundled=bundled) == cost


async def test_a_quote_has_all_that_belongs_to_it(market: Market):
    market = Market(market.pool, TaxRates({"CH": ("VAT", 810)}))
    await market.ships()
    await market.coupon(percent_bp=1_000)
    await market.puts("lamp", 2)
    quote = await quoted(market, coupon="save ")
    assert isinstance(quote, Quote)
    assert (quote.subtotal, quote.discount, quote.shipping, quote.method) == (10_000, 1_000, 513, "Parcel")
    assert quote.taxes == (TaxLine("VAT", 810, 771),)  # 8.1 % of 9513 is 770.553
    assert quote.total == 10_000 - 1_000 + 513 + 771
    order = await market.ordered(coupon="SAVE", expected_total=quote.total)
    assert (order.total, order.coupon) == (quote.total, "SAVE")
    assert (await market.carts.get(BEAS)).items == ()


async def test_a_seller_without_ways_to_ship_ships_free_and_one_with_some_only_there(market: Market):
    await market.puts("lamp")
    free = await quoted(market)
    assert isinstance(free, Quote)
    assert (free.shipping, free.method) == (0, "")
    swiss = await market.ships(countries=("ch",), first=700)
    await market.ships("Courier", countries=("CH",), first=1_500)
    assert code_of(await quoted(market, address=ROME)) == "not_shipped_there"
    cheap, dear = await quoted(market), await quoted(market, method="Courier")
    assert isinstance(cheap, Quote)
    assert isinstance(dear, Quote)
    assert (cheap.shipping, dear.shipping) == (700, 1_500)
    assert await quoted(market, method=swiss.id) == cheap
    assert code_of(await quoted(market, method="Pigeon")) == "method_not_found"


async def sold_in_show(market: Market, address: Address | None = BERN) -> Order:
    line = Line(title="Lot", price=1_000)
    async with transaction(market.pool) as on:
        quote = await market.quotes.quote(on, SAM, BEA.id, "show_1", [line], "USD", address)
        placed = await moves.place(
            on,
            Draft(
                origin=f"lot:{market.clock.now_ms()}",
                source="auction",
                buyer=quote.seller.__class__(BEA.id),
                buyer_name="Bea",
                seller=quote.seller,
                seller_name="Sam",
                show="show_1",
                currency="USD",
                lines=quote.lines,
                shipping=quote.shipping,
                shipping_method=quote.method,
                taxes=quote.taxes,
                address=address,
                rates=Rates(),
                due_ts=TS * 2,
                test=True,
            ),
            market.clock.now_ms(),
        )
    market.clock.advance(1)
    assert isinstance(placed, Order)
    return placed


@pytest.fixture
async def show(market: Market) -> Market:
    await market.pool.execute(
        "INSERT INTO shows (id, title, description, host, host_name, currency, picture, chat, status, started_ts, created_ts) "
        "VALUES ('show_1', 'Lamps', '', 'user_sam', 'Sam', 'USD', '', '{}', 'live', $1, 1)",
        TS,
    )
    await market.ships()
    return market


async def test_of_one_show_only_the_first_order_pays_for_a_first_item(show: Market):
    first, second = await sold_in_show(show), await sold_in_show(show)
    assert (first.shipping, second.shipping) == (413, 100)


async def test_a_cancelled_order_does_not_pay_for_the_others(show: Market):
    first = await sold_in_show(show)
    async with transaction(show.pool) as on:
        await moves.cancel(on, first.id, SAM, "broken", TS)
    assert (await sold_in_show(show)).shipping == 413


async def test_sales_travel_together_until_an_hour_after_the_show(show: Market):
    await sold_in_show(show)
    await show.pool.execute("UPDATE shows SET status = 'ended', ended_ts = $1", show.clock.now_ms())
    show.clock.advance(BUNDLE_AFTER_MS - 1)
    assert (await sold_in_show(show)).shipping == 100
    show.clock.advance(2)
    assert (await sold_in_show(show)).shipping == 413


async def test_addresses_given_later_cost_as_if_given_at_once(show: Market):
    first, second = await sold_in_show(show, None), await sold_in_show(show, None)
    assert (first.shipping, second.shipping) == (0, 0)
    async with transaction(show.pool) as on:
        costs = [await show.quotes.of_order(on, order, BERN) for order in (second, first)]
    assert [cost.shipping for cost in costs if isinstance(cost, Quote)] == [100, 413]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ({"products": ("vase",)}, "This coupon is only for: vase."),
        ({"categories": ("ceramics",), "products": ("vase",)}, "This coupon is only for: Ceramics, vase."),
        ({"products": ("prod_gone",)}, "This coupon is for other goods than these."),
        (
            {"products": tuple(f"cup{n}" for n in range(5))},
            "This coupon is only for: cup0, cup1, cup2, cup3 and others.",
        ),
    ],
)
async def test_a_coupon_for_other_goods_says_for_which(market: Market, of: dict[str, Any], words: str):
    for n in range(5):
        await market.offers(f"cup{n}", SAM, 100, stock=1)
    await market.coupon("ONLY", **of)
    await market.puts("lamp")
    refused = await market.carts.type_coupon(BEAS, "only")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.message) == ("coupon_not_for_these", words)


async def test_a_coupon_for_three_orders_is_used_three_times_by_twenty(market: Market):
    await market.coupon(uses_max=3)
    buyers = [person(f"user_b{n}") for n in range(20)]
    for buyer in buyers:
        done = await market.carts.add(BEAS.__class__(f"u:{buyer.id}"), "lamp", 1)
        assert not isinstance(done, Rejected)
    done = await asyncio.gather(*(market.orders(buyer, coupon="SAVE") for buyer in buyers))
    assert sum(isinstance(one, Order) for one in done) == 3
    assert {code_of(one) for one in done if isinstance(one, Rejected)} == {"coupon_used_up"}
    assert await market.pool.fetchval("SELECT stock FROM variants WHERE id = 'lamp'") == 47


async def test_an_order_cancelled_unpaid_has_used_no_coupon(market: Market):
    await market.coupon(person_max=1)
    await market.puts("lamp")
    order = await market.ordered(coupon="SAVE")
    await market.puts("lamp")
    assert code_of(await market.orders(coupon="SAVE")) == "coupon_used_up"
    async with transaction(market.pool) as on:
        await moves.cancel(on, order.id, BEA.id, "", TS)
    assert (await market.ordered(coupon="SAVE")).coupon == "SAVE"


def test_tax_by_country_and_region_is_rounded_once_on_the_whole():
    port = taxes_of(("US=100", "US-CA=725:Sales tax"))
    address = Address(name="A", line1="1", city="LA", region="ca", country="US")
    found = port.taxes(SAM, address, [Line(title="x", price=333), Line(title="y", price=333)], 34, "USD")
    assert found == (TaxLine("Tax", 100, 7), TaxLine("Sales tax", 725, 51))
    assert port.taxes(SAM, BERN, [Line(title="x", price=333)], 0, "USD") == ()


def test_a_tax_rate_that_cannot_be_read_names_itself():
    with pytest.raises(Mendable, match="DE=19%"):
        taxes_of(("DE=19%",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("line1", "x" * 201),
        ("city", ""),
        ("country", "XX"),
        ("country", "EU"),
        ("phone", "call me"),
    ],
)
def test_addresses_are_refused_by_their_field(field: str, value: str):
    given = {"name": "Bea", "line1": "Gasse 1", "city": "Bern", "country": "ch", field: value}
    refused = judge_address(Address(**given))
    assert isinstance(refused, Rejected)
    assert refused.detail["field"] == field


def test_there_are_countries_and_no_groups_of_them():
    assert countries()["CH"] == "Switzerland"
    assert not {"EU", "UN", "ZZ"} & set(countries())

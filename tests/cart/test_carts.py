"""Carts: what goes in, what is told of it, a guest's that becomes a person's."""

import asyncio

import pytest

from liveserver.cart.model import Cart, of_guest, of_person
from liveserver.cart.service import KEPT_MS, new_token
from liveserver.kernel.errors import Rejected
from liveserver.orders.model import Order
from tests.cart.market import BEAS, SAM, TIA, Market, code_of, person


async def test_the_same_thing_twice_is_one_item(market: Market):
    await market.puts("lamp", 2)
    cart = await market.puts("lamp")
    assert [(item.variant, item.quantity) for item in cart.items] == [("lamp", 3)]
    assert (cart.total, cart.currency) == (15_000, "USD")


async def test_goods_are_grouped_by_their_sellers(market: Market):
    await market.puts("lamp")
    await market.puts("plate")
    cart = await market.puts("vase")
    assert [[item.variant for item in group.items] for group in cart.groups] == [["lamp", "vase"], ["plate"]]


async def test_what_cannot_go_in_is_refused(market: Market):
    await market.puts("lamp")
    assert code_of(await market.carts.add(BEAS, "vase", 6)) == "out_of_stock"
    assert code_of(await market.carts.add(BEAS, "print", 1)) == "cart_currency"
    assert code_of(await market.carts.add(BEAS, "nothing", 1)) == "variant_not_found"
    assert code_of(await market.carts.add(BEAS, "lamp", 0)) == "bad_quantity"
    assert code_of(await market.carts.add(of_person(SAM), "lamp", 1)) == "own_goods"
    await market.pool.execute("UPDATE products SET archived = true WHERE id = 'vase'")
    assert code_of(await market.carts.add(BEAS, "vase", 1)) == "variant_not_found"


async def test_a_cart_has_a_hundred_different_things_at_most(market: Market):
    for n in range(100):
        await market.offers(f"cup{n}", SAM, 100, stock=1)
        await market.puts(f"cup{n}")
    assert code_of(await market.carts.add(BEAS, "lamp", 1)) == "cart_full"


async def test_a_changed_price_is_shown_and_counts(market: Market):
    await market.puts("lamp", 2)
    await market.pool.execute("UPDATE variants SET price = 6000 WHERE id = 'lamp'")
    cart = await market.carts.get(BEAS)
    assert (cart.items[0].price_at_add, cart.items[0].price_changed, cart.total) == (5_000, True, 12_000)


async def test_quantities_go_up_as_far_as_there_is_stock_and_always_down(market: Market):
    item = (await market.puts("vase", 5)).items[0].id
    await market.has("vase", 3)
    assert not (await market.carts.get(BEAS)).items[0].available
    assert isinstance(await market.carts.set_quantity(BEAS, item, 4), Cart)
    assert code_of(await market.carts.set_quantity(BEAS, item, 6)) == "out_of_stock"
    empty = await market.carts.set_quantity(BEAS, item, 0)
    assert isinstance(empty, Cart)
    assert empty.items == ()
    assert code_of(await market.carts.set_quantity(BEAS, item, 1)) == "item_not_found"


async def test_nobody_changes_somebody_elses_cart(market: Market):
    item = (await market.puts("lamp")).items[0].id
    assert code_of(await market.carts.set_quantity(of_person("user_eve"), item, 7)) == "item_not_found"
    assert (await market.carts.get(BEAS)).count == 1


async def test_a_variant_that_its_seller_drops_is_shown_as_gone(market: Market):
    await market.puts("lamp")
    await market.pool.execute("DELETE FROM variants WHERE id = 'lamp'")
    item = (await market.carts.get(BEAS)).items[0]
    assert (item.available, item.stock, item.price) == (False, 0, 5_000)
    assert code_of(await market.orders()) == "out_of_stock"


async def test_a_guests_cart_is_added_to_the_persons_as_far_as_there_is_stock(market: Market):
    token = new_token()
    await market.puts("vase", 4, of_guest(token))
    await market.puts("plate", 1, of_guest(token))
    await market.puts("vase", 3)
    await market.carts.merge(token, "user_bea")
    cart = await market.carts.get(BEAS)
    assert {item.variant: item.quantity for item in cart.items} == {"vase": 5, "plate": 1}
    assert (await market.carts.get(of_guest(token))).items == ()


async def test_two_sign_ins_at_once_merge_a_guests_cart_once(market: Market):
    token = new_token()
    await market.puts("lamp", 2, of_guest(token))
    await asyncio.gather(*(market.carts.merge(token, "user_bea") for _ in range(8)))
    assert (await market.carts.get(BEAS)).count == 2


async def test_what_does_not_fit_is_left_out_of_a_merged_cart_and_told_once(market: Market):
    token = new_token()
    await market.puts("print", 1, of_guest(token))
    await market.puts("lamp")
    await market.carts.merge(token, "user_bea")
    assert [item.variant for item in (await market.carts.get(BEAS)).items] == ["lamp"]
    told = await market.carts.left_out(BEAS)
    assert [(one.variant, one.quantity, one.reason) for one in told] == [("print", 1, "cart_currency")]
    assert await market.carts.left_out(BEAS) == ()


@pytest.mark.parametrize(
    ("own", "guest", "stock", "in_cart", "left", "reason"),
    [
        (3, 4, 5, 5, 2, "out_of_stock"),
        (5, 1, 5, 5, 1, "out_of_stock"),
        (3, 2, 0, 3, 2, "out_of_stock"),
        (0, 4, 3, 3, 1, "out_of_stock"),
        (60, 60, 500, 100, 20, "too_many"),
        (1, 2, 5, 3, 0, ""),
        # Sold out altogether comes along: the cart shows it as such.
        (0, 2, 0, 2, 0, ""),
    ],
)
async def test_what_of_an_item_is_left_out_by_a_merge(
    market: Market, own: int, guest: int, stock: int, in_cart: int, left: int, reason: str
):
    token = new_token()
    await market.has("vase", 500)
    await market.puts("vase", guest, of_guest(token))
    if own:
        await market.puts("vase", own)
    await market.has("vase", stock)
    await market.carts.merge(token, "user_bea")
    assert [item.quantity for item in (await market.carts.get(BEAS)).items] == [in_cart]
    told = [(one.quantity, one.reason) for one in await market.carts.left_out(BEAS)]
    assert told == ([(left, reason)] if left else [])


async def test_ones_own_goods_and_what_a_full_cart_has_no_room_for_are_told(market: Market):
    for n in range(100):
        await market.offers(f"cup{n}", TIA, 100, stock=1)
        await market.puts(f"cup{n}", 1, of_person(SAM))
    token = new_token()
    await market.puts("lamp", 1, of_guest(token))
    await market.puts("plate", 2, of_guest(token))
    await market.carts.merge(token, SAM)
    told = {one.variant: one.reason for one in await market.carts.left_out(of_person(SAM))}
    assert told == {"lamp": "own_goods", "plate": "cart_full"}


async def test_what_was_left_out_waits_for_its_person_only(market: Market):
    token = new_token()
    await market.puts("print", 1, of_guest(token))
    await market.puts("lamp")
    await market.carts.merge(token, "user_bea")
    assert await market.carts.left_out(of_person("user_eve")) == ()
    empty_handed = new_token()
    await market.puts("plate", 1, of_guest(empty_handed))
    await market.carts.merge(empty_handed, "user_bea")
    assert len(await market.carts.left_out(BEAS)) == 1


async def test_the_database_holds_no_token(market: Market):
    token = new_token()
    await market.puts("lamp", 1, of_guest(token))
    owner = await market.pool.fetchval("SELECT owner FROM carts")
    assert token not in owner


async def test_carts_that_nobody_touches_are_forgotten(market: Market):
    await market.puts("lamp")
    market.clock.advance(KEPT_MS)
    await market.puts("lamp", 1, of_person("user_eve"))
    market.clock.advance(1)
    await market.carts.sweep()
    assert (await market.carts.get(BEAS)).items == ()
    assert (await market.carts.get(of_person("user_eve"))).count == 1


async def test_two_hundred_buyers_of_fifty_lamps_get_fifty(market: Market):
    buyers = [person(f"user_b{n}") for n in range(200)]
    for buyer in buyers:
        await market.puts("lamp", 1, of_person(buyer.id))
    done = await asyncio.gather(*(market.orders(buyer) for buyer in buyers))
    assert sum(isinstance(one, Order) for one in done) == 50
    assert {one.code for one in done if isinstance(one, Rejected)} == {"out_of_stock"}
    assert await market.pool.fetchval("SELECT stock FROM variants WHERE id = 'lamp'") == 0

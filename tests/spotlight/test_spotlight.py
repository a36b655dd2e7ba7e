"""The spotlight: what a host highlights reaches everybody as the catalog had it, and only the host's own products can be."""

import copy
from collections.abc import Awaitable
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveserver.catalog.model import Product, Variant, VariantId
from liveserver.client.reducers.spotlight import reduce
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, ShowId, UserId
from liveserver.rooms.edge import Edge
from liveserver.rooms.model import Role
from liveserver.shows.model import ChatSettings, Show
from liveserver.spotlight.feature import SpotlightFeature
from liveserver.spotlight.model import Card, ClearSpotlight, Good, OfferSpotlight, SetSpotlight
from liveserver.spotlight.wire import LIMIT_DEFAULT, ROUTES, UNITS_DEFAULT
from tests.support.replica import Replica, person

HOST = person("Hana", "host")
LEICA = Card("prod_1", "Leica M3", 129_900, "EUR", "/media/generated/camera/1.svg", 3)
SHOWN = {
    "id": "prod_1",
    "title": "Leica M3",
    "price": 129_900,
    "currency": "EUR",
    "picture": "/media/generated/camera/1.svg",
    "offer": None,
}
SHOW = Show(
    ShowId("show_1"),
    "Cameras",
    "",
    UserId("u_hana"),
    "Hana",
    (),
    "EUR",
    "live",
    None,
    None,
    None,
    "",
    ChatSettings(),
)
BY_TYPE = {route.type: route for route in ROUTES}


def product(
    seller: str = "u_hana", archived: bool = False, images: tuple[str, ...] = (LEICA.picture, "/2")
) -> Product:
    variants = tuple(
        Variant(VariantId(f"v{i}"), f"sku{i}", "Black", size, i, 129_900) for i, size in ((1, ""), (2, "M"))
    )
    return Product(
        id=ProductId("prod_1"),
        seller=UserId(seller),
        title="Leica M3",
        description="",
        price=129_900,
        currency="EUR",
        images=images,
        category="",
        variants=variants,
        archived=archived,
    )


class Shelf:
    """A catalog of one product at most."""

    def __init__(self, only: Product | None) -> None:
        self.only = only

    async def get(self, product: ProductId) -> Product | None:
        return self.only if self.only is not None and self.only.id == product else None


class Stores:
    """What the show took along: as told (tests/shows/test_goods.py has the real thing)."""

    def __init__(self, given: dict[str, int] | Rejected) -> None:
        self.given = given
        self.asked: list[tuple[int | None, int]] = []

    async def take_for_spotlight(
        self, show: ShowId, product: ProductId, units: int | None, first_units: int
    ) -> dict[str, int] | Rejected:
        self.asked.append((units, first_units))
        return self.given


async def settle(
    only: Product | None, asked: str = "prod_1", stores: Stores | None = None, **more: int
) -> msgspec.Struct | Rejected:
    route = BY_TYPE["spotlight:set"]
    payload = msgspec.json.decode(
        msgspec.json.encode({"show": "show_1", "product": asked, **more}), type=route.payload
    )
    shelf, shows = cast("Any", Shelf(only)), cast("Any", stores or Stores({}))
    return await cast(
        "Awaitable[msgspec.Struct | Rejected]",
        route.settle(payload, Edge(HOST, SHOW, shelf, shows, VirtualClock())),
    )


async def test_the_product_goes_into_the_log_as_the_catalog_has_it():
    assert await settle(product()) == OfferSpotlight(LEICA, (), LIMIT_DEFAULT)


async def test_what_the_show_took_along_goes_into_the_log_with_it():
    stores = Stores({"v2": 7, "v1": 3, "v_gone": 1})
    settled = await settle(product(), stores=stores, units=2, limit=1)
    goods = (Good("v1", "Black", 129_900, 3), Good("v2", "Black / M", 129_900, 7))
    assert settled == OfferSpotlight(LEICA, goods, 1)
    assert stores.asked == [(2, UNITS_DEFAULT)]


async def test_nothing_is_shown_when_the_stock_that_was_asked_for_is_not_there():
    refused = Rejected("out_of_stock", "This is sold out.")
    assert await settle(product(), stores=Stores(refused), units=2) == refused


async def test_what_is_priced_in_another_currency_is_shown_and_not_sold():
    stores = Stores({"v1": 3})
    settled = await settle(msgspec.structs.replace(product(), currency="JPY"), stores=stores)
    assert isinstance(settled, OfferSpotlight)
    assert (settled.goods, stores.asked) == ((), [])


async def test_a_product_without_pictures_has_none():
    settled = await settle(product(images=()))
    assert isinstance(settled, OfferSpotlight)
    assert settled.card.picture == ""


@pytest.mark.parametrize(
    "only",
    [None, product(seller="u_ben"), product(archived=True)],
    ids=["unknown", "of another seller", "archived"],
)
async def test_what_can_not_be_highlighted(only: Product | None):
    settled = await settle(only)
    assert isinstance(settled, Rejected)
    assert settled.code == "no_such_product"


async def test_an_id_that_is_none_is_no_payload():
    with pytest.raises(msgspec.ValidationError):
        await settle(product(), "a b")


@pytest.mark.parametrize("kind", sorted(BY_TYPE))
@pytest.mark.parametrize("role", ["guest", "viewer", "moderator", "host", "admin"])
def test_role_by_command(kind: str, role: Role):
    allowed = {"host", "admin"} if kind != "spotlight:buy" else {"viewer", "moderator", "host", "admin"}
    assert (role in BY_TYPE[kind].roles) == (role in allowed)


def test_routes_and_commands_are_the_same():
    # `spotlight:set` stands in the logs of releases that sold nothing.
    assert {route.kind for route in ROUTES} == set(SpotlightFeature.commands) - {"spotlight:set"}


def test_viewers_see_the_card_and_not_the_stock():
    show = Replica(SpotlightFeature())
    assert show.snapshot("spotlight") == {"product": None}
    show.does(HOST, "spotlight:set", SetSpotlight(LEICA))
    assert show.told() == [("product:highlighted", {"product": SHOWN})]
    assert show.snapshot("spotlight") == {"product": SHOWN}
    show.does(HOST, "spotlight:clear", ClearSpotlight())
    assert show.told()[-1] == ("product:highlighted", {"product": None})
    show.does(HOST, "spotlight:clear", ClearSpotlight())
    assert len(show.told()) == 2, "nothing was there to clear"
    show.assert_survives_storage()


CARDS = st.one_of(
    st.none(), st.integers(1, 3).map(lambda i: Card(f"prod_{i}", f"Camera {i}", i, "EUR", "", i))
)


@given(before=st.lists(CARDS, max_size=4), after=st.lists(CARDS, max_size=6))
def test_old_snapshot_and_events_make_the_new_snapshot(before: list[Card | None], after: list[Card | None]):
    show = Replica(SpotlightFeature())

    def highlight(card: Card | None):
        if card is None:
            show.does(HOST, "spotlight:clear", ClearSpotlight())
        else:
            show.does(HOST, "spotlight:set", SetSpotlight(card))

    for card in before:
        highlight(card)
    picture, known = copy.deepcopy(show.snapshot("spotlight")), len(show.events)
    for card in after:
        highlight(card)
    for event in show.wire_events()[known:]:
        reduce(picture, event)
    assert picture == show.snapshot("spotlight")
    show.assert_survives_storage()

"""From a message to the arguments in the log: bounds of payloads, and what opening a lot finds in the records."""

import inspect
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import pytest

from liveserver.auction import model as m
from liveserver.auction.clock import PRESETS
from liveserver.auction.increments import ROWS_MAX, named
from liveserver.auction.wire import ROUTES, BidPlace, Defaults, LotOpen, LotVoid, routes
from liveserver.catalog.model import Product
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ProductId, ShowId, UserId
from liveserver.kernel.money import AMOUNT_MAX
from liveserver.rooms.edge import Edge, Route
from liveserver.rooms.model import Actor
from liveserver.shows.model import ChatSettings, QueuedLot, Show

SHOW = Show(
    ShowId("show_1"), "Cameras", "", UserId("u_host"), "Host", (), "USD", "live", None, 1, None, "", ChatSettings()
)  # fmt: skip
LEICA = Product(
    ProductId("prod_1"), UserId("u_host"), "Leica M3", "", 90_000, "USD", ("/media/m3.svg",), "cameras", ()
)
QUEUED = QueuedLot(
    LotId("lot_q"), SHOW.id, 1, LEICA.id, "Leica, boxed", "/media/box.svg", 5000, 8000,
    increments="ebay-us", preset="timed", duration_ms=60_000,
)  # fmt: skip


@dataclass
class Records:
    """Doubles of catalog and shows: what settling reads of them."""

    products: dict[str, Product] = field(default_factory=dict)
    lots: dict[str, QueuedLot] = field(default_factory=dict)

    async def get(self, product: ProductId) -> Product | None:
        return self.products.get(product)

    async def lot(self, lot: LotId) -> QueuedLot | None:
        return self.lots.get(lot)

    async def take_for_lot(
        self, show: ShowId, lot: LotId, product: ProductId, *, queued: bool
    ) -> LotId | Rejected:
        """There is a piece of everything (tests/shows/test_goods.py has the real thing)."""
        return lot


async def settled(
    payload: dict[str, Any], type: str = "lot:open", table: tuple[Route, ...] = ROUTES, **also: Any
) -> Any:
    """What the message becomes, decoded as the gateway decodes it. Raises msgspec.ValidationError."""
    route = next(route for route in table if route.type == type)
    decoded = msgspec.json.decode(msgspec.json.encode({"show": SHOW.id, **payload}), type=route.payload)
    records = Records(
        also.get("products", {LEICA.id: LEICA}),
        also.get("lots", {QUEUED.id: QUEUED}),
    )
    edge = Edge(
        Actor("u_host", "Host", "host"),
        also.get("show", SHOW),
        cast(Any, records),
        cast(Any, records),
        VirtualClock(),
    )
    result = route.settle(decoded, edge)
    return await result if inspect.isawaitable(result) else result


async def test_a_lot_with_a_title_alone():
    terms = await settled({"title": "Mystery box", "start": 100})
    assert isinstance(terms, m.Terms)
    assert terms.lot.startswith("lot_")
    assert (terms.show, terms.title, terms.product, terms.seller) == ("show_1", "Mystery box", None, "")
    assert terms.rules.increments == named("live", "USD")
    assert terms.timing == PRESETS["live"]
    assert terms.confirm_times == 10


async def test_a_lot_of_a_product():
    terms = await settled({"product": "prod_1", "start": 100, "clock": {"preset": "sudden-death"}})
    assert (terms.title, terms.picture, terms.product, terms.seller) == (
        "Leica M3",
        "/media/m3.svg",
        "prod_1",
        "u_host",
    )
    assert terms.timing == PRESETS["sudden-death"]
    assert (await settled({"product": "prod_1", "title": "M3, boxed", "start": 100})).title == "M3, boxed"


async def test_a_queued_lot_brings_its_own_terms():
    terms = await settled({"lot": "lot_q"})
    assert (terms.lot, terms.title, terms.picture) == ("lot_q", "Leica, boxed", "/media/box.svg")
    assert (terms.rules.start, terms.rules.reserve, terms.rules.increments.name) == (5000, 8000, "ebay-us")
    assert (terms.timing.preset, terms.timing.duration_ms) == ("timed", 60_000)
    assert terms.product == "prod_1"


async def test_the_host_may_change_a_queued_lots_terms_when_opening_it():
    terms = await settled(
        {"lot": "lot_q", "start": 100, "reserve": 200, "increments": "flat:5", "clock": {"preset": "live"}}
    )
    assert (terms.rules.start, terms.rules.reserve, terms.rules.increments.name) == (100, 200, "flat:5")
    assert terms.timing.preset == "live"


async def test_a_clock_of_ones_own():
    own = {"duration_ms": 5_000, "window_ms": 1_000, "extend_ms": 2_000, "hard_ms": 9_000}
    terms = await settled({"title": "Quick", "start": 1, "clock": own})
    timing = terms.timing
    assert (timing.duration_ms, timing.window_ms, timing.extend_ms, timing.hard_ms) == (
        5_000,
        1_000,
        2_000,
        9_000,
    )


async def test_increments_of_ones_own():
    terms = await settled({"title": "Odd", "start": 1, "increments": [[0, 5], [100, 50]]})
    assert [terms.rules.increments.step(price) for price in (0, 99, 100)] == [5, 5, 50]


async def test_the_servers_settings_are_pinned():
    own = routes(Defaults(hammer_ms=300, call_gap_ms=1_000, confirm_times=3))
    terms = await settled({"title": "Odd", "start": 1}, table=own)
    assert (terms.timing.hammer_ms, terms.timing.call_gap_ms, terms.confirm_times) == (300, 1_000, 3)
    terms = await settled(
        {"title": "Odd", "start": 1, "clock": {"hammer_ms": 500}, "confirm_times": 0}, table=own
    )
    assert (terms.timing.hammer_ms, terms.confirm_times) == (500, 0)


OTHERS = msgspec.structs.replace(LEICA, seller=UserId("u_other"))
YEN = msgspec.structs.replace(LEICA, currency="JPY")
GONE = msgspec.structs.replace(LEICA, archived=True)
OPENED = msgspec.structs.replace(QUEUED, status="opened")
ELSEWHERE = msgspec.structs.replace(QUEUED, show=ShowId("show_2"))


@pytest.mark.parametrize(
    ("code", "payload", "records"),
    [
        ("field_missing", {"start": 100}, {}),
        ("field_missing", {"title": "Box"}, {}),
        ("no_such_product", {"product": "prod_9", "start": 1}, {}),
        ("no_such_product", {"product": "prod_1", "start": 1}, {"products": {"prod_1": OTHERS}}),
        ("no_such_product", {"product": "prod_1", "start": 1}, {"products": {"prod_1": GONE}}),
        ("currency_mismatch", {"product": "prod_1", "start": 1}, {"products": {"prod_1": YEN}}),
        ("no_such_lot", {"lot": "lot_9"}, {}),
        ("no_such_lot", {"lot": "lot_q"}, {"lots": {"lot_q": ELSEWHERE}}),
        ("lot_known", {"lot": "lot_q"}, {"lots": {"lot_q": OPENED}}),
        ("unknown_increments", {"title": "Box", "start": 1, "increments": "ebay-mars"}, {}),
        ("unknown_increments", {"title": "Box", "start": 1, "increments": "flat:0"}, {}),
        ("unknown_increments", {"title": "Box", "start": 1, "increments": "flat:١٢"}, {}),
        ("unknown_increments", {"title": "Box", "start": 1, "increments": "flat:-5"}, {}),
        ("bad_increments", {"title": "Box", "start": 1, "increments": [[5, 1], [5, 2]]}, {}),
        ("bad_increments", {"title": "Box", "start": 1, "increments": [[5, 1], [4, 2]]}, {}),
        ("unknown_preset", {"title": "Box", "start": 1, "clock": {"preset": "warp"}}, {}),
        ("bad_clock", {"title": "Box", "start": 1, "clock": {"duration_ms": 1}}, {}),
        ("bad_clock", {"title": "Box", "start": 1, "clock": {"duration_ms": 9_000, "hard_ms": 8_000}}, {}),
    ],
)
async def test_refused_before_the_log(code: str, payload: dict[str, Any], records: dict[str, Any]):
    refusal = await settled(payload, **records)
    assert isinstance(refusal, Rejected)
    assert refusal.code == code


@pytest.mark.parametrize(
    ("type", "payload"),
    [
        ("lot:open", {"title": "", "start": 1}),
        ("lot:open", {"title": "x" * 121, "start": 1}),
        ("lot:open", {"title": "Box", "start": 0}),
        ("lot:open", {"title": "Box", "start": AMOUNT_MAX + 1}),
        ("lot:open", {"title": "Box", "start": 1.5}),
        ("lot:open", {"title": "Box", "start": 1, "reserve": 0}),
        ("lot:open", {"title": "Box", "start": 1, "picture": "x" * 501}),
        ("lot:open", {"title": "Box", "start": 1, "increments": []}),
        ("lot:open", {"title": "Box", "start": 1, "increments": [[0, 0]]}),
        ("lot:open", {"title": "Box", "start": 1, "increments": [[n, 1] for n in range(ROWS_MAX + 1)]}),
        ("lot:open", {"title": "Box", "start": 1, "increments": "x" * 33}),
        ("lot:open", {"title": "Box", "start": 1, "clock": {"window": 5}}),
        ("lot:open", {"title": "Box", "start": 1, "clock": {"window_ms": -1}}),
        ("lot:open", {"product": "no braces {}", "start": 1}),
        ("bid:place", {"lot": "lot_1", "amount": 0}),
        ("bid:place", {"lot": "lot_1", "amount": -5}),
        ("bid:place", {"lot": "lot_1", "amount": "100"}),
        ("bid:place", {"lot": "lot_1", "amount": 1e30}),
        ("bid:place", {"lot": "lot_1", "amount": AMOUNT_MAX + 1}),
        ("bid:place", {"lot": "x" * 41, "amount": 1}),
        ("bid:place", {"lot": "lot_1", "amount": 1, "confirm": "x" * 65}),
        ("bid:place", {"amount": 1}),
        ("lot:void", {"lot": "lot_1", "user": "u_ana", "reason": ""}),
        ("lot:void", {"lot": "lot_1", "user": "u_ana", "reason": "x" * 201}),
        ("lot:call", {}),
    ],
)
async def test_out_of_bounds(type: str, payload: dict[str, Any]):
    with pytest.raises(msgspec.ValidationError):
        await settled(payload, type)


async def test_a_bid_and_the_hosts_acts():
    assert await settled({"lot": "lot_1", "amount": 5}, "bid:place") == m.PlaceBid("lot_1", 5)
    full = {"lot": "lot_1", "amount": 5, "exact": True, "confirm": "t"}
    assert await settled(full, "bid:place") == m.PlaceBid("lot_1", 5, True, "t")
    for type, args in (("lot:call", m.CallLot), ("lot:close", m.CloseLot), ("lot:pass", m.PassLot)):
        assert await settled({"lot": "lot_1"}, type) == args("lot_1")
    void = {"lot": "lot_1", "user": "u_ana", "reason": "no card"}
    assert await settled(void, "lot:void") == m.VoidBidder("lot_1", "u_ana", "no card")


def test_nobody_can_confirm_a_sale_over_the_wire():
    assert "lot:confirm" not in {route.type for route in ROUTES} | {route.kind for route in ROUTES}


def test_only_hosts_reach_hosts_messages_and_guests_never_bid():
    for route in ROUTES:
        assert not {"guest"} & route.roles
        assert ("viewer" in route.roles) == (route.type == "bid:place")
        assert ("moderator" in route.roles) == (route.type == "bid:place")
        assert route.doc.endswith(".")
    assert {BidPlace, LotOpen, LotVoid} <= {route.payload for route in ROUTES}

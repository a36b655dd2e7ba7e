"""Every published example of auction-rules.md, as it is written there. Amounts below are in whole and hundredths of units."""

from dataclasses import dataclass, field

import pytest

from liveserver.auction.increments import Increments, named
from tests.support.shows import LocalShow, accepted, refused


def cents(amount: float | str) -> int:
    units, _, hundredths = str(amount).partition(".")
    return int(units) * 100 + int((hundredths + "00")[:2])


@dataclass
class Vector:
    name: str
    start: float
    increments: str
    bids: list[tuple[str, float]]
    """In order; a `-` before the name means that the bid is refused as too low."""
    price: float
    leader: str
    min_next: float | None = None
    reserve: float | None = None
    reserve_status: str = "none"
    prices: list[float] = field(default_factory=list)
    """After each accepted bid, where the example says it."""


VECTORS = [
    Vector(
        "beaten by less than an increment: the increment counts from the visible price",
        10, "flat:100", [("A", 11), ("B", 11.02)], 11.02, "B", 12.02, prices=[10, 11.02],
    ),
    Vector("one increment above the second maximum", 70, "flat:1000", [("A", 100), ("B", 300)], 110, "B"),
    Vector("equal maxima: the earlier leads", 70, "flat:1000", [("A", 100), ("B", 100)], 100, "A"),
    Vector("the leader's proxy answers", 500, "flat:5000", [("A", 1000), ("B", 650)], 700, "A"),
    Vector("the leader's proxy answers, again", 550, "flat:5000", [("A", 800), ("B", 600)], 650, "A"),
    Vector(
        "three bidders: second maximum and a step",
        1000, "flat:10000", [("A", 1000), ("B", 3000), ("C", 4000)], 3100, "C", prices=[1000, 1100, 3100],
    ),
    Vector(
        "reserve: below it the whole maximum shows",
        1, "ebay-uk", [("A", 1.50)], 1.50, "A", reserve=100, reserve_status="not_met",
    ),
    Vector(
        "reserve: at or above it the price jumps to it",
        1, "ebay-uk", [("A", 1.50), ("B", 150)], 100, "B", reserve=100, reserve_status="met", prices=[1.50, 100],
    ),
    Vector(
        "reserve met exactly; an equal bid is told a step more",
        100, "flat:10000", [("A", 5000), ("-B", 5000)], 5000, "A", 5100, reserve=5000, reserve_status="met",
    ),
    Vector(
        "price is the winner's maximum where it is less than a step above the second",
        250, "ebay-us", [("A", 400), ("B", 401.16)], 401.16, "B", prices=[250, 401.16],
    ),
    Vector(
        "a leader less than a step above the second",
        1, "ebay-us", [("B", 24.80), ("A", 25.00)], 25.00, "A",
    ),
    Vector(
        "that leader raises the own maximum and is re-priced",
        1, "ebay-us", [("B", 24.80), ("A", 25.00), ("A", 40)], 25.30, "A", prices=[1, 25.00, 25.30],
    ),
]  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v.name)
def test_published_example(vector: Vector):
    show = LocalShow()
    reserve = None if vector.reserve is None else cents(vector.reserve)
    show.opens(start=cents(vector.start), increments=vector.increments, reserve=reserve)
    prices: list[int] = []
    for name, amount in vector.bids:
        verdict = show.person(name.strip("-")).bids(cents(amount))
        if name.startswith("-"):
            refusal = refused(verdict, "bid_too_low")
            assert vector.min_next is not None
            assert refusal.detail["min_next"] == cents(vector.min_next)
        else:
            prices.append(accepted(verdict)["price"])
    lot = show.lot
    assert lot["price"] == cents(vector.price)
    assert lot["leader"] == vector.leader
    assert lot["reserve"] == vector.reserve_status
    if vector.min_next is not None:
        assert lot["min_next"] == cents(vector.min_next)
    if vector.prices:
        assert prices == [cents(p) for p in vector.prices]


def test_shown_price_that_a_rival_must_top():
    """The ebay-us example in full: shown 250 with a hidden 400, the rival needs only a step above what is shown."""
    show = LocalShow()
    show.opens(start=cents(247.5), increments="ebay-us")
    show.first.bids(cents(247.5))
    accepted(show.ana.bids(cents(400)))
    assert show.lot["price"] == cents(250)
    assert show.lot["min_next"] == cents(255)
    refused(show.ben.bids(cents(254.99)), "bid_too_low")
    assert accepted(show.ben.bids(cents(401.16))).items() >= {"price": 40116, "leading": True}.items()
    assert show.lot["leader"] == "Ben"


def test_a_first_bid_has_the_start_price_whatever_its_maximum():
    show = LocalShow()
    show.opens(start=1000)
    assert show.lot["price"] is None
    assert show.lot["min_next"] == 1000
    assert accepted(show.ana.bids(5000))["price"] == 1000


def test_an_exact_lot_takes_bids_at_their_word():
    show = LocalShow()
    show.opens(start=1000, exact=True)
    assert accepted(show.ana.bids(5000))["price"] == 5000
    assert refused(show.ben.bids(5050), "bid_too_low").detail["min_next"] == 5100
    assert accepted(show.ben.bids(5100))["price"] == 5100


def test_an_exact_leader_raises_by_whole_steps_only():
    show = LocalShow()
    show.opens(start=1000, exact=True)
    show.ana.bids(1000)
    refused(show.ana.bids(1050), "bid_too_low")
    assert accepted(show.ana.bids(1100))["price"] == 1100


def test_an_exact_bid_on_a_proxy_lot_shows_at_once_and_still_loses_to_a_higher_maximum():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(2000)
    assert accepted(show.ben.bids(1500, exact=True)).items() >= {"price": 1600, "leading": False}.items()
    assert accepted(show.ben.bids(3000, exact=True))["price"] == 3000
    assert show.lot["leader"] == "Ben"


def test_a_leader_raises_a_hidden_maximum_by_any_amount():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(2000)
    assert accepted(show.ana.bids(2001)).items() >= {"price": 1000, "max": 2001}.items()
    refused(show.ana.bids(2001), "already_leading")


def test_raising_a_maximum_resets_its_time():
    show = LocalShow()
    show.opens(start=1000)
    show.ana.bids(2000)
    show.ben.bids(2000)  # a tie: Ana was earlier
    assert show.lot["leader"] == "Ana"
    refused(show.ben.bids(2000), "bid_too_low")
    show.ben.bids(2200)
    show.ana.bids(2400)
    assert (show.lot["leader"], show.lot["price"]) == ("Ana", 2300)


@pytest.mark.parametrize(
    ("table", "currency", "price", "step"),
    [
        ("ebay-us", "USD", 0, 5),
        ("ebay-us", "USD", 1, 5),
        ("ebay-us", "USD", 99, 5),
        ("ebay-us", "USD", 100, 25),
        ("ebay-us", "USD", 499, 25),
        ("ebay-us", "USD", 2480, 50),
        ("ebay-us", "USD", 2500, 100),
        ("ebay-us", "USD", 10_000, 250),
        ("ebay-us", "USD", 25_000, 500),
        ("ebay-us", "USD", 50_000, 1000),
        ("ebay-us", "USD", 100_000, 2500),
        ("ebay-us", "USD", 250_000, 5000),
        ("ebay-us", "USD", 10**12, 10_000),
        ("ebay-uk", "GBP", 99, 5),
        ("ebay-uk", "GBP", 100, 20),
        ("ebay-uk", "GBP", 500, 50),
        ("ebay-uk", "GBP", 1500, 100),
        ("ebay-uk", "GBP", 6000, 200),
        ("ebay-uk", "GBP", 15_000, 500),
        ("ebay-uk", "GBP", 30_000, 1000),
        ("ebay-uk", "GBP", 60_000, 2000),
        ("ebay-uk", "GBP", 150_000, 5000),
        ("ebay-uk", "GBP", 300_000, 10_000),
        ("live", "USD", 0, 100),
        ("live", "USD", 2999, 100),
        ("live", "USD", 3000, 200),
        ("live", "USD", 5000, 300),
        ("live", "USD", 10_000, 500),
        ("live", "USD", 30_000, 1000),
        ("live", "USD", 100_000, 2000),
        ("live", "USD", 200_000, 5000),
        ("live", "JPY", 3000, 200),
        ("live", "KWD", 30_000, 2000),
        ("flat:7", "USD", 10**9, 7),
    ],
)
def test_tables_step_at_their_bounds(table: str, currency: str, price: int, step: int):
    found = named(table, currency)
    assert isinstance(found, Increments)
    assert found.step(price) == step

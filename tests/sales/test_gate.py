"""Who may bid or buy: by a saved card, wins not paid, and what is open; known at once, and never refused by what is old."""

import inspect
from typing import Any

import msgspec
import pytest

from liveserver.infra.database import Connection, Pool
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.kernel.ids import ShowId, UserId
from liveserver.rooms.model import Actor
from liveserver.sales import gate as gates
from liveserver.sales.gate import FRESH_MS, KEPT_MS, Rules, SalesGate, judge
from liveserver.sales.model import Standing
from liveserver.shows.model import ChatSettings, Show
from tests.support.replica import person

SHOW = Show(
    ShowId("show_1"), "Lamps", "", UserId("u_hana"), "Hana", (), "EUR", "live", None, 1, None, "", ChatSettings()
)  # fmt: skip
WITH_CARD = msgspec.structs.replace(SHOW, requires_card=True)
ANA = person("Ana")


class Wallet:
    """Who has saved a card."""

    def __init__(self) -> None:
        self.cards: set[str] = set()
        self.asked = 0

    async def card_of(self, on: Pool | Connection, user: str) -> object | None:
        self.asked += 1
        return "card" if user in self.cards else None


@pytest.fixture
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def gate(pool: Pool, wallet: Wallet, clock: VirtualClock) -> SalesGate:
    rules = Rules(strikes_max=2, unpaid_orders_max=3, unpaid_total_max=10_000)
    return SalesGate(pool, wallet, clock, rules)


async def answer(gate: SalesGate, show: Show = SHOW, amount: int = 100, who: Actor = ANA) -> str:
    asked: Any = gate.refusal(who, show, amount)
    refused: Rejected | None = await asked if inspect.isawaitable(asked) else asked
    return "" if refused is None else refused.code


async def at_once(gate: SalesGate, show: Show = SHOW, amount: int = 100) -> str:
    """The answer, which must not wait for anything."""
    asked = gate.refusal(ANA, show, amount)
    assert not inspect.isawaitable(asked), "a query in the way of a bid"
    return "" if asked is None else asked.code


async def orders(pool: Pool, state: str, item: int, clock: VirtualClock, *, defaulted: bool = False) -> None:
    now = clock.now_ms()
    await pool.execute(
        "INSERT INTO orders (id, origin, source, buyer, buyer_name, seller, seller_name, currency, item, shipping, tax, "
        "commission, processing, rates, state, defaulted, test, due_ts, created_ts, cancelled_ts) "
        "SELECT 'o' || n, 'lot:' || n, 'auction', 'u_ana', 'Ana', 'u_hana', 'Hana', 'EUR', $2, 0, 0, 0, 0, '{}', $1, $3, true, $4, $4, $5 "
        "FROM (SELECT count(*) AS n FROM orders) known",
        state,
        item,
        defaulted,
        now,
        now if state == "cancelled" else None,
    )


async def test_a_second_bid_waits_for_nothing(gate: SalesGate):
    assert await answer(gate) == ""
    for _ in range(1_000):
        assert await at_once(gate) == ""


async def test_a_card_is_demanded_where_the_show_says_so_and_counts_as_soon_as_it_is_there(
    gate: SalesGate, wallet: Wallet, clock: VirtualClock
):
    assert await answer(gate) == ""
    assert wallet.asked == 0
    assert await answer(gate, WITH_CARD) == "card_required"
    assert await at_once(gate, WITH_CARD) == "card_required", "hammering the button costs no query"
    wallet.cards.add("u_ana")
    clock.advance(FRESH_MS + 1)
    assert await answer(gate, WITH_CARD) == ""
    assert await at_once(gate, WITH_CARD) == ""
    assert await at_once(gate) == ""


async def test_where_a_card_is_added_is_said():
    assert gates.CARD_REQUIRED.detail == {"path": "/me/cards"}


@pytest.mark.parametrize("role", ["guest", "moderator", "host", "admin"])
async def test_whom_the_room_refuses_it_refuses_itself(gate: SalesGate, role: Any):
    assert gate.refusal(person("Mo", role), WITH_CARD, 100) is None


async def test_wins_that_were_not_paid_in_time_are_strikes(gate: SalesGate, pool: Pool, clock: VirtualClock):
    await orders(pool, "cancelled", 100, clock, defaulted=True)
    await orders(pool, "cancelled", 100, clock)
    assert await answer(gate) == ""
    await orders(pool, "cancelled", 100, clock, defaulted=True)
    assert await at_once(gate) == ""
    gate.forget("u_ana")
    assert await answer(gate) == "strikes"
    clock.advance(90 * 86_400_000 + 1)
    assert await answer(gate) == "", "not for ever"


async def test_too_many_open_orders_and_too_much_owed(gate: SalesGate, pool: Pool, clock: VirtualClock):
    await orders(pool, "awaiting_payment", 4_000, clock)
    await orders(pool, "payment_failed", 4_000, clock)
    assert await answer(gate, amount=2_000) == ""
    assert await at_once(gate, amount=2_001) == "unpaid_total"
    yen = msgspec.structs.replace(SHOW, currency="JPY")
    assert await answer(gate, yen, 5_000) == "", "only one currency is added up"
    await orders(pool, "action_required", 1, clock)
    gate.forget("u_ana")
    assert await answer(gate) == "unpaid_orders"


async def test_who_was_let_in_is_looked_at_again_after_a_while(
    gate: SalesGate, pool: Pool, clock: VirtualClock
):
    assert await answer(gate) == ""
    await orders(pool, "awaiting_payment", 20_000, clock)
    clock.advance(KEPT_MS)
    assert await at_once(gate) == ""
    clock.advance(1)
    assert await answer(gate) == "unpaid_total"


async def test_bids_go_on_while_the_record_is_away(pool: Pool, wallet: Wallet, clock: VirtualClock):
    class Away:
        def acquire(self) -> object:
            raise OSError("away")

    gate = SalesGate(Away(), wallet, clock, Rules())  # pyright: ignore[reportArgumentType]  # a pool that is away
    assert await answer(gate) == ""
    assert await answer(gate, WITH_CARD) == UNAVAILABLE.code
    assert UNAVAILABLE.retryable


async def test_it_remembers_a_bounded_number_of_people(gate: SalesGate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gates, "PEOPLE_MAX", 3)
    for i in range(10):
        assert await answer(gate, who=person(f"P{i}")) == ""
    assert len(gate._known) == 3


@pytest.mark.parametrize(
    ("standing", "rules", "refused"),
    [
        (Standing(card=False, defaults=9, orders=99, owed=10**9, read_ms=0), Rules(0, 0, 0, 0), None),
        (Standing(card=False, defaults=3, orders=0, owed=0, read_ms=0), Rules(), "strikes"),
        (Standing(card=False, defaults=2, orders=49, owed=0, read_ms=0), Rules(), None),
        (Standing(card=False, defaults=0, orders=50, owed=0, read_ms=0), Rules(), "unpaid_orders"),
    ],
)
def test_a_bound_of_zero_is_none(standing: Standing, rules: Rules, refused: str | None):
    found = judge(standing, SHOW, 100, rules)
    assert (None if found is None else found.code) == refused

"""Who may bid or buy in shows now: a saved card where the show demands it, no unpaid wins of before, not too much open.

What is known of a person is kept for a moment, for a bid must cost no query; a change of one of their orders makes it forgotten,
and nobody is refused by what is not fresh. What somebody leads or has won in this very show is the room's to judge
(`auction.bidding`); what they lead in other shows at the same moment is not counted.
"""

from collections.abc import Awaitable
from typing import Protocol

import msgspec
import structlog

from liveserver.infra.database import AWAY, Connection, Pool
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import UNAVAILABLE, Rejected
from liveserver.orders import store as orders
from liveserver.rooms.model import Actor
from liveserver.sales.model import Standing
from liveserver.shows.model import Show

log = structlog.get_logger(__name__)

KEPT_MS = 60_000
"""How long somebody who was let in is let in without a look at the record. A default is hours in the making."""
FRESH_MS = 1_000
"""What is older refuses nobody: they may have paid, or saved a card, a moment ago."""
PEOPLE_MAX = 50_000
"""People that are remembered, some ten megabytes; who was read the longest ago goes first, and costs a query again."""
CARDS_PATH, ORDERS_PATH = "/me/cards", "/orders"
"""Where people mend it."""

CARD_REQUIRED = Rejected(
    "card_required",
    "In this show people bid and buy with a saved card. Add yours first.",
    detail={"path": CARDS_PATH},
)


class Rules(msgspec.Struct, frozen=True):
    """The operator's bounds; 0 switches one off."""

    strikes_max: int = 3
    """As many orders as this that were not paid in time, and nobody bids any more."""
    strikes_ms: int = 90 * 86_400_000
    """For how long they count."""
    unpaid_orders_max: int = 50
    """Orders that one person may have open to pay."""
    unpaid_total_max: int = 0
    """What these and the bid may come to, in minor units of the show's currency."""


class Cards(Protocol):
    """Who has saved a card (`payments.Cards`)."""

    async def card_of(self, on: Pool | Connection, user: str) -> object | None: ...


class SalesGate:
    """See `rooms.edge.Gate`. One for all shows of a process."""

    def __init__(self, pool: Pool, cards: Cards, clock: Clock, rules: Rules) -> None:
        self._pool = pool
        self._cards = cards
        self._clock = clock
        self._rules = rules
        self._known: dict[str, dict[tuple[str, bool], Standing]] = {}
        """By person; by currency and whether their card was asked for."""

    def refusal(self, actor: Actor, show: Show, amount: int) -> Rejected | Awaitable[Rejected | None] | None:
        """`card_required`, `strikes`, `unpaid_orders`, `unpaid_total`."""
        if actor.role != "viewer":
            return None  # the room says why these can't
        known = self._known.get(actor.id)
        standing = None if known is None else known.get((show.currency, show.requires_card))
        if standing is None:
            return self._look(actor.id, show, amount)
        age_ms = self._clock.monotonic_ms() - standing.read_ms
        if age_ms > KEPT_MS:
            return self._look(actor.id, show, amount)
        refused = judge(standing, show, amount, self._rules)
        return self._look(actor.id, show, amount) if refused is not None and age_ms > FRESH_MS else refused

    def forget(self, user: str) -> None:
        """Something changed about them."""
        self._known.pop(user, None)

    def forget_all(self) -> None:
        """Changes may have been missed."""
        self._known.clear()

    async def _look(self, user: str, show: Show, amount: int) -> Rejected | None:
        try:
            standing = await self._read(user, show)
        except AWAY as error:
            # Bids go on while PostgreSQL is away (faults.md): who is let in wrongly still has to pay. But who was to show a
            # card must.
            log.warning("gate_left_open", show=show.id, error=repr(error))
            return UNAVAILABLE if show.requires_card else None
        known = self._known.pop(user, None) or {}
        if len(self._known) >= PEOPLE_MAX:
            del self._known[next(iter(self._known))]
        known[show.currency, show.requires_card] = standing
        self._known[user] = known
        return judge(standing, show, amount, self._rules)

    async def _read(self, user: str, show: Show) -> Standing:
        rules, now_ms = self._rules, self._clock.monotonic_ms()
        async with self._pool.acquire() as on:
            card = show.requires_card and await self._cards.card_of(on, user) is not None
            since_ts = self._clock.now_ms() - rules.strikes_ms
            defaults = await orders.defaults_of(on, user, since_ts) if rules.strikes_max else 0
            count, owed = await orders.unpaid_of(on, user, show.currency)
        return Standing(card=card, defaults=defaults, orders=count, owed=owed, read_ms=now_ms)


def judge(standing: Standing, show: Show, amount: int, rules: Rules) -> Rejected | None:
    """What stands against somebody's owing `amount` more in this show."""
    if show.requires_card and not standing.card:
        return CARD_REQUIRED
    if rules.strikes_max and standing.defaults >= rules.strikes_max:
        return Rejected(
            "strikes",
            f"{standing.defaults} of your wins were not paid in time, so you can't bid or buy in shows for a while.",
            detail={"defaults": standing.defaults, "strikes_max": rules.strikes_max, "path": ORDERS_PATH},
        )
    if rules.unpaid_orders_max and standing.orders >= rules.unpaid_orders_max:
        return Rejected(
            "unpaid_orders",
            "Pay some of your open orders first.",
            detail={
                "orders": standing.orders,
                "orders_max": rules.unpaid_orders_max,
                "path": ORDERS_PATH,
            },
        )
    if rules.unpaid_total_max and standing.owed + amount > rules.unpaid_total_max:
        return Rejected(
            "unpaid_total",
            "With this you could owe more than your limit allows. Pay some of your open orders first.",
            detail={
                "limit": rules.unpaid_total_max,
                "available": max(0, rules.unpaid_total_max - standing.owed),
                "path": ORDERS_PATH,
            },
        )
    return None

"""Sales on the real PostgreSQL, with a cart that charges four euros of postage and no taxes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import pytest

from liveserver.auction import model as auction
from liveserver.auction import recording as auction_recording
from liveserver.auction.clock import Timing
from liveserver.auction.formats.english import Rules
from liveserver.auction.increments import Increments, named
from liveserver.cart.model import Quote
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.inventory import store as inventory
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.ids import LotId, ProductId, ShowId, UserId
from liveserver.ledger.model import Rates
from liveserver.orders.model import Address, Line
from liveserver.rooms.lifecycle import ShowEnded
from liveserver.rooms.model import Fact
from liveserver.rooms.store import NewFact
from liveserver.sales.placing import Placing
from liveserver.sales.recording import Recording
from liveserver.shows.service import Shows
from liveserver.spotlight.model import ClaimMade

TS = 1_795_000_000_000
SHOW, LAMP, VASE = "show_1", "var_lamp", "var_vase"
HOME = Address(name="Ana", line1="Hauptstr. 1", city="Bern", postal_code="3011", country="CH")
WINDOW_MS = 48 * 3_600_000


@dataclass
class Cart:
    """What sales ask the cart."""

    addresses: dict[str, Address] = field(default_factory=dict)
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    broken: Exception | None = None

    async def address_of(self, on: Connection, user: str) -> Address | None:
        return self.addresses.get(user)

    async def quote(
        self,
        on: Connection,
        seller: str,
        buyer: str,
        show: str,
        lines: Sequence[Line],
        currency: str,
        address: Address | None,
    ) -> Quote:
        if self.broken is not None:
            raise self.broken
        self.asked.append((seller, buyer, show, currency))
        return Quote(
            seller=UserId(seller),
            currency=currency,
            lines=tuple(lines),
            shipping=0 if address is None else 400,
            method="Parcel",
            rates=Rates(),
        )


class Stage:
    """A live show of Hana's with fifty lamps and five vases on the shelf, and its recorder."""

    def __init__(self, pool: Pool, cart: Cart, clock: VirtualClock) -> None:
        self.pool = pool
        self.cart = cart
        self.shows = Shows(pool, clock)
        self.placing = Placing(cart, WINDOW_MS, test=True)
        self._record = Recording(self.placing)
        self._seq = 0

    async def records(self, *facts: Fact) -> list[NewFact]:
        """One transaction of the recorder."""
        rows: list[NewFact] = []
        for fact in facts:
            self._seq += 1
            kind = str(fact.__struct_config__.tag)
            rows.append(NewFact(self._seq, 0, TS + self._seq, kind, fact, msgspec.Raw(b"{}")))
        await self.records_again(rows)
        return rows

    async def records_again(self, rows: Sequence[NewFact]) -> None:
        async with transaction(self.pool) as connection:
            await auction_recording.record(connection, SHOW, rows)
            await self._record(connection, SHOW, rows)

    async def on_hand(self, variant: str = LAMP) -> int:
        return await self.pool.fetchval("SELECT stock FROM variants WHERE id = $1", variant)

    async def orders(self) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "SELECT o.*, l.variant, l.title, l.quantity, l.price, l.options, l.sku, l.picture FROM orders o "
            "JOIN order_lines l ON l.order_id = o.id ORDER BY o.number"
        )
        return [dict(row) for row in rows]

    async def unplaced(self) -> int:
        """Sales whose order waits."""
        return await self.pool.fetchval("SELECT count(*) FROM unplaced_sales")

    async def jobs(self) -> list[str]:
        """Kinds of jobs that wait, but for the mails."""
        rows = await self.pool.fetch("SELECT entrypoint FROM pgqueuer ORDER BY id")
        return [row["entrypoint"] for row in rows if not row["entrypoint"].startswith("mail.")]

    async def opens(self, lot: str, product: str | None = "product_1") -> str:
        """The lot's piece is taken along at the edge, and the record has its opening; the id it has."""
        if product is not None:
            taken = await self.shows.take_for_lot(ShowId(SHOW), LotId(lot), ProductId(product), queued=False)
            assert isinstance(taken, str), taken
            lot = taken
        await self.records(opened(lot, product))
        return lot

    async def sells(
        self, lot: str, winner: str = "u_ana", price: int = 1200, product: str | None = "product_1"
    ):
        """Hammered and confirmed, each recorded."""
        await self.records(bid(lot, winner, price), hammered(lot, winner, price))
        return await self.records(sold(lot, winner, price, product))


def opened(lot: str, product: str | None = "product_1") -> auction.LotOpened:
    table = named("live", "EUR")
    terms = auction.Terms(
        lot=lot,
        show=SHOW,
        title=f"Lot {lot}",
        currency="EUR",
        rules=Rules(100, None, False, cast("Increments", table)),
        timing=Timing("live", 60_000, 0, 0, None, 0, 0),
        picture="/lot.svg",
        product=product,
        seller="u_hana" if product else "",
    )
    return auction.LotOpened(
        lot=lot, terms=terms, secret="s", sealed="x", ends_at=1, hard_ends_at=None, by="u_hana"
    )


def bid(lot: str, winner: str = "u_ana", price: int = 1200) -> auction.BidAccepted:
    return auction.BidAccepted(
        lot=lot, bidder=winner, name="Ana", public="p", amount=price, exact=False, own_bids=1, outbid="",
        leader=winner, leader_name="Ana", leader_public="p", top=price, second=0, price=price, bids=1,
        min_next=price + 100, reserve="none", status="open", ends_at=1, extended=False, extensions=0,
        allowance_ms=0, commitment="c",
    )  # fmt: skip


def hammered(lot: str, winner: str = "u_ana", price: int = 1200) -> auction.LotHammered:
    return auction.LotHammered(lot=lot, winner=winner, name="Ana", public="p", price=price, bids=1, ends_at=1)


def sold(
    lot: str, winner: str = "u_ana", price: int = 1200, product: str | None = "product_1"
) -> auction.LotSold:
    return auction.LotSold(
        lot=lot,
        winner=winner,
        name="Ana",
        public="p",
        price=price,
        bids=1,
        ends_at=1,
        currency="EUR",
        title=f"Lot {lot}",
        product=product,
        seller="u_hana" if product else "",
    )


def passed(lot: str) -> auction.LotPassed:
    return auction.LotPassed(lot=lot, reason="no_bids", ends_at=1, by="")


def claimed(claim: str, buyer: str = "u_ana", quantity: int = 1, variant: str = LAMP) -> ClaimMade:
    return ClaimMade(
        claim=claim,
        product="product_1",
        variant=variant,
        title="Lamp",
        label="Red",
        picture="/lamp.svg",
        quantity=quantity,
        price=2500,
        currency="EUR",
        buyer=buyer,
        name="Ana",
        left=0,
    )


def ended() -> ShowEnded:
    return ShowEnded(by="u_hana")


@pytest.fixture
def cart() -> Cart:
    return Cart()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def stage(pool: Pool, cart: Cart, clock: VirtualClock) -> Stage:
    await pool.execute(
        "INSERT INTO shows (id, title, description, host, host_name, currency, picture, chat, status, started_ts, created_ts) "
        "VALUES ($1, 'Lamps', '', 'u_hana', 'Hana', 'EUR', '', '{}', 'live', 1, 1)",
        SHOW,
    )
    await pool.execute(
        "INSERT INTO products (id, seller, title, description, price, currency, images, created_ts, search_title, search_rest) "
        "VALUES ('product_1', 'u_hana', 'Lamp', '', 2500, 'EUR', '{}', 1, '', '')"
    )
    for position, (variant, stock) in enumerate([(LAMP, 50), (VASE, 5)], 1):
        await pool.execute(
            "INSERT INTO variants (id, product, position, sku, color, size, stock, price) "
            "VALUES ($1, 'product_1', $2, $1, 'Red', 'M', 0, 2500)",
            variant,
            position,
        )
        async with transaction(pool) as connection:
            await inventory.count(connection, variant, stock, TS)
    return Stage(pool, cart, clock)

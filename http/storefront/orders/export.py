"""A shop's orders as a CSV file, a row for each line of an order, written while it is read.

Spreadsheets run what begins like a formula: such cells get an apostrophe in front (OWASP, "CSV Injection"). Amounts are plain decimals,
times ISO 8601 in UTC.
"""

import csv
import datetime as dt
import io
import re
from collections.abc import AsyncIterator, Sequence

from liveserver.infra.database import Pool, load_queries
from liveserver.kernel.errors import Rejected
from liveserver.kernel.money import decimals
from liveserver.orders import credit_notes, store
from liveserver.orders.issued import CreditNote
from liveserver.orders.model import Line, Order
from liveserver.orders.store import Sought

Q = load_queries("storefront.orders")

ORDERS_MAX = 10_000
"""Orders of one file, the newest: a spreadsheet with more is of no use, and filters narrow it. What is cut says so in its last row."""
AT_ONCE = 200
"""Orders read at a time: no transaction stays open while a slow reader takes the file."""
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as something else."""

COLUMNS = (
    "order", "placed", "paid", "state", "refund", "dispute", "funds", "test", "buyer", "show", "source", "title", "options", "sku",
    "quantity", "price", "line_amount", "currency", "shipping", "tax", "total", "refunded", "commission", "processing", "carrier",
    "tracking", "invoice", "credit_notes", "credited",
)  # fmt: skip


async def rows_of(pool: Pool, seller: str, sought: Sought) -> AsyncIterator[str]:
    """The file's text in parts."""
    yield BOM + written([COLUMNS])
    cursor, told = None, 0
    while told < ORDERS_MAX:
        page = await store.of_seller(pool, seller, sought, cursor, AT_ONCE)
        assert not isinstance(page, Rejected), "a cursor of our own is a good one"
        told += len(page.items)
        ids = [order.id for order in page.items]
        bills: dict[str, int] = {
            row["order_id"]: row["number"] for row in await pool.fetch(Q.invoices_of, ids)
        }
        notes = await credit_notes.of_orders(pool, ids)
        yield written(
            [
                _row(order, line, bills.get(order.id), notes.get(order.id, ()))
                for order in page.items
                for line in order.lines
            ]
        )
        cursor = page.next
        if cursor is None:
            return
    yield written([(f"Cut after {ORDERS_MAX} orders: choose a shorter time.",)])


_NUMBER = re.compile(r"-\d+(\.\d+)?")


def safe(cell: str) -> str:
    """The cell as text that no spreadsheet takes for a formula; a negative number is none."""
    if _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def plain(minor: int, currency: str) -> str:
    """`12.50`: an amount as spreadsheets read it."""
    places = decimals(currency)
    whole, part = divmod(minor, 10**places)
    return f"{whole}.{part:0{places}d}" if places else str(whole)


def written(rows: list[tuple[str, ...]]) -> str:
    """Rows as lines of the file."""
    text = io.StringIO()
    # RFC 4180: lines end with CRLF.
    csv.writer(text, lineterminator="\r\n").writerows([[safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def _row(order: Order, line: Line, invoice: int | None, notes: Sequence[CreditNote]) -> tuple[str, ...]:
    def money(minor: int) -> str:
        return plain(minor, order.currency)

    return (
        str(order.number), _time(order.created_ts), _time(order.paid_ts), order.state, order.refund, order.dispute, order.funds,
        "test" if order.test else "", order.buyer_name, order.show, order.source, line.title, line.options, line.sku,
        str(line.quantity), money(line.price), money(line.amount), order.currency, money(order.shipping), money(order.tax),
        money(order.total), money(order.refunded.total), money(order.commission), money(order.processing), order.carrier,
        order.tracking, "" if invoice is None else f"{invoice:06d}",
        " ".join(note.name + (" (void)" if note.void else "") for note in notes),
        money(sum(note.amount for note in notes if not note.void)) if notes else "",
    )  # fmt: skip


def _time(ts: int | None) -> str:
    return "" if ts is None else dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

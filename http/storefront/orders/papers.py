"""Receipts and invoices on their way to people: numbers are given once, and drawing happens beside the loop.

What stands on the papers is `liveserver.orders.documents`' affair. That is imported when the first one is drawn, in its thread: fonts and
pictures would make every process of the server start a quarter slower.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from liveserver.accounts.model import Identity
from liveserver.infra.database import Connection, Pool, load_queries, transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders import credit_notes, store
from liveserver.orders.errors import not_now
from liveserver.orders.issued import CreditNote, Invoice, Issuer
from liveserver.orders.model import Order, Refund
from storefront.orders.access import sold
from storefront.problems import Refused
from storefront.services import Services

Q = load_queries("storefront.orders")

WAITING_MAX = 16
"""Papers that wait for their turn: at a tenth of a second each nobody waits long. More are refused and may be asked for again."""
TOO_BUSY = Rejected(
    "busy", "Too many documents are being made just now. Try again in a moment.", retryable=True, detail={"retry_after_ms": 2_000}
)  # fmt: skip
NO_ISSUER = Rejected("no_issuer", "Write down your name and address for invoices first.")


class Printer:
    """Draws one document at a time, in a thread: a page of PDF must not hold up bids, nor two of them both processors."""

    def __init__(self) -> None:
        self._one = asyncio.Semaphore(1)
        self._waiting = 0

    async def receipt(self, of: Order, refunds: Sequence[Refund]) -> bytes:
        """See `documents.receipt`. Raises Refused (`busy`), as all here."""

        def draw() -> bytes:
            from liveserver.orders import documents

            return documents.receipt(of, refunds)

        return await self.printed(draw)

    async def invoice(self, of: Order, issued: Invoice) -> bytes:
        """See `documents.invoice`."""

        def draw() -> bytes:
            from liveserver.orders import documents

            return documents.invoice(of, issued)

        return await self.printed(draw)

    async def credit_note(self, of: Order, note: CreditNote) -> bytes:
        """See `documents.credit_note`."""

        def draw() -> bytes:
            from liveserver.orders import documents

            return documents.credit_note(of, note)

        return await self.printed(draw)

    async def printed(self, draw: Callable[[], bytes]) -> bytes:
        """What `draw` makes. Raises Refused (`busy`) when too many wait."""
        if self._waiting >= WAITING_MAX:
            raise Refused(TOO_BUSY)
        self._waiting += 1
        try:
            async with self._one:
                return await asyncio.to_thread(draw)
        finally:
            self._waiting -= 1


PRINTER = web.AppKey("printer", Printer)


def pdf(body: bytes, name: str) -> web.Response:
    """The answer that shows a PDF in the browser, and saves it under that name."""
    return web.Response(
        body=body,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{name}.pdf"',
            "Cache-Control": "private, no-store",
        },
    )


async def issuer_of(db: Pool | Connection, seller: str) -> Issuer | None:
    """What a seller wrote down for invoices."""
    row = await db.fetchrow(Q.issuer_of, seller)
    return None if row is None else Issuer(**dict(row))


async def put_issuer(services: Services, seller: str, issuer: Issuer) -> None:
    """Writes it down, for invoices issued from now on."""
    await services.pool.execute(
        Q.put_issuer, seller, issuer.name, issuer.address, issuer.tax_id, services.clock.now_ms()
    )


async def invoice_of(db: Pool | Connection, order: str) -> Invoice | None:
    """The invoice of an order, if it has one."""
    row = await db.fetchrow(Q.invoice_of, order)
    if row is None:
        return None
    return Invoice(
        number=row["number"], issued_ts=row["issued_ts"], issuer=msgspec.convert(row["issuer"], Issuer)
    )


async def issue(services: Services, who: Identity, order: str) -> Invoice | Rejected:
    """The order's invoice, issued now if it has none. `order_not_found`, `order_state` (not paid), `no_issuer`."""
    now_ts = services.clock.now_ms()
    async with transaction(services.pool) as on:
        found = await sold(on, who, order)
        if isinstance(found, Rejected):
            return found
        # Two that issue the same invoice wait here for each other, so that no number is lost.
        await store.lock(on, found.id)
        if there := await invoice_of(on, found.id):
            return there
        if found.paid_ts is None:
            return not_now("invoiced", found.state)
        row = await on.fetchrow(Q.next_number, found.seller)
        if row is None:
            return NO_ISSUER
        issuer = Issuer(name=row["name"], address=row["address"], tax_id=row["tax_id"])
        number: int = row["last_number"]
        await on.execute(Q.add_invoice, found.id, found.seller, number, now_ts, msgspec.to_builtins(issuer))
        # The invoice says all that was paid: what was given back before it was issued is credited now.
        await credit_notes.issue_due(on, found.id, now_ts)
        return Invoice(number=number, issued_ts=now_ts, issuer=issuer)

"""Credit notes: each refund of an invoiced order that was sent gets one, with the seller's next number, in the transaction that makes it due.

It draws nothing (`documents.credit_note`). A number is never given back: a note whose refund came back after all stays, and says that it is void.
"""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from liveserver.infra.database import Connection, Pool
from liveserver.orders.issued import CreditNote, Issuer
from liveserver.orders.store import Q

Database = Pool | Connection


async def issue_due(on: Connection, order: str, ts: int) -> None:
    """Issues what is due: one for each refund that was sent, if the order has an invoice. The caller holds the order's row.

    A refund that is asked for, and may yet fail, has none: what was not sent does not lessen a bill.
    """
    for row in await on.fetch(Q.refunds_to_credit, order):
        # Held until the transaction ends: what is rolled back leaves no gap. The order first, then this, as for invoices.
        issuer = await on.fetchrow(Q.next_credit, row["seller"])
        assert issuer is not None, "who has issued an invoice has written down who they are"
        told = Issuer(name=issuer["name"], address=issuer["address"], tax_id=issuer["tax_id"])
        await on.execute(
            Q.add_credit_note, row["id"], order, row["seller"], issuer["last_credit"], ts, msgspec.to_builtins(told)
        )  # fmt: skip


async def of_orders(on: Database, orders: Sequence[str]) -> dict[str, tuple[CreditNote, ...]]:
    """The credit notes of these orders, by order; in the order of their numbers."""
    found: dict[str, list[CreditNote]] = defaultdict(list)
    for row in await on.fetch(Q.credit_notes_of, list(orders)):
        found[row["order_id"]].append(msgspec.convert({key: row[key] for key in _FIELDS}, CreditNote))
    return {order: tuple(notes) for order, notes in found.items()}


_FIELDS = CreditNote.__struct_fields__

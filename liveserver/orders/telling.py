"""What every change of an order does besides: a line in its history, a notice to who watches, mails, jobs.

All of it belongs to the transaction of the change: what was not committed was told to nobody.
"""

import msgspec

from liveserver.accounts import store as accounts
from liveserver.infra.database import Connection
from liveserver.jobs.queue import enqueue
from liveserver.mail.model import OrderMail, OrderTemplate, SellerMail, SellerTemplate
from liveserver.mail.outbox import send
from liveserver.orders import store
from liveserver.orders.model import Order, OrderJob

CHANNEL = "orders"
"""PostgreSQL's channel on which changes are told, as `Notice`."""


class Notice(msgspec.Struct, frozen=True):
    """That an order changed: enough to know whom it concerns; what it says now is read."""

    order: str
    number: int
    buyer: str
    seller: str
    show: str
    state: str
    funds: str
    refund: str
    dispute: str


async def happened(
    on: Connection, order: str, kind: str, actor: str, ts: int, detail: dict[str, str | int] | None = None
) -> Order:
    """Writes the history's line and tells who watches; gives the order as it is now."""
    await on.execute(store.Q.add_event, order, ts, kind, actor, detail or {})
    now = await store.find(on, order)
    assert now is not None, "the order that changed is there"
    notice = Notice(
        now.id, now.number, now.buyer, now.seller, now.show, now.state, now.funds, now.refund, now.dispute
    )
    await on.execute(store.Q.tell, msgspec.json.encode(notice).decode())
    return now


async def mail_buyer(
    on: Connection, order: Order, template: OrderTemplate, amount: int, note: str = ""
) -> None:
    """One of the mails about an order, to its buyer."""
    mail = OrderMail(
        template=template,
        to=order.buyer_email,
        name=order.buyer_name,
        number=order.number,
        title=order.title,
        amount=amount,
        currency=order.currency,
        path=f"/orders/{order.id}",
        note=note,
        test=order.test,
    )
    await send(on, mail)


async def mail_seller(on: Connection, order: Order, template: SellerTemplate, amount: int) -> None:
    """One of the mails about an order, to its seller, if they have an account here."""
    account = await accounts.find_account(on, order.seller)
    if account is None:
        return
    mail = SellerMail(
        template=template,
        to=account.email,
        name=account.name,
        title=f"#{order.number} {order.title}",
        amount=amount,
        currency=order.currency,
        path=f"/studio/orders/{order.id}",
        test=order.test,
    )
    await send(on, mail)


async def job(on: Connection, kind: str, order: Order, after_ms: int = 0) -> None:
    """A job about an order."""
    await enqueue(on, kind, OrderJob(order.id), after_ms=max(0, after_ms))

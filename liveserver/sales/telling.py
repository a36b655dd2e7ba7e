"""An order as its buyer or seller is told of it beside a show: over the socket (`order:updated`) and with the page. An allow-list."""

from typing import Any, Literal

from liveserver.orders.model import Order


def document(order: Order, role: Literal["buyer", "seller"]) -> dict[str, Any]:
    """`lot` or `claim` says what of the show `sold_in` it came from. Amounts are minor units; `item` is the goods alone."""
    source, _, object = order.origin.partition(":")
    told: dict[str, Any] = {
        "order": order.id,
        "number": order.number,
        "role": role,
        "state": order.state,
        "refund": order.refund,
        "funds": order.funds,
        "dispute": order.dispute,
        "title": order.title,
        "total": order.total,
        "item": order.item,
        "currency": order.currency,
        "due_ts": order.due_ts,
        "sold_in": order.show or None,
        "lot": object.rpartition(":")[2] if source == "lot" else None,
        "claim": object.rpartition(":")[2] if source == "claim" else None,
        "test": order.test,
    }
    if role == "seller":
        told["buyer"] = order.buyer_name
    return told

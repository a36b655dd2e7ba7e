"""How sellers ship, and what it costs: kept by seller, chosen by where goods go, bundled for the sales of one show.

A seller without any way to ship ships free, everywhere. Of a show, the buyer's first order pays for a first item and each later one
for further items, until an hour after its end; orders that were cancelled don't count. Which order is the first is decided by the
order numbers alone, so that it stays the same when addresses are given later.
"""

from collections.abc import Sequence

import msgspec

from liveserver.cart.errors import METHOD_NOT_FOUND, METHODS_FULL, not_shipped_there
from liveserver.cart.model import Method, MethodDraft
from liveserver.cart.rules import judge_method, postage, serves
from liveserver.cart.store import Database, Q
from liveserver.infra.database import Connection
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import new_id
from liveserver.orders.model import Line

METHODS_MAX = 50
"""Ways to ship of one seller: a list that people choose from."""
BUNDLE_AFTER_MS = 3_600_000
"""After a show's end its late claims and second chances still travel with the rest."""


async def of_seller(on: Database, seller: str) -> list[Method]:
    """In the order in which they were added."""
    return [msgspec.convert(dict(row), Method) for row in await on.fetch(Q.methods_of, seller, METHODS_MAX)]


async def add(on: Connection, seller: str, draft: MethodDraft) -> Method | Rejected:
    """A new one. Refusals: `bad_…` with its field, `methods_full`."""
    judged = judge_method(draft)
    if isinstance(judged, Rejected):
        return judged
    made = Method(id=new_id("ship"), **msgspec.structs.asdict(judged))
    added = await on.fetchval(Q.add_method, made.id, seller, *_columns(made), METHODS_MAX)
    return METHODS_FULL if added is None else made


async def change(on: Connection, seller: str, method: str, draft: MethodDraft) -> Method | Rejected:
    """Another in its place. Refusals: `bad_…` with its field, `method_not_found`."""
    judged = judge_method(draft)
    if isinstance(judged, Rejected):
        return judged
    changed = Method(id=method, **msgspec.structs.asdict(judged))
    done = await on.fetchval(Q.change_method, seller, method, *_columns(changed))
    return METHOD_NOT_FOUND if done is None else changed


async def remove(on: Connection, seller: str, method: str) -> Rejected | None:
    """`method_not_found`."""
    done = await on.fetchval(Q.remove_method, seller, method)
    return METHOD_NOT_FOUND if done is None else None


def _columns(of: MethodDraft) -> tuple[object, ...]:
    return of.name, of.currency, list(of.countries), of.first, of.further, of.free_from


def choose(
    methods: Sequence[Method],
    lines: Sequence[Line],
    country: str,
    currency: str,
    wanted: str = "",
    *,
    bundled: bool = False,
) -> tuple[int, str] | Rejected:
    """What it costs, and how it is called: the wanted way (its id or name), or the cheapest. No ways at all: free.

    Refusals: `not_shipped_there`, `method_not_found`.
    """
    if not methods:
        return 0, ""
    fit = [method for method in methods if serves(method, country, currency)]
    if not fit:
        return not_shipped_there(country)
    items, goods = sum(line.quantity for line in lines), sum(line.amount for line in lines)
    if wanted:
        fit = [method for method in fit if wanted in {method.id, method.name}]
        if not fit:
            return METHOD_NOT_FOUND
    costs = [(postage(method, items, goods, bundled=bundled), at) for at, method in enumerate(fit)]
    cost, at = min(costs)
    return cost, fit[at].name


async def travels_along(
    on: Database, show: str, buyer: str, seller: str, ts: int, before: int | None = None
) -> bool:
    """Whether an order of a show goes with an earlier one of its buyer; `before`: its own number, if it has one."""
    if not show or not await on.fetchval(Q.show_is_open, show, ts - BUNDLE_AFTER_MS):
        return False
    return await on.fetchval(Q.earlier_of_show, show, buyer, seller, before)

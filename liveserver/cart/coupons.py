"""Sellers' coupons: made, judged for somebody's goods, and used by an order.

Uses are counted with their orders, under the coupon's lock: an order that is cancelled unpaid has used nothing, and nothing has to be
given back for that.
"""

from collections.abc import Sequence

import asyncpg
import msgspec

from liveserver.cart.errors import (
    COUPON_FOR_OTHERS,
    COUPON_GONE,
    COUPON_NOT_FOUND,
    COUPON_TAKEN,
    COUPON_USED_UP,
    COUPONS_FULL,
    only_for,
)
from liveserver.cart.model import Coupon, CouponDraft
from liveserver.cart.rules import coupon_code, discounted, judge_coupon
from liveserver.cart.store import Database, Q
from liveserver.infra.database import Connection
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import new_id
from liveserver.orders.model import Line

COUPONS_MAX = 500
"""Coupons of one seller, ended ones included: a page people can still read."""

GOODS_NAMED = 4
"""Products and categories that a refusal names: as many as fit a line."""


async def find(on: Database, seller: str, code: str) -> Coupon | None:
    """A seller's coupon by its code, however it was typed."""
    row = await on.fetchrow(Q.find_coupon, seller, coupon_code(code))
    return None if row is None else msgspec.convert(dict(row), Coupon)


async def apply(
    on: Database, seller: str, person: str, code: str, lines: Sequence[Line], currency: str, ts: int
) -> tuple[Line, ...] | Rejected:
    """The lines with the discount; `person` "": a guest, whose own limit is looked at when they order.

    Refusals: `coupon_not_found`, `coupon_over`, `coupon_used_up`, `coupon_minimum`, `coupon_currency`, `coupon_not_for_these`.
    """
    coupon = await find(on, seller, code)
    if coupon is None:
        return COUPON_NOT_FOUND
    if refused := await _used_up(on, coupon, person):
        return refused
    done = discounted(coupon, lines, currency, ts)
    return await _named(on, coupon) if done is COUPON_FOR_OTHERS else done


async def _named(on: Database, coupon: Coupon) -> Rejected:
    """What the coupon is for, by name: what is not on offer any more is no help."""
    names: list[str] = [
        row["name"]
        for row in await on.fetch(
            Q.coupon_goods, list(coupon.products), list(coupon.categories), GOODS_NAMED + 1
        )
    ]
    return only_for(names[:GOODS_NAMED], len(names) > GOODS_NAMED)


async def _used_up(on: Database, coupon: Coupon, person: str) -> Rejected | None:
    if coupon.uses_max is None and coupon.person_max is None:
        return None
    uses = await on.fetchrow(Q.coupon_uses, coupon.id, person)
    assert uses is not None, "an aggregate has a row"
    everybody, own = coupon.uses_max, coupon.person_max
    full = (everybody is not None and uses["everybody"] >= everybody) or (
        own is not None and uses["person"] >= own
    )
    return COUPON_USED_UP if full else None


async def take(on: Connection, order: str, seller: str, person: str, code: str) -> Rejected | None:
    """The order uses it, in the transaction that places it. `coupon_over`, `coupon_used_up`: the order must not be."""
    await on.fetchval(Q.lock_coupon, seller, code)
    coupon = await find(on, seller, code)
    if coupon is None or not coupon.active:
        return COUPON_GONE
    if refused := await _used_up(on, coupon, person):
        return refused
    await on.execute(Q.use_coupon, order, coupon.id, person)
    return None


async def of_seller(on: Database, seller: str) -> list[Coupon]:
    """A seller's coupons, the newest first."""
    return [msgspec.convert(dict(row), Coupon) for row in await on.fetch(Q.coupons_of, seller, COUPONS_MAX)]


async def add(on: Connection, seller: str, draft: CouponDraft, ts: int) -> Coupon | Rejected:
    """A new coupon. Refusals: `bad_…` with its field, `coupon_there`, `coupons_full`."""
    judged = judge_coupon(draft)
    if isinstance(judged, Rejected):
        return judged
    made = Coupon(id=new_id("coup"), seller=seller, **msgspec.structs.asdict(judged))
    values = (made.percent_bp, made.amount, made.currency, made.minimum, made.from_ts, made.until_ts)
    limits = (made.uses_max, made.person_max, list(made.products), list(made.categories), made.active)
    try:
        async with on.transaction():
            added = await on.fetchval(
                Q.add_coupon, made.id, seller, made.code, *values, *limits, ts, COUPONS_MAX
            )
    except asyncpg.UniqueViolationError:
        return COUPON_TAKEN
    return COUPONS_FULL if added is None else made


async def set_active(on: Connection, seller: str, coupon: str, *, active: bool) -> Rejected | None:
    """Ends a coupon, or lets it be used again. `coupon_not_found`."""
    found = await on.fetchval(Q.set_coupon_active, seller, coupon, active)
    return COUPON_NOT_FOUND if found is None else None

"""Where somebody has things sent: a few addresses, one of them the usual one. Orders keep a copy of their own."""

import msgspec

from liveserver.cart.errors import ADDRESS_NOT_FOUND, ADDRESSES_FULL
from liveserver.cart.model import Kept
from liveserver.cart.rules import judge_address
from liveserver.cart.store import Database, Q
from liveserver.infra.database import Connection
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import new_id
from liveserver.orders.model import Address

ADDRESSES_MAX = 20
"""Of one person: family, work, friends."""


async def all_of(on: Database, person: str) -> list[Kept]:
    """The usual one first."""
    found: list[Kept] = []
    for row in await on.fetch(Q.addresses_of, person):
        values = dict(row)
        id, usual = values.pop("id"), values.pop("usual")
        found.append(Kept(id=id, address=msgspec.convert(values, Address), usual=usual))
    return found


async def find(on: Database, person: str, address: str) -> Address | Rejected:
    """`address_not_found`."""
    kept = next((one for one in await all_of(on, person) if one.id == address), None)
    return ADDRESS_NOT_FOUND if kept is None else kept.address


async def usual_of(on: Database, person: str) -> Address | None:
    """Where it goes unless said otherwise."""
    return next((one.address for one in await all_of(on, person) if one.usual), None)


async def add(
    on: Connection, person: str, given: Address, ts: int, *, usual: bool = False
) -> Kept | Rejected:
    """A new one; the first is the usual one. Refusals: `bad_…` with its field, `addresses_full`."""
    judged = judge_address(given)
    if isinstance(judged, Rejected):
        return judged
    await on.execute(Q.lock_addresses, person)
    there = await all_of(on, person)
    if len(there) >= ADDRESSES_MAX:
        return ADDRESSES_FULL
    usual = usual or not there
    if usual:
        await on.execute(Q.no_usual_address, person)
    made = Kept(id=new_id("adr"), address=judged, usual=usual)
    await on.execute(Q.add_address, made.id, person, *_columns(judged), usual, ts)
    return made


async def change(
    on: Connection, person: str, address: str, given: Address, *, usual: bool = False
) -> Kept | Rejected:
    """Another in its place. Refusals: `bad_…` with its field, `address_not_found`."""
    judged = judge_address(given)
    if isinstance(judged, Rejected):
        return judged
    await on.execute(Q.lock_addresses, person)
    if await on.fetchval(Q.change_address, person, address, *_columns(judged)) is None:
        return ADDRESS_NOT_FOUND
    if usual:
        await on.execute(Q.no_usual_address, person)
        await on.execute(Q.make_usual, person, address)
    return next(one for one in await all_of(on, person) if one.id == address)


async def remove(on: Connection, person: str, address: str) -> Rejected | None:
    """Forgets it; the oldest of the others becomes the usual one. `address_not_found`."""
    await on.execute(Q.lock_addresses, person)
    was_usual = await on.fetchval(Q.remove_address, person, address)
    if was_usual is None:
        return ADDRESS_NOT_FOUND
    left = await all_of(on, person)
    if was_usual and left:
        await on.execute(Q.make_usual, person, left[0].id)
    return None


def _columns(of: Address) -> tuple[str, ...]:
    return of.name, of.line1, of.line2, of.city, of.region, of.postal_code, of.country, of.phone

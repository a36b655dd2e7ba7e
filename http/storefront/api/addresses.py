"""`/me/addresses`: where somebody has things sent."""

import msgspec

from liveserver.cart import addresses
from liveserver.cart.model import Kept
from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders.model import Address
from storefront.api.checkout import AddressInput
from storefront.api.documents import Listing
from storefront.api.registry import SIGNED_IN, Call, operation


class SavedAddressInput(AddressInput, frozen=True):
    """An address. `usual`: goods go there unless said otherwise."""

    usual: bool = False


class AddressDocument(msgspec.Struct, frozen=True):
    """One of one's addresses."""

    id: str
    usual: bool
    address: Address


def document(of: Kept) -> AddressDocument:
    """An address's document."""
    return AddressDocument(of.id, of.usual, of.address)


def _address(body: SavedAddressInput) -> Address:
    fields = {name: value for name, value in msgspec.structs.asdict(body).items() if name != "usual"}
    return Address(**fields)


@operation("GET", "/me/addresses", tag="cart", who=SIGNED_IN)
async def own_addresses(call: Call) -> Listing[AddressDocument]:
    """One's addresses, the usual one first."""
    kept = await addresses.all_of(call.services.pool, call.who.id)
    return Listing(tuple(map(document, kept)))


@operation("POST", "/me/addresses", tag="cart", who=SIGNED_IN, status=201, keyed=True)
async def add_address(call: Call, body: SavedAddressInput) -> AddressDocument | Rejected:
    """Adds an address; the first is the usual one."""
    async with transaction(call.services.pool) as on:
        done = await addresses.add(
            on, call.who.id, _address(body), call.services.clock.now_ms(), usual=body.usual
        )
    return done if isinstance(done, Rejected) else document(done)


@operation("PUT", "/me/addresses/{id}", tag="cart", who=SIGNED_IN)
async def change_address(call: Call, id: str, body: SavedAddressInput) -> AddressDocument | Rejected:
    """Puts another address in its place. Orders keep the one that they were placed with."""
    async with transaction(call.services.pool) as on:
        done = await addresses.change(on, call.who.id, id, _address(body), usual=body.usual)
    return done if isinstance(done, Rejected) else document(done)


@operation("DELETE", "/me/addresses/{id}", tag="cart", who=SIGNED_IN)
async def remove_address(call: Call, id: str) -> Rejected | None:
    """Forgets an address."""
    async with transaction(call.services.pool) as on:
        return await addresses.remove(on, call.who.id, id)

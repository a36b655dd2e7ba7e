"""Gives the demo's people an address and a card of the test provider, as buyers in a show have: what they win is then paid by itself.

Not all of them pay: a few have no card and a few one that is declined, so that a host sees what that looks like. Where real payments
are set up nobody gets a card: the demo never charges anything.
"""

import hashlib

from liveserver.accounts.model import Account, identity_of
from liveserver.cart import addresses
from liveserver.demo.services import DemoServices, granted
from liveserver.infra.database import transaction
from liveserver.kernel.errors import Rejected
from liveserver.orders.model import Address

STREETS = ("Alder Row", "Brook Lane", "Cobble Street", "Dune Road", "Elm Court")
ONE_IN = 8
"""Of so many people one has no card, and one a card that is declined when it is charged."""


async def furnish(services: DemoServices, who: Account) -> None:
    """An address and a card, where they are missing."""
    digest = hashlib.sha256(who.email.encode()).digest()
    if await addresses.usual_of(services.pool, who.id) is None:
        home = Address(
            name=who.name,
            line1=f"{digest[0] + 1} {STREETS[digest[1] % len(STREETS)]}",
            city="Testville",
            postal_code=f"{10_000 + digest[2]}",
            country="US",
        )
        async with transaction(services.pool) as on:
            await addresses.add(on, who.id, home, services.clock.now_ms())
    token = {0: "", 1: "card_later"}.get(digest[3] % ONE_IN, "card_pays")
    cards, till = services.cards, services.till
    if cards is None or till is None or not token:
        return
    if await cards.card_of(services.pool, who.id) is None:
        begun = granted(await cards.begin(identity_of(who), ""), f"saving a card of {who.name}")
        await till.confirm_setup(begun.id, token)
        kept = await cards.finish(who.id, begun.id)
        assert not isinstance(kept, Rejected), "the test provider's cards are saved at once"

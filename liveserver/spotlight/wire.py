"""The spotlight's messages as people send them, with what needs records settled: the product as the catalog has it, the stock that the
show takes along for it, whether the buyer may buy. Who gets how many is the room's to decide.
"""

import inspect
from typing import Annotated

from msgspec import Meta, Struct

from liveserver.catalog.model import Product, Variant
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ID_PATTERN, ProductId
from liveserver.rooms.edge import HOSTS_ONLY, SIGNED_IN, Edge, KnownId, Route, Settled
from liveserver.spotlight import model as m

Id = Annotated[str, Meta(pattern=ID_PATTERN)]

UNITS_DEFAULT = 10
"""Pieces of each variant that a show takes along for a product it shows for the first time, if so many are there."""
LIMIT_DEFAULT = 10
"""Pieces one person may buy of a product, where the host says nothing else."""

NO_PRODUCT = Rejected("no_such_product", "There is no such product in this host's catalog.")


class SpotlightSet(Struct, frozen=True):
    """`spotlight:set`: `units` of each variant are taken along besides what the show has of it already (0: none); without, ten when
    it is shown for the first time. `limit`: pieces that one person may buy."""

    show: KnownId
    product: Id
    units: Annotated[int, Meta(ge=0, le=m.UNITS_MAX)] | None = None
    limit: Annotated[int, Meta(ge=1, le=m.QUANTITY_MAX)] | None = None


class SpotlightBuy(Struct, frozen=True):
    """`spotlight:buy`: `variant` may be left out where there is only one. The price is the card's."""

    show: KnownId
    product: KnownId
    variant: Annotated[str, Meta(max_length=40)] = ""
    qty: Annotated[int, Meta(ge=1, le=m.QUANTITY_MAX)] = 1


class SpotlightClear(Struct, frozen=True):
    """`spotlight:clear`"""

    show: KnownId


async def _set(payload: SpotlightSet, edge: Edge) -> Settled:
    """Products of the show's host only, also for the operator: what is claimed from a show is the host's to deliver.
    The same answer for others' and for unknown ones, so that ids can't be probed. Without stock it is shown and not sold."""
    product = await edge.catalog.get(ProductId(payload.product))
    if product is None or product.archived or product.seller != edge.show.host:
        return NO_PRODUCT
    given: dict[str, int] = {}
    # An order is in its show's currency: what is priced in another one is shown, and bought on its own page.
    if product.currency == edge.show.currency:
        taken = await edge.shows.take_for_spotlight(edge.show.id, product.id, payload.units, UNITS_DEFAULT)
        if isinstance(taken, Rejected):
            return taken
        given = taken
    return m.OfferSpotlight(
        card=_card(product),
        goods=tuple(
            m.Good(variant.id, _label(variant), variant.price, given[variant.id])
            for variant in product.variants
            if variant.id in given
        ),
        limit=payload.limit or LIMIT_DEFAULT,
    )


def _card(product: Product) -> m.Card:
    return m.Card(
        id=product.id,
        title=product.title,
        price=product.price,
        currency=product.currency,
        picture=product.images[0] if product.images else "",
        stock=sum(variant.stock for variant in product.variants),
    )


def _label(variant: Variant) -> str:
    return " / ".join(part for part in (variant.color, variant.size) if part)


async def _buy(payload: SpotlightBuy, edge: Edge) -> Settled:
    asked = edge.gate.refusal(edge.actor, edge.show, 0)
    refused = await asked if inspect.isawaitable(asked) else asked
    return refused or m.BuySpotlight(payload.product, payload.variant, payload.qty)


def _clear(payload: SpotlightClear, edge: Edge) -> m.ClearSpotlight:
    return m.ClearSpotlight()


ROUTES: tuple[Route, ...] = (
    Route(
        "spotlight:set", SpotlightSet, "spotlight:offer", _set, HOSTS_ONLY, "host",
        "Shows a product of the host's to everybody, as the catalog has it now, and takes stock along to sell it at its fixed price.",
    ),
    Route(
        "spotlight:buy", SpotlightBuy, "spotlight:buy", _buy, SIGNED_IN, "bid",
        "Buys from the spotlight at the card's price: who comes first in the log gets it; the order follows as `order:updated`.",
    ),
    Route(
        "spotlight:clear", SpotlightClear, "spotlight:clear", _clear, HOSTS_ONLY, "host",
        "Takes the product out of the spotlight.",
    ),
)  # fmt: skip

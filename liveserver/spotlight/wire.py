"""The spotlight's messages as hosts send them: the product is looked up in the catalog and goes into the log as it is then."""

from typing import Annotated

from msgspec import Meta, Struct

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ID_PATTERN, ProductId
from liveserver.rooms.edge import HOSTS_ONLY, Edge, KnownId, Route
from liveserver.spotlight.model import Card, ClearSpotlight, SetSpotlight

Id = Annotated[str, Meta(pattern=ID_PATTERN)]

NO_PRODUCT = Rejected("no_such_product", "There is no such product in this host's catalog.")


class SpotlightSet(Struct, frozen=True):
    """`spotlight:set`"""

    show: KnownId
    product: Id


class SpotlightClear(Struct, frozen=True):
    """`spotlight:clear`"""

    show: KnownId


async def _set(payload: SpotlightSet, edge: Edge) -> SetSpotlight | Rejected:
    """Products of the show's host only, also for the operator: what is claimed from a show is the host's to deliver.
    The same answer for others' and for unknown ones, so that ids can't be probed."""
    product = await edge.catalog.get(ProductId(payload.product))
    if product is None or product.archived or product.seller != edge.show.host:
        return NO_PRODUCT
    return SetSpotlight(
        Card(
            id=product.id,
            title=product.title,
            price=product.price,
            currency=product.currency,
            picture=product.images[0] if product.images else "",
            stock=sum(variant.stock for variant in product.variants),
        )
    )


def _clear(payload: SpotlightClear, edge: Edge) -> ClearSpotlight:
    return ClearSpotlight()


ROUTES: tuple[Route, ...] = (
    Route(
        "spotlight:set", SpotlightSet, "spotlight:set", _set, HOSTS_ONLY, "host",
        "Shows a product of the host's to everybody, as the catalog has it now.",
    ),
    Route(
        "spotlight:clear", SpotlightClear, "spotlight:clear", _clear, HOSTS_ONLY, "host",
        "Takes the product out of the spotlight.",
    ),
)  # fmt: skip

"""The words of the spotlight: the card, its commands as they stand in the log, its one fact. Holds no rule."""

import msgspec

from liveserver.rooms.model import Fact


class Card(msgspec.Struct, frozen=True):
    """A product as it was when it was highlighted. `price` is minor units of `currency`."""

    id: str
    title: str
    price: int
    currency: str
    picture: str
    """URL, or "" for none."""
    stock: int
    """Pieces left at that moment, over all variants. For the record: viewers are not shown a number that ages."""


class SpotlightState(msgspec.Struct, omit_defaults=True):
    """The spotlight's part of a room."""

    card: Card | None = None


class SetSpotlight(msgspec.Struct, frozen=True):
    """The product as the catalog had it at the edge."""

    card: Card


class ClearSpotlight(msgspec.Struct, frozen=True):
    """Nothing is highlighted any more."""


class ProductHighlighted(Fact, tag="product_highlighted"):
    """This is in the spotlight now; None for nothing."""

    card: Card | None
    actor: str

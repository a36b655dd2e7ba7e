"""The words of the spotlight: the card, what of it is for sale, its commands as they stand in the log, its facts. Holds no rule."""

import msgspec

from liveserver.rooms.model import Fact

OFFERS_MAX = 200
"""Products that one show sells from the spotlight; further ones are shown, and refused to be sold. A long evening has a fifth."""
VARIANTS_MAX = 100
"""Forms of one product, as many as the catalog allows."""
BUYERS_MAX = 10_000
"""People whose pieces of one product are counted against its limit; then nobody new may buy of it. Some hundred kilobytes."""
UNITS_MAX = 1_000_000
"""Pieces of one variant, as many as the catalog counts."""
QUANTITY_MAX = 1_000
"""Pieces bought at once, as many as an order's line holds."""


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


class Good(msgspec.Struct, frozen=True):
    """A variant that the show took along for the spotlight."""

    variant: str
    label: str
    """Such as `Red / M`; "" for a product that has one form."""
    price: int
    """Of one, in minor units of the card's currency."""
    given: int
    """Pieces that the show was given of it in all, ever: a number that only grows, so that saying it twice changes nothing."""


class Goods(msgspec.Struct, omit_defaults=True):
    """A variant as the room holds it. `given - sold` are left."""

    label: str
    price: int
    given: int
    sold: int = 0


class Offer(msgspec.Struct, omit_defaults=True):
    """What a product's card sells, kept while the show lasts: also while another card is shown."""

    limit: int
    """Most pieces that one person may buy, over all variants."""
    goods: dict[str, Goods] = {}
    bought: dict[str, int] = {}
    """Pieces by person."""


class SpotlightState(msgspec.Struct, omit_defaults=True):
    """The spotlight's part of a room."""

    card: Card | None = None
    selling: bool = False
    """The card can be bought from. Not so for a card that an older release has set."""
    offers: dict[str, Offer] = {}
    """By product."""


class SetSpotlight(msgspec.Struct, frozen=True):
    """`spotlight:set`, as releases before sales wrote it: the product as the catalog had it at the edge. Shown, not sold."""

    card: Card


class OfferSpotlight(msgspec.Struct, frozen=True):
    """`spotlight:offer`: the product as the catalog had it, and what the show has taken along of it."""

    card: Card
    goods: tuple[Good, ...]
    """Empty: shown, not sold."""
    limit: int


class BuySpotlight(msgspec.Struct, frozen=True, array_like=True):
    """`spotlight:buy`. `variant` "" where there is only one."""

    product: str
    variant: str
    quantity: int


class ClearSpotlight(msgspec.Struct, frozen=True):
    """Nothing is highlighted any more."""


class ProductHighlighted(Fact, tag="product_highlighted"):
    """This is in the spotlight now; None for nothing."""

    card: Card | None
    actor: str


class Left(msgspec.Struct, frozen=True):
    """A variant with what is left of it, as facts and viewers have it."""

    variant: str
    label: str
    price: int
    given: int
    left: int


class ProductOffered(Fact, tag="product_offered"):
    """This is in the spotlight now, and can be bought while pieces are left."""

    card: Card
    goods: tuple[Left, ...]
    limit: int
    actor: str


class ClaimMade(Fact, tag="claim_made"):
    """Somebody has bought from the spotlight. Holds what an order needs."""

    claim: str
    """Unique in the show."""
    product: str
    variant: str
    title: str
    label: str
    picture: str
    quantity: int
    price: int
    """Of one."""
    currency: str
    buyer: str
    name: str
    left: int
    """Of the variant, after it."""


SpotlightCommand = SetSpotlight | OfferSpotlight | BuySpotlight | ClearSpotlight
SpotlightFact = ProductHighlighted | ProductOffered | ClaimMade

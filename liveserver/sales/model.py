"""The words of sales: what a room sold, as an order is made of it; what is known of a person who wants to bid. Holds no rule."""

from typing import Literal

import msgspec


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A lot or a claim of one show. Kept as it is when its order can't be placed at once."""

    origin: str
    """`lot:{show}:{lot}` or `claim:{show}:{claim}`: one order each, for ever."""
    source: Literal["auction", "claim"]
    show: str
    object: str
    """The lot's or the claim's id."""
    buyer: str
    buyer_name: str
    currency: str
    product: str = ""
    variant: str = ""
    title: str
    label: str = ""
    picture: str = ""
    quantity: int = 1
    price: int
    """Of one, minor units."""
    ts: int
    """When the room sold it."""


class PlaceJob(msgspec.Struct, frozen=True):
    """The payload of `sales.place`."""

    origin: str


class Standing(msgspec.Struct, frozen=True):
    """What lies outside of a show about somebody who wants to bid or buy in it."""

    card: bool
    """Has a saved card; not asked for where the show does not demand one."""
    defaults: int
    """How often they won or claimed and did not pay in time, lately."""
    orders: int
    """Orders they have not paid yet."""
    owed: int
    """What these come to, of one currency."""
    read_ms: int
    """Monotonic ms when this was read."""

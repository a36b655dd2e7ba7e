"""What the API tells of people, products and shows: allow-lists, field by field, so that a new column is not shown by itself.

Shapes of products are those of docs/PROTOCOL.md; amounts are minor units, `…_ts` are ms. What is taken is in `inputs`.
"""

from typing import Any, Generic, Literal, TypeVar

import msgspec

from liveserver.accounts.model import Account, Identity
from liveserver.catalog.model import Product
from liveserver.shows.model import ChatSettings, QueuedLot, Show, Source, Status

T = TypeVar("T")
WireStatus = Literal["live", "upcoming", "ended"]

TO_WIRE: dict[Status, WireStatus] = {"scheduled": "upcoming", "live": "live", "ended": "ended"}
FROM_WIRE: dict[WireStatus, Status] = {wire: status for status, wire in TO_WIRE.items()}


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list; `next` is the cursor of the page after it."""

    items: tuple[T, ...]
    next: str | None = None


class Person(msgspec.Struct, frozen=True):
    """Oneself."""

    id: str
    name: str
    email: str | None
    """None for people of an embedding app."""
    role: Literal["guest", "viewer", "host", "admin"]
    verified: bool
    """May bid."""
    email_verified: bool = False
    """A link in a mail to `email` was opened."""


def person(identity: Identity, account: Account | None) -> Person:
    """Oneself, for /me."""
    name = account.name if account is not None else identity.name
    email = account.email if account is not None else None
    proved = account is not None and account.email_verified
    return Person(identity.id, name, email, identity.role, identity.verified, proved)


class SignedIn(msgspec.Struct, frozen=True):
    """A session: send the token as `Authorization: Bearer …`, or in the socket's `hello`."""

    token: str
    expires_ts: int
    user: Person


class VariantDocument(msgspec.Struct, frozen=True):
    """One form a product is sold in."""

    id: str
    sku: str
    color: str
    size: str
    stock: int
    price: int


class ProductDocument(msgspec.Struct, frozen=True):
    """Something a seller offers."""

    id: str
    title: str
    description: str
    price: int
    currency: str
    images: tuple[str, ...]
    category: str
    seller: str
    variants: tuple[VariantDocument, ...]
    archived: bool


def product(of: Product) -> ProductDocument:
    """A product's document."""
    return ProductDocument(
        of.id,
        of.title,
        of.description,
        of.price,
        of.currency,
        of.images,
        of.category,
        of.seller,
        variants(of),
        of.archived,
    )


def variants(of: Product) -> tuple[VariantDocument, ...]:
    """The documents of a product's variants."""
    return tuple(VariantDocument(v.id, v.sku, v.color, v.size, v.stock, v.price) for v in of.variants)


class HostDocument(msgspec.Struct, frozen=True):
    """Who runs a show."""

    id: str
    name: str


class OnStageDocument(msgspec.Struct, frozen=True):
    """Somebody who can be seen or heard in a show now."""

    id: str
    name: str
    sources: tuple[Source, ...]
    since_ts: int


def on_stage(show: Show) -> tuple[OnStageDocument, ...]:
    """Who is on stage, the longest first."""
    return tuple(OnStageDocument(one.id, one.name, one.sources, one.since_ts) for one in show.stage)


class Livestream(msgspec.Struct, frozen=True):
    """A show, as everybody may see it."""

    id: str
    title: str
    description: str
    host: HostDocument
    status: WireStatus
    currency: str
    picture: str
    scheduled_ts: int | None
    started_ts: int | None
    ended_ts: int | None
    viewers: int
    requires_card: bool
    stage: tuple[OnStageDocument, ...]


class SellerLivestream(msgspec.Struct, frozen=True):
    """A show, as its host sees it."""

    id: str
    title: str
    description: str
    host: HostDocument
    status: WireStatus
    currency: str
    picture: str
    scheduled_ts: int | None
    started_ts: int | None
    ended_ts: int | None
    chat: ChatSettings
    moderators: tuple[str, ...]
    requires_card: bool
    co_hosts: tuple[str, ...]
    stage: tuple[OnStageDocument, ...]


def livestream(show: Show, viewers: int) -> Livestream:
    """A show's public document."""
    return Livestream(
        show.id,
        show.title,
        show.description,
        HostDocument(show.host, show.host_name),
        TO_WIRE[show.status],
        show.currency,
        show.picture,
        show.scheduled_ts,
        show.started_ts,
        show.ended_ts,
        viewers,
        show.requires_card,
        on_stage(show),
    )


def seller_livestream(show: Show) -> SellerLivestream:
    """A show's document for its host."""
    return SellerLivestream(
        show.id,
        show.title,
        show.description,
        HostDocument(show.host, show.host_name),
        TO_WIRE[show.status],
        show.currency,
        show.picture,
        show.scheduled_ts,
        show.started_ts,
        show.ended_ts,
        show.chat,
        show.moderators,
        show.requires_card,
        show.co_hosts,
        on_stage(show),
    )


class LotDocument(msgspec.Struct, frozen=True):
    """A lot in a show's queue, as its host sees it: the reserve is nobody else's business."""

    id: str
    position: int
    title: str
    picture: str
    product: str | None
    start: int
    reserve: int | None
    format: str
    exact: bool
    increments: str
    preset: str
    duration_ms: int | None
    window_ms: int | None
    extend_ms: int | None
    hard_ms: int | None
    status: Literal["queued", "opened"]
    variant: str | None
    """Null: the first that is in stock."""


def lot(of: QueuedLot) -> LotDocument:
    """A queued lot's document."""
    return LotDocument(**{name: getattr(of, name) for name in LotDocument.__struct_fields__})


class Acted(msgspec.Struct, frozen=True):
    """A command that the show's log took."""

    seq: int
    ts: int
    result: dict[str, Any]


class EventDocument(msgspec.Struct, frozen=True):
    """An ordered event, as the socket tells it."""

    type: str
    seq: int
    ts: int
    payload: dict[str, Any]

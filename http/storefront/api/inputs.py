"""What the API takes from those who create and change things: typed, bounded, and every misspelt field is said.

The bounds here are those a machine can check and a document can tell; what is allowed is judged by the domains' rules.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from liveserver.catalog.model import ProductChanges, ProductDraft, VariantDraft
from liveserver.shows.model import ChatSettings, LotChanges, LotDraft, ShowChanges, ShowDraft

Amount = Annotated[int, Meta(ge=0, le=10**12, description="Minor units of the currency.")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["USD"])]
Title = Annotated[str, Meta(min_length=1, max_length=120)]
Picture = Annotated[str, Meta(max_length=500, description="https://… or a path of this server.")]
Moment = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Unix time in ms.")]
Name = Annotated[str, Meta(max_length=32)]
Span = Annotated[int, Meta(ge=0, le=5_184_000_000, description="ms")]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body: a misspelt field is said, not passed over."""


class Registration(Input, frozen=True):
    """A new account."""

    name: Annotated[str, Meta(max_length=200, description="2 to 30 characters, shown to everybody.")]
    email: Annotated[str, Meta(max_length=256)]
    password: Annotated[str, Meta(max_length=1024)]


class Credentials(Input, frozen=True):
    """A sign-in."""

    email: Annotated[str, Meta(max_length=256)]
    password: Annotated[str, Meta(max_length=1024)]


class MailTo(Input, frozen=True):
    """Whom to write to."""

    email: Annotated[str, Meta(max_length=256)]


Token = Annotated[str, Meta(max_length=100, description="From the mail's link: what follows the last slash.")]


class MailedToken(Input, frozen=True):
    """What a mail brought."""

    token: Token


class NewPassword(Input, frozen=True):
    """A password for who has the mail."""

    token: Token
    password: Annotated[str, Meta(max_length=1024)]


class PersonChanges(Input, frozen=True):
    """What to change about oneself."""

    name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


class VariantInput(Input, frozen=True):
    """A variant. `price` left out: the product's; `stock` left out: as it is. A variant keeps its id as long as its sku stays."""

    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    color: Annotated[str, Meta(max_length=40)] = ""
    size: Annotated[str, Meta(max_length=40)] = ""
    stock: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    price: Amount | None = None


Variants = Annotated[tuple[VariantInput, ...], Meta(max_length=100)]
Images = Annotated[tuple[Picture, ...], Meta(max_length=12)]
Description = Annotated[str, Meta(max_length=5_000)]


class NewProduct(Input, frozen=True):
    """A product to offer."""

    title: Title
    price: Amount
    currency: Currency
    description: Description = ""
    images: Images = ()
    category: Annotated[str, Meta(max_length=40)] = ""
    variants: Variants = ()

    def draft(self) -> ProductDraft:
        """In the catalog's words."""
        return ProductDraft(
            self.title,
            self.price,
            self.currency,
            self.description,
            self.images,
            self.category,
            _drafts(self.variants),
        )


class ProductEdit(Input, frozen=True):
    """What to change in a product; what is left out stays. `variants` replaces them all."""

    title: Title | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    images: Images | UnsetType = UNSET
    category: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    variants: Variants | UnsetType = UNSET
    archived: bool | UnsetType = UNSET

    def changes(self) -> ProductChanges:
        """In the catalog's words."""
        drafts = UNSET if isinstance(self.variants, UnsetType) else _drafts(self.variants)
        return ProductChanges(
            self.title,
            self.price,
            self.currency,
            self.description,
            self.images,
            self.category,
            drafts,
            self.archived,
        )


def _drafts(given: tuple[VariantInput, ...]) -> tuple[VariantDraft, ...]:
    return tuple(VariantDraft(v.sku, v.color, v.size, v.stock, v.price) for v in given)


class ChatInput(Input, frozen=True):
    """What the chat of a show allows."""

    links: bool = False
    blocked_words: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=200)] = ()
    slow_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0

    def settings(self) -> ChatSettings:
        """In the shows' words."""
        return ChatSettings(self.links, self.blocked_words, self.slow_ms)


ShowTitle = Annotated[str, Meta(min_length=1, max_length=100)]
ShowText = Annotated[str, Meta(max_length=2_000)]


class NewLivestream(Input, frozen=True):
    """A show to plan. `scheduled_ts` null: it starts whenever its host starts it."""

    title: ShowTitle
    currency: Currency
    description: ShowText = ""
    scheduled_ts: Moment | None = None
    picture: Picture = ""
    chat: ChatInput = ChatInput()
    requires_card: bool = False

    def draft(self) -> ShowDraft:
        """In the shows' words."""
        return ShowDraft(
            self.title,
            self.currency,
            self.description,
            self.scheduled_ts,
            self.picture,
            self.chat.settings(),
            self.requires_card,
        )


class LivestreamEdit(Input, frozen=True):
    """What to change in a show; what is left out stays."""

    title: ShowTitle | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    description: ShowText | UnsetType = UNSET
    scheduled_ts: Moment | UnsetType | None = UNSET
    picture: Picture | UnsetType = UNSET
    chat: ChatInput | UnsetType = UNSET
    requires_card: bool | UnsetType = UNSET

    def changes(self) -> ShowChanges:
        """In the shows' words."""
        chat = UNSET if isinstance(self.chat, UnsetType) else self.chat.settings()
        return ShowChanges(
            self.title,
            self.currency,
            self.description,
            self.scheduled_ts,
            self.picture,
            chat,
            self.requires_card,
        )


class NewLot(Input, frozen=True):
    """A lot for the queue. With a product, an empty title or picture is taken from it."""

    start: Amount
    title: Annotated[str, Meta(max_length=120)] = ""
    product: Annotated[str, Meta(max_length=40)] | None = None
    picture: Picture = ""
    reserve: Amount | None = None
    format: Name = "english"
    exact: bool = False
    increments: Name = "live"
    preset: Name = "live"
    duration_ms: Span | None = None
    window_ms: Span | None = None
    extend_ms: Span | None = None
    hard_ms: Span | None = None
    variant: Annotated[str, Meta(max_length=40)] | None = None
    """Of the product; null: the first that is in stock."""

    def draft(self) -> LotDraft:
        """In the shows' words."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__}
        return LotDraft(**values)


class LotEdit(Input, frozen=True):
    """What to change in a queued lot; what is left out stays."""

    title: Annotated[str, Meta(max_length=120)] | UnsetType = UNSET
    start: Amount | UnsetType = UNSET
    product: Annotated[str, Meta(max_length=40)] | UnsetType | None = UNSET
    picture: Picture | UnsetType = UNSET
    reserve: Amount | UnsetType | None = UNSET
    format: Name | UnsetType = UNSET
    exact: bool | UnsetType = UNSET
    increments: Name | UnsetType = UNSET
    preset: Name | UnsetType = UNSET
    duration_ms: Span | UnsetType | None = UNSET
    window_ms: Span | UnsetType | None = UNSET
    extend_ms: Span | UnsetType | None = UNSET
    hard_ms: Span | UnsetType | None = UNSET
    variant: Annotated[str, Meta(max_length=40)] | UnsetType | None = UNSET

    def changes(self) -> LotChanges:
        """In the shows' words."""
        return LotChanges(**{name: getattr(self, name) for name in self.__struct_fields__})


class LotOrder(Input, frozen=True):
    """The queue's new order: all its lots, each once."""

    lots: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=500)]


class Highlight(Input, frozen=True):
    """The product to put into the spotlight; null takes it out."""

    product: Annotated[str, Meta(max_length=40)] | None
    units: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    """Pieces of each variant that are taken along to be sold; null: ten when it is shown for the first time."""
    limit: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    """Pieces that one person may buy."""

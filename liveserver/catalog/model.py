"""The words for things on sale: a product, its variants, a category; and drafts, as people hand them in.

It holds no rule: drafts are judged by `rules`. Prices are minor units of the product's currency.
"""

from typing import NewType

import msgspec
from msgspec import UNSET, UnsetType

from liveserver.kernel.ids import ProductId, UserId

VariantId = NewType("VariantId", str)


class Variant(msgspec.Struct, frozen=True):
    """One form a product is sold in."""

    id: VariantId
    sku: str
    color: str
    size: str
    stock: int
    price: int


class Product(msgspec.Struct, frozen=True):
    """Something a seller offers."""

    id: ProductId
    seller: UserId
    title: str
    description: str
    price: int
    currency: str
    images: tuple[str, ...]
    """URLs, the best first: `https://…` or a path of this server such as `/media/…`."""
    category: str
    """A category's id, or "" for none."""
    variants: tuple[Variant, ...]
    created_ts: int = 0
    archived: bool = False
    """Taken out of lists and searches by its seller; what refers to it still finds it."""


class Category(msgspec.Struct, frozen=True):
    """A shelf that products are sorted into. `id` stands in addresses."""

    id: str
    name: str


class VariantDraft(msgspec.Struct, frozen=True):
    """A variant as handed in. `price` None: the product's. A variant keeps its id as long as its sku stays.

    `stock` None: nobody has counted, so it stays as it is (a new variant has none): whoever mends a title must not undo sales.
    """

    sku: str
    color: str = ""
    size: str = ""
    stock: int | None = 0
    price: int | None = None


class ProductDraft(msgspec.Struct, frozen=True):
    """A new product as handed in."""

    title: str
    price: int
    currency: str
    description: str = ""
    images: tuple[str, ...] = ()
    category: str = ""
    variants: tuple[VariantDraft, ...] = ()


class ProductChanges(msgspec.Struct, frozen=True):
    """What to change in a product; what is left unset stays. `variants` replaces them all."""

    title: str | UnsetType = UNSET
    price: int | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    images: tuple[str, ...] | UnsetType = UNSET
    category: str | UnsetType = UNSET
    variants: tuple[VariantDraft, ...] | UnsetType = UNSET
    archived: bool | UnsetType = UNSET

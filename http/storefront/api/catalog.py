"""`/categories`, `/products`, and `/seller/products`: things on sale, for everybody and for who sells them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from liveserver.catalog.errors import PRODUCT_NOT_FOUND
from liveserver.catalog.model import Category, Product
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId
from liveserver.kernel.pages import Page
from storefront.api.documents import Listing, ProductDocument, VariantDocument, product, variants
from storefront.api.inputs import NewProduct, ProductEdit
from storefront.api.paging import Cursor, Limit, bounded
from storefront.api.registry import EVERYBODY, HOSTS, Call, operation


class ProductQuery(msgspec.Struct, frozen=True):
    """Which products."""

    search: Annotated[str, Meta(max_length=200)] = ""
    category: Annotated[str, Meta(max_length=40)] = ""
    seller: Annotated[str, Meta(max_length=40)] = ""
    cursor: Cursor = ""
    limit: Limit = 20


class OwnProductQuery(msgspec.Struct, frozen=True):
    """Which of one's own products."""

    archived: bool = False
    cursor: Cursor = ""
    limit: Limit = 20


@operation("GET", "/categories", tag="catalog", who=EVERYBODY)
async def categories(call: Call) -> Listing[Category]:
    """All categories."""
    return Listing(await call.services.catalog.categories())


@operation("GET", "/products", tag="catalog", who=EVERYBODY)
async def products(call: Call, query: ProductQuery) -> Listing[ProductDocument] | Rejected:
    """Products on offer: with a search the best match first, else the newest first."""
    return _listing(
        await call.services.catalog.search(
            query.search,
            query.category,
            UserId(query.seller) if query.seller else None,
            query.cursor or None,
            bounded(call, query.limit),
        )
    )


@operation("GET", "/products/{id}", tag="catalog", who=EVERYBODY)
async def one_product(call: Call, id: str) -> ProductDocument | Rejected:
    """One product."""
    found = await call.services.catalog.get(ProductId(id))
    return PRODUCT_NOT_FOUND if found is None else product(found)


@operation("GET", "/products/{id}/variants", tag="catalog", who=EVERYBODY)
async def product_variants(call: Call, id: str) -> Listing[VariantDocument] | Rejected:
    """A product's variants."""
    found = await call.services.catalog.get(ProductId(id))
    return PRODUCT_NOT_FOUND if found is None else Listing(variants(found))


@operation("GET", "/seller/products", tag="seller", who=HOSTS)
async def own_products(call: Call, query: OwnProductQuery) -> Listing[ProductDocument] | Rejected:
    """One's own products, the newest first."""
    return _listing(
        await call.services.catalog.by_seller(
            UserId(call.who.id), query.cursor or None, bounded(call, query.limit), archived=query.archived
        )
    )


@operation("POST", "/seller/products", tag="seller", who=HOSTS, status=201, keyed=True)
async def create_product(call: Call, body: NewProduct) -> ProductDocument | Rejected:
    """Offers a product."""
    made = await call.services.catalog.create(call.who, body.draft())
    return made if isinstance(made, Rejected) else product(made)


@operation("GET", "/seller/products/{id}", tag="seller", who=HOSTS)
async def own_product(call: Call, id: str) -> ProductDocument | Rejected:
    """One of one's own products."""
    found = await call.services.catalog.get(ProductId(id))
    if found is None or (found.seller != call.who.id and call.who.role != "admin"):
        return PRODUCT_NOT_FOUND
    return product(found)


@operation("PATCH", "/seller/products/{id}", tag="seller", who=HOSTS)
async def edit_product(call: Call, id: str, body: ProductEdit) -> ProductDocument | Rejected:
    """Changes one of one's own products; `archived` takes it out of lists."""
    done = await call.services.catalog.update(call.who, ProductId(id), body.changes())
    return done if isinstance(done, Rejected) else product(done)


def _listing(page: Page[Product] | Rejected) -> Listing[ProductDocument] | Rejected:
    return page if isinstance(page, Rejected) else Listing(tuple(map(product, page.items)), page.next)

"""A seller's products as pages: the list, one product with its variants as counted, and what happened to its stock.

|address                          |method|template          |page       |who|
|---------------------------------|------|------------------|-----------|---|
|/studio/products                 |GET   |goods.html        |GoodsPage  |hosts and admins; `search`, `archived`, `cursor`|
|/studio/products/new             |GET   |good.html         |GoodPage   |as above|
|/studio/products/new             |POST  |good.html (422)   |GoodPage   |create: title, description, price, currency, category, images (one a line), variants|
|/studio/products/{id}            |GET   |good.html         |GoodPage   |the product's seller or an admin (others 404)|
|/studio/products/{id}            |POST  |good.html (422)   |GoodPage   |edit: as create|
|/studio/products/{id}/archive    |POST  |- (303 back)      |           |`archived`=1 or 0|

Variants are rows of repeated fields (`v-sku`, `v-color`, `v-size`, `v-price`, `v-stock`, `v-was`, `v-row`; `v-remove` names rows). A row
without any text is none. A stock that is still what the page showed is nobody's count, so what was sold meanwhile stays sold.
"""

from itertools import zip_longest

import msgspec
from aiohttp import web
from msgspec import UNSET

from liveserver.catalog.errors import PRODUCT_NOT_FOUND
from liveserver.catalog.model import Category, Product, ProductChanges, ProductDraft, VariantDraft
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId
from storefront.bodies import FormData
from storefront.orders.stock import StockEvent, stock_of
from storefront.problems import Refused, invalid, status_of
from storefront.services import services_of
from storefront.visitors import Visitor
from storefront.web import fields
from storefront.web.context import Form, OwnPage
from storefront.web.render import render, see_other
from storefront.web.studio import host_of, submitted

SHOWN_MAX = 24
"""Products of one page of the list."""
EVENTS_SHOWN_MAX = 30
"""Lines of a product's stock history on its page; the API has the rest."""
EMPTY_ROWS = 2
"""Rows for more variants that a form has without JavaScript: saving gives two more."""
NAMES = ("title", "description", "price", "currency", "category", "images")


class VariantRow(msgspec.Struct, frozen=True):
    """A row of the form, as typed."""

    sku: str = ""
    color: str = ""
    size: str = ""
    price: str = ""
    """"": the product's."""
    stock: str = ""
    was: str = ""
    """What the page showed; the same again is not a count."""
    remove: bool = False

    @property
    def empty(self) -> bool:
        return not any((self.sku, self.color, self.size, self.price, self.stock))


class GoodsPage(OwnPage, frozen=True):
    """`/studio/products`."""

    products: tuple[Product, ...]
    search: str
    archived: bool
    next: str | None
    """Cursor of the next page."""
    first: bool
    """The first page of the list."""


class GoodPage(OwnPage, frozen=True):
    """`/studio/products/new` and `/studio/products/{id}`."""

    product: Product | None
    """None: a new one."""
    form: Form
    rows: tuple[VariantRow, ...]
    events: tuple[StockEvent, ...]
    categories: tuple[Category, ...]
    currencies: tuple[str, ...]
    saved: bool


async def goods(request: web.Request) -> web.Response:
    """GET /studio/products"""
    visitor = await host_of(request)
    services, seller = services_of(request), UserId(visitor.identity.id)
    search = request.query.get("search", "").strip()[:200].replace("\0", "")
    archived = request.query.get("archived") == "1"
    cursor = request.query.get("cursor") or None
    if search:
        # The search knows what is on offer only; archived products are found in their list.
        page = await services.catalog.search(search, "", seller, cursor, SHOWN_MAX)
    else:
        page = await services.catalog.by_seller(seller, cursor, SHOWN_MAX, archived=archived)
    if isinstance(page, Rejected):
        raise Refused(page)
    shown = GoodsPage(
        products=page.items,
        search=search,
        archived=archived,
        next=page.next,
        first=cursor is None,
    )
    return await render(request, "goods.html", shown)


async def new_good(request: web.Request) -> web.Response:
    """GET /studio/products/new"""
    await host_of(request)
    return await _page(request, None, Form(), (VariantRow(), *_spare()))


async def create_good(request: web.Request) -> web.Response:
    """POST /studio/products/new"""
    visitor, form = await submitted(request)
    rows = _rows(form)
    try:
        made = await services_of(request).catalog.create(visitor.identity, _draft(form, rows))
    except Refused as refused:
        made = refused.rejected
    if isinstance(made, Rejected):
        return await _again(request, None, form, rows, made)
    return see_other(f"/studio/products/{made.id}?saved=1")


async def good(request: web.Request) -> web.Response:
    """GET /studio/products/{id}"""
    product = await _own(request, await host_of(request))
    return await _page(
        request, product, _form(product), _rows_of(product), saved=request.query.get("saved") == "1"
    )


async def edit_good(request: web.Request) -> web.Response:
    """POST /studio/products/{id}"""
    visitor, form = await submitted(request)
    product = await _own(request, visitor)
    rows = _rows(form)
    try:
        draft = _draft(form, rows)
        changes = ProductChanges(
            **{name: getattr(draft, name) for name in ProductDraft.__struct_fields__}, archived=UNSET
        )
        done = await services_of(request).catalog.update(visitor.identity, product.id, changes)
    except Refused as refused:
        done = refused.rejected
    if isinstance(done, Rejected):
        return await _again(request, product, form, rows, done)
    return see_other(f"/studio/products/{product.id}?saved=1")


async def archive_good(request: web.Request) -> web.Response:
    """POST /studio/products/{id}/archive"""
    visitor, form = await submitted(request)
    product = await _own(request, visitor)
    archived = form.checked("archived")
    done = await services_of(request).catalog.update(
        visitor.identity, product.id, ProductChanges(archived=archived)
    )
    if isinstance(done, Rejected):
        raise Refused(done)
    return see_other("/studio/products" if archived else f"/studio/products/{product.id}")


async def _own(request: web.Request, visitor: Visitor) -> Product:
    product = await services_of(request).catalog.get(ProductId(request.match_info["id"]))
    who = visitor.identity
    if product is None or (product.seller != who.id and who.role != "admin"):
        raise Refused(PRODUCT_NOT_FOUND)
    return product


async def _page(
    request: web.Request,
    product: Product | None,
    form: Form,
    rows: tuple[VariantRow, ...],
    *,
    saved: bool = False,
    status: int = 200,
) -> web.Response:
    services = services_of(request)
    events: tuple[StockEvent, ...] = ()
    if product is not None:
        page = await stock_of(services.pool, product.id, None, EVENTS_SHOWN_MAX)
        assert not isinstance(page, Rejected), "the first page has no cursor to be wrong"
        events = page.items
    shown = GoodPage(
        product=product,
        form=form,
        rows=rows,
        events=events,
        categories=await services.catalog.categories(),
        currencies=fields.CURRENCIES,
        saved=saved,
    )
    return await render(request, "good.html", shown, status=status)


async def _again(
    request: web.Request,
    product: Product | None,
    form: FormData,
    rows: tuple[VariantRow, ...],
    rejected: Rejected,
) -> web.Response:
    """The form as it was typed, with what is wrong beside its field."""
    field = str(rejected.detail.get("field", ""))
    named = _field_in_form(field, rows)
    shown = Form(form.values(*NAMES), {named: rejected.message} if named else {}, rejected.message)
    return await _page(request, product, shown, (*rows, *_spare()), status=status_of(rejected))


def _field_in_form(field: str, rows: tuple[VariantRow, ...]) -> str:
    """`variants.1.sku` counts the rows that are sent on; in the form `v-sku-2` counts all of them."""
    parts = field.split(".")
    if parts[0] == "images":
        return "images"
    if parts[0] != "variants" or len(parts) != 3:
        return field
    kept = [at for at, row in enumerate(rows) if not row.remove]
    return f"v-{parts[2]}-{kept[int(parts[1])]}"


def _spare() -> tuple[VariantRow, ...]:
    return (VariantRow(),) * EMPTY_ROWS


def _form(product: Product) -> Form:
    return Form(
        {
            "title": product.title,
            "description": product.description,
            "price": fields.plain_amount(product.price, product.currency),
            "currency": product.currency,
            "category": product.category,
            "images": "\n".join(product.images),
        }
    )


def _rows_of(product: Product) -> tuple[VariantRow, ...]:
    rows = [
        VariantRow(
            sku=variant.sku,
            color=variant.color,
            size=variant.size,
            price=""
            if variant.price == product.price
            else fields.plain_amount(variant.price, product.currency),
            stock=str(variant.stock),
            was=str(variant.stock),
        )
        for variant in product.variants
    ]
    return (*rows, *_spare())


def _rows(form: FormData) -> tuple[VariantRow, ...]:
    """The rows of the form that say anything."""
    removed = set(form.several("v-remove"))
    columns = [form.several(f"v-{name}") for name in ("sku", "color", "size", "price", "stock", "was", "row")]
    rows = [
        VariantRow(*(text.strip() for text in cells[:6]), remove=cells[6] in removed)
        for cells in zip_longest(*columns, fillvalue="")
    ]
    return tuple(row for row in rows if not row.empty)


def _draft(form: FormData, rows: tuple[VariantRow, ...]) -> ProductDraft:
    currency = form.text("currency") or fields.CURRENCIES[0]
    return ProductDraft(
        title=form.text("title"),
        price=fields.amount(form, "price", currency),
        currency=currency,
        description=form.text("description"),
        images=tuple(line for text in form.raw("images").splitlines() if (line := text.strip())),
        category=form.text("category"),
        variants=tuple(_variant(row, at, currency) for at, row in enumerate(rows) if not row.remove),
    )


def _variant(row: VariantRow, at: int, currency: str) -> VariantDraft:
    typed = FormData([(f"v-price-{at}", row.price), (f"v-stock-{at}", row.stock)])
    if not row.sku:
        raise Refused(invalid(f"v-sku-{at}", "A variant needs a stock keeping unit (SKU)."))
    counted = row.stock != row.was and row.stock != ""
    return VariantDraft(
        sku=row.sku,
        color=row.color,
        size=row.size,
        stock=fields.whole(typed, f"v-stock-{at}", 0) if counted else None,
        price=fields.amount(typed, f"v-price-{at}", currency) if row.price else None,
    )

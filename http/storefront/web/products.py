"""The page of one product."""

from aiohttp import web

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId
from storefront.problems import NOT_FOUND, Refused
from storefront.services import services_of
from storefront.web.cards import cards_of
from storefront.web.context import ProductPage
from storefront.web.home import SHELF_MAX
from storefront.web.render import render


async def product_page(request: web.Request) -> web.Response:
    """GET /products/{id}"""
    services = services_of(request)
    product = await services.catalog.get(ProductId(request.match_info["id"]))
    if product is None:
        raise Refused(NOT_FOUND)
    seller = await services.accounts.get(product.seller)
    shows = await services.shows.by_host(product.seller, None, SHELF_MAX)
    assert not isinstance(shows, Rejected), "the first page has no cursor to be wrong"
    coming = [show for show in shows.items if show.status != "ended"]
    names = {category.id: category for category in await services.catalog.categories()}
    page = ProductPage(
        product=product,
        seller_name=seller.name if seller is not None else (shows.items[0].host_name if shows.items else ""),
        category=names.get(product.category),
        shows=await cards_of(request, coming),
    )
    return await render(request, "product.html", page)

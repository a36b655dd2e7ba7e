"""The reference page: the API's operations and the socket's messages, from the tables that run them."""

from aiohttp import web

from storefront.api.openapi import roles_text
from storefront.api.registry import OPERATIONS, PREFIX
from storefront.services import services_of
from storefront.web.context import DocsOperation, DocsPage
from storefront.web.render import render


async def docs_page(request: web.Request) -> web.Response:
    """GET /docs"""
    groups: dict[str, list[DocsOperation]] = {}
    for op in OPERATIONS:
        entry = DocsOperation(op.method, PREFIX + op.path, op.summary, roles_text(op), op.name)
        groups.setdefault(op.tag, []).append(entry)
    page = DocsPage(
        operations=tuple((tag, tuple(found)) for tag, found in groups.items()),
        messages=tuple((route.type, route.doc) for route in services_of(request).routes.values()),
    )
    return await render(request, "docs.html", page)

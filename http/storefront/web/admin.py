"""The operator's page: the running deployment at a look. It changes nothing; people with another role are refused."""

from aiohttp import web

from storefront.api.registry import ADMINS
from storefront.operating import OPERATING
from storefront.services import services_of
from storefront.visitors import need, visitor_of
from storefront.web.context import AdminLivePage
from storefront.web.render import render


async def live(request: web.Request) -> web.Response:
    """GET /admin/live"""
    need(await visitor_of(request), ADMINS)
    page = AdminLivePage(await request.app[OPERATING].look(services_of(request)))
    return await render(request, "admin_live.html", page)

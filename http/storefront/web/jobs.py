"""Jobs as the operator sees them: how many of which kind wait, and the dead ones, to be tried again or dropped.

|address                 |method|template        |page    |who|
|------------------------|------|----------------|--------|---|
|/admin/jobs             |GET   |admin_jobs.html |JobsPage|admins (others 403); `cursor`|
|/admin/jobs/{job}/retry |POST  |- (303), or admin_jobs.html (409)| |admins|
|/admin/jobs/{job}/drop  |POST  |- (303), or admin_jobs.html (409)| |admins|
"""

from aiohttp import web

from liveserver.jobs import look
from liveserver.jobs.look import ID_MAX, DeadJob, Standing
from liveserver.kernel.errors import Rejected
from storefront.api.registry import ADMINS
from storefront.bodies import read_form
from storefront.problems import NOT_FOUND, Refused, status_of
from storefront.services import services_of
from storefront.visitors import check_form, need, visitor_of
from storefront.web.context import OwnPage
from storefront.web.render import render, see_other

SHOWN_MAX = 25


class JobsPage(OwnPage, frozen=True):
    """`/admin/jobs`."""

    standing: Standing
    dead: tuple[DeadJob, ...]
    next: str
    """Cursor of the page after this; "" for none."""
    first: bool
    """The newest dead ones are on this page."""
    refused: str = ""
    """What was asked for and could not be done."""


async def jobs(request: web.Request) -> web.Response:
    """GET /admin/jobs"""
    need(await visitor_of(request), ADMINS)
    return await _page(request)


async def retry(request: web.Request) -> web.Response:
    """POST /admin/jobs/{job}/retry"""
    job = await _chosen(request)
    return await _done(request, await look.retry(services_of(request).pool, job))


async def drop(request: web.Request) -> web.Response:
    """POST /admin/jobs/{job}/drop"""
    job = await _chosen(request)
    return await _done(request, await look.drop(services_of(request).pool, job))


async def _chosen(request: web.Request) -> int:
    visitor = await visitor_of(request)
    need(visitor, ADMINS)
    check_form(request, visitor, (await read_form(request)).raw("csrf"))
    text = request.match_info["job"]
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(ID_MAX)) and int(text) <= ID_MAX):
        raise Refused(NOT_FOUND)
    return int(text)


async def _done(request: web.Request, answer: str | Rejected) -> web.Response:
    if isinstance(answer, Rejected):
        return await _page(request, answer)
    return see_other("/admin/jobs")


async def _page(request: web.Request, refused: Rejected | None = None) -> web.Response:
    pool, cursor = services_of(request).pool, request.query.get("cursor", "")
    dead = await look.dead_jobs(pool, cursor or None, SHOWN_MAX)
    if isinstance(dead, Rejected):
        raise Refused(dead)
    page = JobsPage(
        standing=await look.whole_standing(pool),
        dead=dead.items,
        next=dead.next or "",
        first=not cursor,
        refused="" if refused is None else refused.message,
    )
    status = 200 if refused is None else status_of(refused)
    return await render(request, "admin_jobs.html", page, status=status)

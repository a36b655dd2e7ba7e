"""The home page: what is live, what comes, what was; and "remind me"."""

from aiohttp import web

from liveserver.accounts.model import Identity
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ShowId, UserId
from liveserver.shows.model import Show, Status
from storefront.bodies import read_form
from storefront.problems import Refused
from storefront.services import services_of
from storefront.visitors import check_form, visitor_of
from storefront.web.cards import cards_of, show_path
from storefront.web.context import HomePage, ShowCard
from storefront.web.render import render, see_other

SHELF_MAX = 24
"""Cards on one shelf: more is a list, not a shelf."""


async def home(request: web.Request) -> web.Response:
    """GET /"""
    visitor = await visitor_of(request)
    reminded = await reminders_of(request, visitor.identity)
    page = HomePage(
        live=await _shelf(request, "live", reminded),
        upcoming=await _shelf(request, "scheduled", reminded),
        ended=await _shelf(request, "ended", reminded),
    )
    return await render(request, "home.html", page)


async def _shelf(request: web.Request, status: Status, reminded: tuple[ShowId, ...]) -> tuple[ShowCard, ...]:
    found = await services_of(request).shows.list(status, None, SHELF_MAX)
    assert not isinstance(found, Rejected), "the first page has no cursor to be wrong"
    return await cards_of(request, found.items, reminded)


async def reminders_of(request: web.Request, identity: Identity) -> tuple[ShowId, ...]:
    """The shows that the one who looks wants to be reminded of."""
    if identity.role == "guest":
        return ()
    return await services_of(request).shows.reminders(UserId(identity.id))


async def reminded_shows(request: web.Request, identity: Identity) -> tuple[Show, ...]:
    """The same as shows, up to a shelf of them."""
    shows = services_of(request).shows
    found = [await shows.get(show) for show in (await reminders_of(request, identity))[:SHELF_MAX]]
    return tuple(show for show in found if show is not None)


async def remind(request: web.Request) -> web.Response:
    """POST /shows/{id}/remind"""
    visitor = await visitor_of(request)
    form = await read_form(request)
    check_form(request, visitor, form.raw("csrf"))
    show = ShowId(request.match_info["id"])
    done = await services_of(request).shows.remind(visitor.identity, show, form.checked("wanted"))
    if isinstance(done, Rejected):
        raise Refused(done)
    # Back to where the button was: the show's page or the list.
    back = request.headers.get("Referer", "")
    return see_other(show_path(show) if f"/shows/{show}" in back else "/")

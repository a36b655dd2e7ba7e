"""Shows as cards: what a list tells of a show, gathered from the record, the live room, and the count of viewers."""

import asyncio
from collections.abc import Iterable, Sequence

from aiohttp import web

from liveserver.kernel.ids import ShowId
from liveserver.shows.model import Show
from storefront.results import Totals, results_of
from storefront.rooms import GLANCES
from storefront.services import services_of
from storefront.web.context import ShowCard


def show_path(show: str) -> str:
    """The address of a show's page."""
    return f"/shows/{show}"


def cover(show: Show) -> str:
    """The show's picture, or one made for it."""
    return show.picture or f"/media/generated/stage/{show.id}.svg"


async def cards_of(
    request: web.Request, shows: Sequence[Show], reminded: Iterable[ShowId] = ()
) -> tuple[ShowCard, ...]:
    """The cards of these shows, in their order."""
    services = services_of(request)
    glances = request.app[GLANCES]
    lots = await asyncio.gather(*(glances.glance(services, show) for show in shows))
    totals = await results_of(request).totals([show.id for show in shows if show.status == "ended"])
    queued = await results_of(request).queued([show.id for show in shows if show.status != "ended"])
    wanted = frozenset(reminded)
    return tuple(
        ShowCard(
            id=show.id,
            url=show_path(show.id),
            title=show.title,
            host_name=show.host_name,
            picture=cover(show),
            status=show.status,
            currency=show.currency,
            scheduled_ts=show.scheduled_ts,
            started_ts=show.started_ts,
            ended_ts=show.ended_ts,
            viewers=services.presence.count(show.id) if show.status == "live" else 0,
            lot=lot,
            lots_sold=totals.get(show.id, Totals()).sold,
            total=totals.get(show.id, Totals()).total,
            lots_queued=queued.get(show.id, 0),
            reminded=show.id in wanted,
        )
        for show, lot in zip(shows, lots, strict=True)
    )

"""`/livekit/token`, who is on stage beside the host, and LiveKit's own messages: video as clients and the video server ask for it.

It carries no video and decides nothing: `liveserver.livekit` says who may do what, the show's room who is banned.
"""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from liveserver.accounts.model import Identity
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ShowId, UserId, is_id
from liveserver.livekit.errors import BANNED, NOT_CONFIGURED
from liveserver.livekit.service import LiveKit
from liveserver.rooms.model import Viewer
from liveserver.shows.errors import SHOW_NOT_FOUND
from liveserver.shows.model import Show
from storefront.api.documents import SellerLivestream, seller_livestream
from storefront.api.inputs import Input
from storefront.api.registry import EVERYBODY, HOSTS, Call, operation
from storefront.bodies import read_body
from storefront.problems import Refused
from storefront.rooms import open_room
from storefront.visitors import Visitor, actor_in, standing_id

LIVEKIT = web.AppKey("livekit", LiveKit)


class StageTokenInput(Input, frozen=True):
    """For which show."""

    show: Annotated[str, Meta(min_length=1, max_length=40)]


class StageTokenDocument(msgspec.Struct, frozen=True, rename={"can_publish": "canPublish"}):
    """What a browser connects to LiveKit with: `url` and `token`, until `expires_ts`. A connection that is open stays open."""

    url: str
    token: str
    expires_ts: int
    can_publish: bool


@operation("POST", "/livekit/token", tag="video", who=EVERYBODY)
async def livekit_token(call: Call, body: StageTokenInput) -> StageTokenDocument | Rejected:
    """Lets oneself into a show's video: its host and co-hosts may publish, all others watch.

    The room is the show's id, the identity one's own id. Guests are let in where the operator says so. Refusals:
    `livekit_not_configured`, `show_not_found`, `show_ended`, `sign_in_first`, `banned`.
    """
    livekit, who = call.request.app[LIVEKIT], _identity(call.visitor)
    if not livekit.configured:
        return NOT_CONFIGURED  # said first: no show makes a difference
    show = await call.services.shows.get(ShowId(body.show)) if is_id(body.show) else None
    if show is None:
        return SHOW_NOT_FOUND
    refused = livekit.refusal(show, who) or await _ban(call, show, who)
    if refused is not None:
        return refused
    made = livekit.token(show, who)
    if isinstance(made, Rejected):
        return made
    return StageTokenDocument(made.url, made.token, made.expires_ts, made.can_publish)


@operation("PUT", "/seller/livestreams/{id}/co-hosts/{user_id}", tag="seller", who=HOSTS)
async def add_co_host(call: Call, id: str, user_id: str) -> SellerLivestream | Rejected:
    """Lets somebody on stage beside oneself. They moderate the show as well, and may not bid in it."""
    done = await call.services.shows.add_co_host(call.who, ShowId(id), UserId(user_id))
    return done if isinstance(done, Rejected) else seller_livestream(done)


@operation("DELETE", "/seller/livestreams/{id}/co-hosts/{user_id}", tag="seller", who=HOSTS)
async def remove_co_host(call: Call, id: str, user_id: str) -> SellerLivestream | Rejected:
    """Takes that back."""
    done = await call.services.shows.remove_co_host(call.who, ShowId(id), UserId(user_id))
    return done if isinstance(done, Rejected) else seller_livestream(done)


async def livekit_events(request: web.Request) -> web.Response:
    """POST /api/v1/webhooks/livekit: 2xx once the message has taken effect, now or before."""
    body = await read_body(request)
    refused = await request.app[LIVEKIT].receive(body, request.headers.get("Authorization", ""))
    if refused is not None:
        raise Refused(refused)
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


def _identity(visitor: Visitor) -> Identity:
    """LiveKit lets each identity in once. A guest's is the browser's, so that a second token does not make a second viewer."""
    return msgspec.structs.replace(visitor.identity, id=UserId(standing_id(visitor)))


async def _ban(call: Call, show: Show, who: Identity) -> Rejected | None:
    """Bans are the room's. While it can't be had there is no token: Refused says `unavailable`."""
    room = await open_room(call.services, show.id)
    # At the latest position: what one is here is wanted, and not all that there is to see.
    joined = room.join(Viewer(who.id, actor_in(show, who).role), (room.epoch, room.seq))
    return BANNED if joined.you.get("chat", {}).get("banned") else None

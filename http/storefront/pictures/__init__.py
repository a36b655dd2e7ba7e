"""Pictures drawn by the server itself: a thing of a kind, always the same for the same seed, as SVG under /media/generated/.

For demonstrations and for shows without a cover. They hold no script and refer to nothing; whatever the address says
becomes a number first, so nothing of it gets into the drawing.
"""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

from aiohttp import web

from storefront.assets import send, squeeze
from storefront.pictures import cameras, cards, ceramics, others, scenes, sneakers
from storefront.pictures.canvas import BACKDROPS, Backdrop, Canvas, Die

KEPT_MAX = 256
"""Drawings kept in memory, up to 40 kB each with their compressed form; the longest unused go first."""
SEED_LENGTH_MAX = 80
CACHING = "public, max-age=86400"

Painter = Callable[[Canvas, Die, Backdrop, frozenset[str]], None]
KINDS: dict[str, Painter] = {
    "camera": cameras.camera,
    "card": cards.card,
    "ceramic": ceramics.ceramic,
    "gift": scenes.gift,
    "plant": others.plant,
    "record": others.record,
    "sneaker": sneakers.sneaker,
    "stage": scenes.stage,
    "watch": others.watch,
}
"""What can be drawn; any other kind is wrapped up as a gift. Words of the seed ("moon-jar") choose among a kind's forms."""


def draw(kind: str, seed: str) -> bytes:
    """The picture: the same bytes for the same kind and seed, for ever."""
    painter = KINDS.get(kind)
    name = kind if painter is not None else "gift"
    die = Die(f"{name}/{seed}")
    colours = die.pick(BACKDROPS)
    canvas = Canvas()
    canvas.room(colours, die)
    (painter or scenes.gift)(canvas, die, colours, frozenset(re.findall(r"[a-z]+", seed.lower())))
    return canvas.svg(name)


@lru_cache(maxsize=KEPT_MAX)
def _kept(kind: str, seed: str) -> tuple[bytes, bytes | None, str]:
    body = draw(kind, seed)
    return body, squeeze(body), hashlib.sha256(body).hexdigest()[:16]


async def serve(request: web.Request) -> web.Response:
    """GET /media/generated/{kind}/{seed}.svg, and /media/generated/{seed}.svg for a gift."""
    seed = request.match_info["seed"]
    if len(seed) > SEED_LENGTH_MAX:
        raise web.HTTPNotFound
    kind = request.match_info.get("kind", "gift")
    body, squeezed, etag = _kept(kind if kind in KINDS else "gift", seed)
    response = send(request, body, squeezed, "image/svg+xml", etag, CACHING)
    # Opened by itself, the drawing is a document of our origin: it may do nothing there.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response

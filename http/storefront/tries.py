"""How often people may try what costs money or gives it away when guessed: paying, saving a card, coupons, video.

Counted in PostgreSQL by accounts' throttle, for each person and each address, over all nodes and restarts (docs/adr/0014). Signing in,
registering and mails count for themselves (`liveserver.accounts`). Providers' messages are not counted: what is not signed is refused
before it costs anything, and counts for the general rate of addresses; what is signed counts nowhere.
"""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from liveserver.accounts import throttle
from liveserver.accounts.errors import too_many_attempts
from storefront.api.registry import PREFIX
from storefront.problems import Refused
from storefront.services import services_of
from storefront.visitors import client_address, visitor_of

PERIOD_MS = 60_000
PEOPLE_PER_ADDRESS = 10
"""How many people's tries one address has: offices and phone networks share addresses, who tests stolen cards has many accounts."""


class Tries(msgspec.Struct, frozen=True):
    """What counts together, and the setting that says how much is allowed."""

    purpose: str
    setting: str


CHECKOUT = Tries("checkout", "checkout_tries_per_min")
COUPONS = Tries("coupon", "coupon_tries_per_min")
VIDEO = Tries("video", "video_tokens_per_min")

COUNTED: dict[tuple[str, str], Tries] = {
    ("POST", f"{PREFIX}/checkout/session"): CHECKOUT,
    ("POST", f"{PREFIX}/me/cards/setup"): CHECKOUT,
    ("POST", "/checkout"): CHECKOUT,
    ("POST", "/checkout/{order}/pay"): CHECKOUT,
    ("POST", "/checkout/{order}/answer"): CHECKOUT,
    ("POST", "/me/cards"): CHECKOUT,
    ("POST", f"{PREFIX}/me/cart/apply-coupon"): COUPONS,
    ("POST", "/cart/coupon"): COUPONS,
    ("POST", f"{PREFIX}/livekit/token"): VIDEO,
}
"""By method and route."""


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses with `too_many_attempts` (429, `retry_after_ms`) who has used up their tries."""
    resource = request.match_info.route.resource
    tries = COUNTED.get((request.method, resource.canonical)) if resource is not None else None
    if tries is not None:
        await spend(request, tries)
    return await handler(request)


async def spend(request: web.Request, tries: Tries) -> None:
    """Counts a try. Raises Refused when there are none left; that one is not counted against the address."""
    services, visitor = services_of(request), await visitor_of(request)
    number: float = getattr(services.settings, tries.setting)
    spent = [(throttle.address_key(tries.purpose, client_address(request)), number * PEOPLE_PER_ADDRESS)]
    if visitor.signed_in:
        spent.insert(0, (f"{tries.purpose}:{visitor.identity.id}", number))
    for key, most in spent:
        rate = throttle.Rate(most, PERIOD_MS)
        wait_ms = await throttle.take(services.pool, key, rate, services.clock.now_ms())
        if wait_ms:
            raise Refused(too_many_attempts(wait_ms))

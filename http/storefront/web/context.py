"""What each template is given: the contract between the handlers (`web/*.py`) and `templates/`.

It renders nothing. Every page has one struct here; its template gets it as `page`, beside `site` (below) and these helpers:

    static('css/site.css')          content-hashed URL of a file under static/ (`/static/css/site.<hash>.css`)
    _('text'), {% trans %}          the English catalogue (Babel/gettext); also ngettext, npgettext
    1250|money('USD')               "$12.50" in the page's locale        (None gives "")
    ts|datetime, ts|datetime('short' | 'long' | 'time' | 'date')         ms to text in the page's locale, UTC;
                                    pages put the ms beside it: <time datetime="{{ ts|isotime }}" data-ts="{{ ts }}">
    ts|isotime                      ms to "2026-11-21T00:28:00Z"
    n|number, n|compact             "12,345", "12K"
    x|tojson                        JSON that is safe inside <script type="application/json">
    styles('css/site.css', …)       style sheets inside the page (a nonce'd <style>): nothing blocks the first paint
    csrf_field()                    the hidden input of every POST form of this site
    module('js/show/main.js')       the <script type="module"> and a modulepreload for each module that it imports
    import_map()                    <script type="importmap" nonce=…> that maps '@/live/socket.js' and relative imports between
                                    modules under static/js/ to their hashed addresses: write `import … from '../live/view.js'`
    picture(url, width)             the picture's address (generated ones are SVG, so any width); '' gives a placeholder

No inline script, style attribute or event handler: the Content-Security-Policy refuses them. A <script> (JSON data included)
or <style> element carries nonce="{{ site.nonce }}".

|address                  |method |template          |page            |who|
|-------------------------|-------|------------------|----------------|---|
|/                        |GET    |home.html         |HomePage        |everybody|
|/shows/{id}              |GET    |show.html         |ShowPage        |everybody; may be framed by `frame_ancestors`|
|/shows/{id}/host         |GET    |host.html         |HostPage        |the show's host, moderators, admin (others 403)|
|/shows/{id}/remind       |POST   |- (303 back)      |`wanted`=1 or 0 |signed in|
|/products/{id}           |GET    |product.html      |ProductPage     |everybody|
|/sign-in                 |GET    |sign_in.html      |SignInPage      |everybody (signed in: 303 to `next`)|
|/sign-in                 |POST   |sign_in.html (422)|SignInPage      |fields: email, password, next|
|/register                |GET    |register.html     |RegisterPage    |everybody|
|/register                |POST   |register.html (422)|RegisterPage   |fields: name, email, password, next, sells (checkbox, if page.may_sell)|
|/sign-out                |POST   |- (303 to /)      |                |everybody|
|/me                      |GET    |me.html           |MePage          |signed in (others 303 to /sign-in)|
|/studio                  |GET    |studio.html       |StudioPage      |hosts and admins|
|/studio/shows            |POST   |studio.html (422) |StudioPage      |create: title, description, currency, scheduled (datetime-local), tz_offset_min, picture|
|/studio/shows/{id}       |GET    |studio_show.html  |StudioShowPage  |the show's host or admin (others 404)|
|/studio/shows/{id}       |POST   |studio_show.html (422)|StudioShowPage|edit: as create, and links (checkbox), blocked_words (one a line), slow_s|
|/studio/shows/{id}/lots  |POST   |studio_show.html (422)|StudioShowPage|add: title, product (`id` or `id/variant`), start, reserve (decimal amounts), preset, exact (checkbox)|
|/studio/shows/{id}/lots/order|POST|- (303 back)     |`lots`: ids in their new order (repeated field)|as above|
|/studio/lots/{id}/delete |POST   |- (303 back)      |                |as above|
|/studio/lots/{id}        |POST   |studio_show.html (422)|StudioShowPage|edit a queued lot: fields as add|
|/studio/products         |POST   |studio.html (422) |StudioPage      |create: title, description, price (decimal), currency, category, image, stock|
|/docs                    |GET    |docs.html         |DocsPage        |everybody|
|/admin/live              |GET    |admin_live.html   |AdminLivePage   |admins (others 403)|
|(404, 403, 429, 5xx …)   |any    |error.html        |ErrorPage       |everybody|

Host-console and show-page actions go over the WebSocket; the queue also as JSON under /api/v1/seller/livestreams/{id}/lots
(cookie session + header `X-CSRF-Token: {{ site.csrf }}`). Times are ms, amounts minor units.
"""

from typing import Any, Literal

import msgspec

from liveserver.accounts.model import Account
from liveserver.catalog.model import Category, Product
from liveserver.shows.model import QueuedLot, Show, ShowRole, Status
from storefront.operating import LiveDocument

NO_DICT: dict[str, str] = {}


class OwnPage(msgspec.Struct, frozen=True):
    """A page whose struct stands beside its handlers (orders, goods), which say its addresses as well."""


class Person(msgspec.Struct, frozen=True):
    """Who looks at the page."""

    id: str
    name: str
    role: Literal["viewer", "host", "admin"]
    verified: bool
    """May bid."""

    @property
    def sells(self) -> bool:
        """Sees the studio."""
        return self.role in {"host", "admin"}

    @property
    def operates(self) -> bool:
        """Sees the operator's page."""
        return self.role == "admin"


class Site(msgspec.Struct, frozen=True):
    """What every template is given as `site`."""

    user: Person | None
    """None: a guest."""
    csrf: str
    """Token of forms (`csrf_field()`) and of the header `X-CSRF-Token`."""
    nonce: str
    """Goes on every <script> and <style> element."""
    locale: str
    """Such as `en_US`."""
    lang: str
    """For <html lang>: such as `en-US`."""
    origin: str
    """The server's own origin, for canonical and social addresses: `https://live.example`."""
    path: str
    """Of this request, without the query; for `aria-current`."""
    here: str
    """Path and query: `<a href="/sign-in?next={{ site.here|urlencode }}">` comes back to where one was."""
    request: str
    """The request id, shown on error pages."""
    embedded: bool
    """Shown in a frame of another product (`?embed=1`): no header, no navigation."""
    now_ms: int
    """Server time when the page was made."""
    cart: int = 0
    """How many things are in the visitor's cart."""
    theme: Literal["", "light", "dark"] = ""
    """What the visitor chose with the theme button (cookie `theme`); "" follows the device."""


class Form(msgspec.Struct, frozen=True):
    """A form's state: what was typed (never passwords), and what is wrong with it."""

    values: dict[str, str] = NO_DICT
    errors: dict[str, str] = NO_DICT
    """By field name: shown beside the field (aria-describedby, aria-invalid)."""
    error: str = ""
    """What concerns no single field."""

    def value(self, name: str, default: str = "") -> str:
        """What was typed into a field."""
        return self.values.get(name, default)

    def wrong(self, name: str) -> str:
        """The message beside a field, or ""."""
        return self.errors.get(name, "")


class LotGlance(msgspec.Struct, frozen=True):
    """The lot that runs in a show, as a card tells it (from the lot document of the room's snapshot)."""

    id: str
    title: str
    picture: str
    currency: str
    price: int | None
    """None before the first bid; then show `start`."""
    start: int
    bids: int
    status: str
    ends_at: int | None


class ShowCard(msgspec.Struct, frozen=True):
    """A show in a list."""

    id: str
    url: str
    title: str
    host_name: str
    picture: str
    """Never empty: a generated one when the show has none."""
    status: Status
    currency: str
    scheduled_ts: int | None
    started_ts: int | None
    ended_ts: int | None
    viewers: int = 0
    lot: LotGlance | None = None
    lots_sold: int = 0
    """For ended shows."""
    total: int = 0
    """Of what sold, for ended shows."""
    lots_queued: int = 0
    reminded: bool = False
    """The one who looks wants to be reminded."""


class HomePage(msgspec.Struct, frozen=True):
    """`/`: three shelves; each at most 24 cards."""

    live: tuple[ShowCard, ...]
    upcoming: tuple[ShowCard, ...]
    ended: tuple[ShowCard, ...]


class Result(msgspec.Struct, frozen=True):
    """A lot that is decided: in the summary of an ended show, and among what somebody won."""

    lot: str
    show: str
    show_title: str
    title: str
    picture: str
    currency: str
    status: Literal["sold", "passed"]
    price: int | None
    alias: str
    """Of the winner, as everybody saw it; "" when passed."""
    bids: int
    closed_ts: int


class Boot(msgspec.Struct, frozen=True):
    """What the show page's and console's modules start from:
    `<script type="application/json" id="boot" nonce=…>{{ page.boot|tojson }}</script>`.

    The socket signs in by the page's session cookie; `hello` needs no token on our own pages.
    """

    show: str
    title: str
    host: str
    """Display name."""
    currency: str
    status: Status
    scheduled_ts: int | None
    picture: str
    socket: str
    """Path of the WebSocket: `/ws`. The page's own origin, ws: or wss: as the page is http: or https:."""
    user: Person | None
    role: ShowRole
    csrf: str
    locale: str
    """As Intl wants it: `en-US`."""
    now_ms: int
    sign_in: str
    """Where "Sign in to bid" leads: `/sign-in?next=/shows/…`."""
    presets: tuple[str, ...] = ()
    """Clock presets a host may choose, the default first (host console)."""
    orders: tuple[dict[str, Any], ...] = ()
    """As `order:updated` tells them. Show page: what the visitor bought in this show and has to pay. Console: what its seller sold
    in it, the latest 100."""
    room: dict[str, Any] | None = None
    """The room as it was when the page was made: {"epoch", "seq", "server_now", "snapshot", "you"} as in the answer to
    `room:join`; join with `after: {epoch, seq}`. None: the show is not live; join without `after`."""


class ShowPage(msgspec.Struct, frozen=True):
    """`/shows/{id}`. `lot` and `results` are for the first paint; what moves comes over the socket."""

    show: Show
    card: ShowCard
    role: ShowRole
    lot: LotGlance | None
    results: tuple[Result, ...]
    """Latest first: of an ended show all (up to 500), of a live one the last 20."""
    boot: Boot
    social_title: str
    social_text: str
    may_host: bool
    """Show the link to the console."""


class HostPage(msgspec.Struct, frozen=True):
    """`/shows/{id}/host`."""

    show: Show
    role: ShowRole
    queue: tuple[QueuedLot, ...]
    products: tuple[Product, ...]
    """The host's own, up to 100: for spotlight and quick lots."""
    results: tuple[Result, ...]
    sold_total: int
    paid_total: int
    """Goods of the show that are paid."""
    boot: Boot


class ProductPage(msgspec.Struct, frozen=True):
    """`/products/{id}`."""

    product: Product
    seller_name: str
    category: Category | None
    shows: tuple[ShowCard, ...]
    """The seller's shows that are live or upcoming."""


class SignInPage(msgspec.Struct, frozen=True):
    """`/sign-in`."""

    form: Form
    next: str
    """Where to go afterwards; a path of this site."""


class RegisterPage(msgspec.Struct, frozen=True):
    """`/register`."""

    form: Form
    next: str
    password_length_min: int
    may_sell: bool = False
    """Show the checkbox `sells`: the operator lets people become hosts by themselves (`hosts_may_register`)."""


class MePage(msgspec.Struct, frozen=True):
    """`/me`."""

    account: Account | None
    """None for people of an embedding app, who have no account here."""
    person: Person
    won: tuple[Result, ...]
    """Latest first, up to 100."""
    reminded: tuple[ShowCard, ...]
    shows: tuple[ShowCard, ...]
    """Own shows, for hosts."""


class StudioPage(msgspec.Struct, frozen=True):
    """`/studio`."""

    shows: tuple[ShowCard, ...]
    products: tuple[Product, ...]
    categories: tuple[Category, ...]
    currencies: tuple[str, ...]
    show_form: Form
    product_form: Form


class StudioShowPage(msgspec.Struct, frozen=True):
    """`/studio/shows/{id}`."""

    show: Show
    card: ShowCard
    queue: tuple[QueuedLot, ...]
    products: tuple[Product, ...]
    currencies: tuple[str, ...]
    presets: tuple[str, ...]
    form: Form
    """The show's own fields."""
    lot_form: Form
    """A new lot, or the queued lot being edited."""
    lot_edited: str
    """Id of the queued lot that `lot_form` edits; "" for a new one. Edited by `?lot=<id>`."""


class AdminLivePage(msgspec.Struct, frozen=True):
    """`/admin/live`."""

    live: LiveDocument


class ErrorPage(msgspec.Struct, frozen=True):
    """Any refusal of a page."""

    status: int
    title: str
    message: str
    retry: bool
    """Trying again may help."""


Page = (
    HomePage
    | ShowPage
    | HostPage
    | ProductPage
    | SignInPage
    | RegisterPage
    | MePage
    | StudioPage
    | StudioShowPage
    | AdminLivePage
    | ErrorPage
    | OwnPage
)

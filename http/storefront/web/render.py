"""Templates to answers: the Jinja environment with its helpers, and the headers of a page.

It knows no page in particular; `context` says what each template is given.
"""

import gzip
import secrets
from pathlib import Path
from typing import Any, Literal

import msgspec
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from liveserver.infra.database import AWAY
from storefront import csrf
from storefront.addresses import origin_of
from storefront.assets import Assets, accepts_gzip
from storefront.carts import count_of, drop_token
from storefront.headers import STRIPE_PERMISSIONS, page_policy
from storefront.middleware import request_id
from storefront.problems import Refused
from storefront.services import services_of
from storefront.visitors import PROXIES, Visitor, keep_guest, visitor_of
from storefront.web import texts
from storefront.web.compiled import kept
from storefront.web.context import Page, Person, Site

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SQUEEZED_MIN = 1_400
"""Pages under this fit one packet; compressing them saves nothing."""
PLACEHOLDER = "/media/generated/gift/placeholder.svg"
PATH_LENGTH_MAX = 500


class Renderer:
    """One application's templates."""

    def __init__(self, assets: Assets, folder: Path = TEMPLATES) -> None:
        self._assets = assets
        self.environment = Environment(
            loader=FileSystemLoader(folder),
            bytecode_cache=kept([Path(__file__)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        catalogue = texts.catalogue(texts.LANGUAGE)
        i18n: Any = self.environment  # the extension adds its methods to the environment at run time
        i18n.install_gettext_translations(catalogue, newstyle=True)
        helpers: dict[str, Any] = {
            "static": assets.url,
            "picture": picture,
            "csrf_field": _csrf_field,
            "import_map": self._import_map,
            "module": self._module,
            "styles": self._styles,
        }
        filters: dict[str, Any] = {
            "money": _money,
            "datetime": _datetime,
            "isotime": texts.isotime,
            "number": _number,
            "compact": _compact,
        }
        self.environment.globals.update(helpers)
        self.environment.filters.update(filters)
        # Struct documents as JSON for scripts: escaped as Jinja's own tojson does.
        self.environment.policies["json.dumps_function"] = _dumps
        self.environment.policies["json.dumps_kwargs"] = {}
        for name in self.environment.list_templates(extensions=["html"]):
            self.environment.get_template(name)  # a broken one is found now, and not by a visitor

    def html(self, template: str, site: Site, page: Page) -> bytes:
        """The page's bytes."""
        return self.environment.get_template(template).render(site=site, page=page).encode()

    @pass_context
    def _import_map(self, context: Context) -> Markup:
        return Markup('<script type="importmap" nonce="{}">{}</script>').format(
            _site(context).nonce, htmlsafe_json_dumps(self._assets.import_map())
        )

    @pass_context
    def _styles(self, context: Context, *paths: str) -> Markup:
        """`styles('css/site.css', …)`: style sheets within the page. They are seven kilobytes compressed and two round trips
        on a phone: inside, nothing stands between the page's arrival and its first paint."""
        text = "\n".join(self._assets.text(path) for path in paths)
        assert "</" not in text, "a style sheet must not end its element"
        css = Markup(text)  # noqa: S704 - our own files, with no word of a visitor in them
        return Markup('<style nonce="{}">{}</style>').format(_site(context).nonce, css)

    @pass_context
    def _module(self, context: Context, path: str) -> Markup:
        """`module('js/show/page.js')`: the script element, and preloads of all it imports, so that they come in one go."""
        nonce = _site(context).nonce
        lines = [
            Markup('<link rel="modulepreload" fetchpriority="low" href="{}" nonce="{}">').format(url, nonce)
            for url in self._assets.needed_by(path)
        ]
        lines.append(
            Markup('<script type="module" src="{}" nonce="{}"></script>').format(
                self._assets.url(path), nonce
            )
        )
        return Markup("\n").join(lines)


RENDERER = web.AppKey("renderer", Renderer)


async def render(
    request: web.Request,
    template: str,
    page: Page,
    *,
    status: int = 200,
    frames: tuple[str, ...] = (),
    stripe: bool = False,
) -> web.Response:
    """The answer that shows a page. `frames` are the origins that may show it in a frame; `stripe`: it takes cards."""
    try:
        visitor = await visitor_of(request)
    except Refused:
        # A bearer token that is no good: a page shows the guest's view, for instance of the error itself.
        visitor = None
    site = site_of(request, visitor)
    if visitor is not None and status < 500 and not site.embedded:
        site = msgspec.structs.replace(site, cart=await _in_cart(request, visitor))
    response = web.Response(
        status=status,
        body=request.app[RENDERER].html(template, site, page),
        content_type="text/html",
        charset="utf-8",
        headers={
            "Cache-Control": "private, no-cache",
            "Vary": "Cookie, Accept-Encoding, Accept-Language",
            "Content-Security-Policy": page_policy(site.nonce, site.origin, frames, stripe=stripe),
        },
    )
    if stripe:
        response.headers["Permissions-Policy"] = STRIPE_PERMISSIONS
    if visitor is not None:
        keep_guest(request, response, visitor)
        drop_token(request, response, visitor)
    return _squeezed(request, response)


def _squeezed(request: web.Request, response: web.Response) -> web.Response:
    body = response.body
    if isinstance(body, bytes) and len(body) >= SQUEEZED_MIN and accepts_gzip(request):
        response.body = gzip.compress(body, 5, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    return response


async def _in_cart(request: web.Request, visitor: Visitor) -> int:
    """For the header: a page that can be made without the database is made without this."""
    try:
        return await count_of(request, visitor)
    except AWAY:
        return 0


def site_of(request: web.Request, visitor: Visitor | None) -> Site:
    """What every template is given as `site`."""
    services = services_of(request)
    locale = texts.locale_for(request.headers.get("Accept-Language", ""))
    return Site(
        user=person_of(visitor) if visitor is not None else None,
        csrf=csrf.masked(visitor.csrf) if visitor is not None and visitor.csrf else "",
        nonce=secrets.token_urlsafe(16),
        locale=locale,
        lang=locale.replace("_", "-"),
        origin=origin_of(request, request.app[PROXIES], services.settings.public_url),
        path=request.path,
        here=safe_path(request.path_qs) if request.method == "GET" else "/",
        request=request_id(request),
        embedded=request.query.get("embed") == "1",
        now_ms=services.clock.now_ms(),
        theme=_theme(request.cookies.get("theme", "")),
    )


def _theme(chosen: str) -> Literal["", "light", "dark"]:
    """Known here already, so that a dark page does not flash light while scripts load."""
    if chosen == "light":
        return "light"
    return "dark" if chosen == "dark" else ""


def person_of(visitor: Visitor) -> Person | None:
    """The one who looks, or None for a guest."""
    who = visitor.identity
    return None if who.role == "guest" else Person(who.id, who.name, who.role, who.verified)


def safe_path(text: str, default: str = "/") -> str:
    """A path of this site, from a `next` field: never an address that leads elsewhere (two slashes, a backslash, a scheme)."""
    fits = text.startswith("/") and not text.startswith(("//", "/\\")) and len(text) <= PATH_LENGTH_MAX
    return text if fits and text.isprintable() and "\\" not in text else default


def see_other(path: str) -> web.Response:
    """The answer to a form that was carried out: the browser fetches `path`, and reloading repeats nothing."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def picture(url: str, width: int = 0) -> str:
    """A picture's address; `width` is for the day when uploads are scaled. "" gives a placeholder."""
    return url or PLACEHOLDER


def _site(context: Context) -> Site:
    site = context["site"]
    assert isinstance(site, Site), "every template is rendered with `site`"
    return site


@pass_context
def _csrf_field(context: Context) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(_site(context).csrf)


@pass_context
def _money(context: Context, amount: int | None, currency: str) -> str:
    return texts.money(amount, currency, _site(context).locale)


@pass_context
def _datetime(context: Context, ts: int | None, style: texts.Style = "medium") -> str:
    return texts.moment(ts, _site(context).locale, style)


@pass_context
def _number(context: Context, value: float) -> str:
    return texts.number(value, _site(context).locale)


@pass_context
def _compact(context: Context, value: float) -> str:
    return texts.compact(value, _site(context).locale)


def _dumps(value: Any, **_: Any) -> str:
    return msgspec.json.encode(value).decode()

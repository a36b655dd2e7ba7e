"""Builds the HTTP side's aiohttp application from its services: one function, no globals.

It opens no port: the gateway's front door hands it every request that is not for the socket.
"""

from pathlib import Path

from aiohttp import web

from liveserver.livekit.service import LiveKit
from storefront import health, pictures
from storefront.addresses import Proxies
from storefront.api.livekit import LIVEKIT
from storefront.api.routes import add_api
from storefront.assets import Assets
from storefront.middleware import RATES, limited, observed, rates_of
from storefront.operating import OPERATING, Operating
from storefront.orders.papers import PRINTER, Printer
from storefront.results import RESULTS, Results
from storefront.rooms import GLANCES, Glances
from storefront.services import SERVICES, Services
from storefront.tries import counted
from storefront.visitors import PROXIES
from storefront.web.errors import error_page
from storefront.web.render import RENDERER, Renderer
from storefront.web.routes import add_pages

STATIC = Path(__file__).resolve().parent / "static"


def build_app(services: Services) -> web.Application:
    """The application. Reads static files and templates once; raises if one of them is broken."""
    app = web.Application(
        middlewares=[observed(error_page), limited, counted],
        client_max_size=services.settings.body_bytes_max,
    )
    app[SERVICES] = services
    app[PROXIES] = Proxies(services.settings.trusted_proxies)
    app[RATES] = rates_of(app)
    app[RESULTS] = Results(services.pool)
    app[GLANCES] = Glances()
    app[OPERATING] = Operating()
    app[PRINTER] = Printer()
    app[LIVEKIT] = LiveKit(services.pool, services.clock, services.settings)
    assets = Assets(STATIC)
    app[RENDERER] = Renderer(assets)
    app.router.add_get("/static/{name:.+}", assets.serve)
    app.router.add_get("/media/generated/{kind}/{seed}.svg", pictures.serve)
    app.router.add_get("/media/generated/{seed}.svg", pictures.serve)
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/readyz", health.readyz)
    app.router.add_get("/metrics", health.metrics)
    app.router.add_get("/asyncapi.json", health.asyncapi)
    add_pages(app)
    add_api(app)
    return app

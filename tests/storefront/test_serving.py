"""Static files, generated pictures, health, metrics, addresses behind proxies, and rates."""

import asyncio
import gzip
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from liveserver.kernel.clock import VirtualClock
from storefront.addresses import Proxies
from storefront.app import STATIC, build_app
from storefront.assets import Assets
from storefront.middleware import ADDRESSES_MAX, AddressRates
from storefront.pictures import KINDS, draw
from storefront.web import texts
from storefront.web.render import safe_path
from tests.support.storefront import Shop

# -- static files


async def test_hashed_addresses_are_cached_for_ever_and_plain_ones_are_asked_for(shop: Shop):
    assets, browser = Assets(STATIC), shop.browser()
    hashed = await browser.get(assets.url("css/site.css"))
    assert hashed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    plain = await browser.get("/static/css/site.css")
    assert plain.headers["Cache-Control"] == "no-cache"
    assert await plain.read() == await hashed.read() == (STATIC / "css/site.css").read_bytes()
    again = await browser.get("/static/css/site.css", headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    weak = await browser.get(
        "/static/css/site.css", headers={"If-None-Match": f'"x", W/{plain.headers["ETag"]}'}
    )
    assert weak.status == 304


async def test_files_come_compressed_to_who_can_read_that(shop: Shop):
    browser = shop.browser()
    plain = await browser.get("/static/css/site.css", headers={"Accept-Encoding": "identity"})
    small = await browser.get("/static/css/site.css", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.headers["Vary"] == "Accept-Encoding"
    assert int(small.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert await small.read() == await plain.read()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/css",
        "/static/",
        "/static/css/nothing.css",
        "/static//css/site.css",
    ],
)
async def test_nothing_else_is_served_as_a_file(shop: Shop, path: str):
    from yarl import URL

    answer = await shop.browser().get(URL(path, encoded=True))
    assert answer.status == 404


async def test_the_import_map_leads_every_module_to_its_hashed_address(shop: Shop):
    page = await (await shop.browser().get("/")).text()
    import json

    (text,) = re.findall(r'<script type="importmap"[^>]*>(.*?)</script>', page)
    imports = json.loads(text)["imports"]
    modules = [path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js")]
    assert len(modules) > 10
    for module in modules:
        target = imports[f"/static/{module}"]
        assert target != f"/static/{module}"
        assert (await shop.browser().get(target)).content_type == "text/javascript"


async def test_every_import_of_every_module_exists():
    assets = Assets(STATIC)
    for path in (path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js")):
        asset = assets.at(path)
        for needed in asset.imports:
            assert needed in assets, f"{path} imports {needed}"


def test_a_modules_needs_are_found_through_all_forms_of_import(tmp_path: Path):
    (tmp_path / "js/a").mkdir(parents=True)
    (tmp_path / "js/main.js").write_text(
        "import './a/one.js';\nimport {\n  x,\n} from \"./a/two.js\";\nexport * from './a/three.js';\nconst s = 'import me';\n"
    )
    (tmp_path / "js/a/one.js").write_text(
        "import * as two from './two.js'; import three from '../a/three.js';"
    )
    (tmp_path / "js/a/two.js").write_text("import '../main.js';")
    (tmp_path / "js/a/three.js").write_text("// import './gone.js' is a comment\n")
    assets = Assets(tmp_path)
    needed = {re.sub(r"\.\w{12}\.", ".", url) for url in assets.needed_by("js/main.js")}
    assert needed == {"/static/js/a/one.js", "/static/js/a/two.js", "/static/js/a/three.js"}


def test_the_javascript_of_a_page_is_small():
    total = sum(len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.rglob("*.js"))
    assert total < 60_000, "pages.md: under 60 KB, all modules together"


# -- pictures


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_pictures_are_whole_svg_and_always_the_same(kind: str):
    for seed in ("a", "halden-35", "moon-jar", "x" * 80):
        svg = draw(kind, seed)
        root = ET.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert draw(kind, seed) == svg
        ids = {element.get("id") for element in root.iter() if element.get("id")}
        assert set(re.findall(r"url\(#(\w+)\)", svg.decode())) <= ids
        assert len(svg) < 40_000
    assert len({draw(kind, str(seed)) for seed in range(30)}) > 20, "seeds must look different"


async def test_nothing_of_a_pictures_address_gets_into_it(shop: Shop):
    answer = await shop.browser().get(
        "/media/generated/%3Cscript%3E/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E.svg"
    )
    assert answer.status in {200, 404}
    assert b"alert" not in await answer.read()
    assert (await shop.browser().get("/media/generated/camera/" + "x" * 81 + ".svg")).status == 404
    known = await shop.browser().get("/media/generated/gift/1.svg")
    assert known.content_type == "image/svg+xml"
    assert "sandbox" in known.headers["Content-Security-Policy"]
    assert (await shop.browser().get("/media/generated/1.svg")).status == 200


# -- health


async def test_health_tells_alive_and_ready(shop: Shop):
    assert await (await shop.browser().get("/healthz")).json() == {"status": "ok"}
    ready = await shop.browser().get("/readyz")
    assert (ready.status, (await ready.json())["database"]) == (200, "ok")


async def test_a_server_without_its_database_is_alive_but_not_ready(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: object) -> None:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(type(shop.services.pool), "fetchval", away)
    monkeypatch.setattr(type(shop.services.pool), "fetch", away)
    assert (await shop.browser().get("/healthz")).status == 200
    assert (await shop.browser().get("/readyz")).status == 503
    page = await shop.browser().get("/")
    assert page.status == 503
    assert page.content_type == "text/html"
    assert page.headers["Retry-After"]
    api = await shop.browser().get("/api/v1/livestreams")
    assert (await api.json(content_type=None))["code"] == "unavailable"


async def test_a_stopping_server_is_not_ready(services):
    import msgspec

    stopping = asyncio.Event()
    app = build_app(msgspec.structs.replace(services, draining=stopping.is_set))
    async with TestClient(TestServer(app)) as browser:
        assert (await browser.get("/readyz")).status == 200
        stopping.set()
        assert (await browser.get("/readyz")).status == 503


async def test_an_accident_is_told_without_its_details(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object, **__: object) -> None:
        raise asyncpg.UndefinedTableError("relation secret_table does not exist")

    monkeypatch.setattr(type(shop.services.shows), "list", broken)
    page = await shop.browser().get("/")
    assert page.status == 500
    assert "secret_table" not in await page.text()
    assert page.headers["X-Request-Id"] in await page.text()
    api = await shop.browser().get("/api/v1/livestreams")
    assert "secret_table" not in await api.text()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer tests-may-look"}, 200),
        ({"Authorization": "tests-may-look"}, 401),
    ],
)
async def test_metrics_with_a_token(shop: Shop, headers: dict[str, str], status: int):
    answer = await shop.browser().get("/metrics", headers=headers)
    assert answer.status == status
    assert (b"liveserver_http_request_seconds" in await answer.read()) == (status == 200)


async def test_metrics_without_a_token_are_for_this_machine_and_not_for_who_comes_through_its_proxy(
    with_settings,
):
    async with TestClient(TestServer(build_app(with_settings(metrics_token="")))) as browser:
        assert (await browser.get("/metrics")).status == 200
        assert (await browser.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})).status == 403


async def test_metrics_name_routes_and_not_ids(shop: Shop):
    await shop.browser().get("/shows/show_one")
    text = await (
        await shop.browser().get("/metrics", headers={"Authorization": "Bearer tests-may-look"})
    ).text()
    assert 'route="/shows/{id}",status="4xx"' in text
    assert "show_one" not in text


# -- addresses and rates


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ((), "9.9.9.9", "1.1.1.1", "9.9.9.9"),
        (("10.0.0.0/8",), "9.9.9.9", "1.1.1.1", "9.9.9.9"),
        (("10.0.0.0/8",), "10.0.0.1", "1.1.1.1", "1.1.1.1"),
        (("10.0.0.0/8",), "10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (("10.0.0.0/8",), "10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"),
        (("10.0.0.0/8",), "10.0.0.1", "", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", "nonsense", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        (("::1",), "::1", "2001:db8::7", "2001:db8::7"),
        (("10.0.0.0/8",), "", "1.1.1.1", ""),
    ],
)
def test_only_trusted_proxies_are_believed(trusted: tuple[str, ...], peer: str, forwarded: str, client: str):
    assert Proxies(trusted).client(peer, forwarded) == client


async def test_an_address_that_asks_too_often_is_told_to_wait(with_settings):
    async with TestClient(TestServer(build_app(with_settings(requests_per_s=1)))) as browser:
        statuses = [(await browser.get("/api/v1/categories")).status for _ in range(8)]
        assert statuses[:4] == [200] * 4
        assert statuses[-1] == 429
        forged = await browser.get("/api/v1/categories", headers={"X-Forwarded-For": "1.2.3.4"})
        assert forged.status == 429
        assert int(forged.headers["Retry-After"]) >= 1
        assert (await browser.get("/static/css/site.css")).status == 200


def test_rates_remember_a_bounded_number_of_addresses():
    clock = VirtualClock()
    rates = AddressRates(1, clock)
    for number in range(ADDRESSES_MAX + 10):
        rates.take(str(number))
    assert len(rates._buckets) == ADDRESSES_MAX
    assert "0" not in rates._buckets
    clock.advance(10_000)
    assert rates.take("0") == 0


# -- texts


@pytest.mark.parametrize(
    ("accept", "locale"),
    [("", "en_US"), ("en", "en_US"), ("en-GB,en;q=0.9", "en_GB"), ("de-DE", "en_DE"), ("fr-CH, fr;q=0.9", "en_CH"), ("en-IN", "en_IN"),
     ("zh-Hant-TW", "en_US"), ("xx-YY", "en_US"), ("*", "en_US"), ("../../etc/passwd", "en_US"), ("en-" + "A" * 5_000, "en_US")],
)  # fmt: skip
def test_pages_are_english_of_the_readers_region(accept: str, locale: str):
    assert texts.locale_for(accept) == locale


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [(1_250, "USD", "en_US", "$12.50"), (1_200, "USD", "en_US", "$12"), (0, "USD", "en_US", "$0"), (500, "JPY", "en_US", "¥500"),
     (12_345_600, "INR", "en_IN", "₹123,456"[:1] + "1,23,456"), (1_250, "KWD", "en_US", "KWD\u00a01.250"), (10**12, "USD", "en_US", "$10,000,000,000"),
     (None, "USD", "en_US", "")],
)  # fmt: skip
def test_amounts(amount: int | None, currency: str, locale: str, text: str):
    assert texts.money(amount, currency, locale) == text


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/me", "/me"),
        ("/a?b=c#d", "/a?b=c#d"),
        ("//evil", "/"),
        ("/\\evil", "/"),
        ("https://evil", "/"),
        ("me", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/" + "x" * 500, "/"),
    ],
)
def test_paths_stay_on_this_site(given: str, path: str):
    assert safe_path(given) == path


def test_the_catalogue_holds_the_texts_of_templates_and_handlers():
    from storefront.web.catalogue import collected

    ids = {message.id for message in collected() if message.id}
    assert {"Skip to content", "Nothing here", ("%(n)s lot", "%(n)s lots")} <= ids
    assert len(ids) > 100

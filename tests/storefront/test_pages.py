"""Pages: everybody sees what is theirs to see, nothing on them runs inline, and what people wrote stays text."""

import json
import re
from html.parser import HTMLParser

import pytest

from liveserver.shows.model import Show
from tests.support.storefront import Person, Shop

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}"


class Elements(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def named(self, *tags: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.elements if tag in tags]


class World:
    """A host with a live show, another host, a moderator, a viewer, an admin, a guest."""

    def __init__(self, shop: Shop, people: dict[str, Person], show: Show, product: str, lot: str) -> None:
        self.shop, self.people, self.show, self.product, self.lot = shop, people, show, product, lot

    async def get(self, who: str, path: str):
        browser = self.people[who].browser if who != "guest" else self.shop.browser()
        filled = path.format(show=self.show.id, product=self.product, lot=self.lot)
        return await browser.get(filled, allow_redirects=False)


@pytest.fixture
async def world(shop: Shop) -> World:
    host = await shop.person("Hanna", "host")
    people = {
        "host": host,
        "other host": await shop.person("Hugo", "host"),
        "moderator": await shop.person("Mo"),
        "viewer": await shop.person("Vera"),
        "admin": await shop.person("Ada", "admin"),
    }
    show = await shop.live_show(host)
    await shop.services.shows.add_moderator(host.identity, show.id, people["moderator"].account.id)
    product = await shop.product(host)
    lot = await shop.lot(host, show, reserve=5_000)
    return World(shop, people, show, product.id, lot.id)


ALL = ("guest", "viewer", "moderator", "other host", "host", "admin")
TO_SIGN_IN = 303
MATRIX: dict[str, tuple[int, ...]] = {
    #                              guest  viewer moder. other  host   admin
    "/": (200, 200, 200, 200, 200, 200),
    "/shows/{show}": (200, 200, 200, 200, 200, 200),
    "/shows/{show}/host": (303, 403, 200, 403, 200, 200),
    "/products/{product}": (200, 200, 200, 200, 200, 200),
    "/sign-in": (200, 303, 303, 303, 303, 303),
    "/register": (200, 303, 303, 303, 303, 303),
    "/me": (303, 200, 200, 200, 200, 200),
    "/studio": (303, 403, 403, 200, 200, 200),
    "/studio/shows/{show}": (303, 403, 403, 404, 200, 200),
    "/docs": (200, 200, 200, 200, 200, 200),
    "/shows/show_unknown": (404, 404, 404, 404, 404, 404),
    "/products/prod_unknown": (404, 404, 404, 404, 404, 404),
    "/nowhere": (404, 404, 404, 404, 404, 404),
}


async def test_every_page_for_every_role(world: World):
    found = {path: tuple([(await world.get(who, path)).status for who in ALL]) for path in MATRIX}
    assert found == MATRIX


PAGES = [path for path in MATRIX if path != "/nowhere"]


@pytest.mark.parametrize("who", ["guest", "host"])
async def test_nothing_on_any_page_is_inline_without_the_nonce(world: World, who: str):
    looked_at = 0
    for path in [*PAGES, "/nowhere", "/studio/shows/{show}?lot={lot}"]:
        answer = await world.get(who, path)
        if answer.status == TO_SIGN_IN:
            continue
        policy, page = answer.headers["Content-Security-Policy"], Elements(await answer.text())
        (nonce,) = re.findall(r"script-src 'self' 'nonce-([\w-]{20,})'", policy)
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        for script in page.named("script", "style"):
            assert script.get("nonce") == nonce, (path, script)
        for tag, attrs in page.elements:
            assert not [name for name in attrs if name.startswith("on") or name == "style"], (
                path,
                tag,
                attrs,
            )
            assert not any(value.strip().lower().startswith("javascript:") for value in attrs.values()), (
                path,
                attrs,
            )
        for form in page.named("form"):
            assert form.get("action", "").startswith(("/", "")), (path, form)
        looked_at += 1
    assert looked_at >= 6


async def test_each_answer_has_a_nonce_of_its_own(world: World):
    policies = {(await world.get("guest", "/")).headers["Content-Security-Policy"] for _ in range(5)}
    assert len(policies) == 5


async def test_only_the_show_page_may_be_framed_and_only_by_those_named(world: World, with_settings):
    from aiohttp.test_utils import TestClient, TestServer

    from storefront.app import build_app

    for path in ("/", "/shows/{show}", "/sign-in"):
        answer = await world.get("guest", path)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
    app = build_app(with_settings(frame_ancestors=("https://shop.example",)))
    async with TestClient(TestServer(app)) as browser:
        show = await browser.get(f"/shows/{world.show.id}")
        assert "frame-ancestors 'self' https://shop.example" in show.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in show.headers
        assert "frame-ancestors 'none'" in (await browser.get("/sign-in")).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/static/css/site.css",
        "/healthz",
        "/api/v1/livestreams",
        "/nowhere",
        "/openapi.json",
        "/media/generated/camera/1.svg",
    ],
)
async def test_security_headers_are_everywhere(shop: Shop, path: str):
    headers = (await shop.browser().get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert headers["Content-Security-Policy"]
    assert headers["Server"] == "liveserver"
    assert "Strict-Transport-Security" not in headers


async def test_what_people_wrote_stays_text(shop: Shop):
    host = await shop.person("Hanna", "host")
    show = await shop.live_show(host, "Tonight")
    await shop.services.pool.execute(
        "UPDATE shows SET title = $1, description = $1, host_name = left($1, 60)", HOSTILE
    )
    product = await shop.product(host, "Halden", description=HOSTILE)
    await shop.services.pool.execute("UPDATE products SET title = $1", HOSTILE)
    await shop.lot(host, show)
    await shop.services.pool.execute("UPDATE queued_lots SET title = $1", HOSTILE)
    paths = [
        "/",
        f"/shows/{show.id}",
        f"/shows/{show.id}/host",
        f"/products/{product.id}",
        "/me",
        "/studio",
        f"/studio/shows/{show.id}",
    ]
    for path in paths:
        text = await (await host.browser.get(path)).text()
        page = Elements(text)
        assert not [attrs for attrs in page.named("img") if attrs.get("src") == "x"], path
        assert not [attrs for attrs in page.named("script") if "nonce" not in attrs], path
        assert "49" not in re.findall(r"&amp;(\d+)", text), path


async def test_the_data_of_the_show_page_cant_end_its_element(shop: Shop):
    host = await shop.person("Hanna", "host")
    show = await shop.live_show(host)
    await shop.services.pool.execute("UPDATE shows SET title = $1", HOSTILE)
    text = await (await host.browser.get(f"/shows/{show.id}")).text()
    (data,) = re.findall(r'<script type="application/json" id="boot"[^>]*>(.*?)</script>', text, re.DOTALL)
    boot = json.loads(data)
    assert boot["title"] == HOSTILE
    assert boot["socket"] == "/ws"
    assert boot["room"]["snapshot"]["show"]["status"] == "live"
    assert boot["room"]["seq"] >= 1


async def test_no_page_holds_the_sessions_token(world: World):
    host = world.people["host"]
    for path in PAGES:
        assert host.token not in await (await world.get("host", path)).text(), path


async def test_pages_of_a_live_show_render_when_its_room_cant_be_opened(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    from liveserver.rooms.hub import RoomUnavailable

    host = await shop.person("Hanna", "host")
    show = await shop.live_show(host)

    async def closed(show: str):
        raise RoomUnavailable("storage is away")

    monkeypatch.setattr(shop.services.hub, "open", closed)
    answer = await shop.browser().get(f"/shows/{show.id}")
    assert answer.status == 200
    assert '"room":null' in await answer.text()
    assert (await shop.browser().get("/")).status == 200


async def test_pages_are_compressed_when_that_helps_and_the_browser_can(shop: Shop):
    async with shop.browser() as browser:
        plain = await browser.get("/", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        small = await browser.get("/", headers={"Accept-Encoding": "gzip"})
        assert small.headers["Content-Encoding"] == "gzip"
        assert int(small.headers["Content-Length"]) < len(await plain.read()) / 2
        assert (await small.text()).startswith("<!doctype html>")
        refused = await browser.get("/", headers={"Accept-Encoding": "gzip;q=0"})
        assert "Content-Encoding" not in refused.headers


async def test_amounts_are_written_as_in_the_readers_region(shop: Shop):
    host = await shop.person("Hanna", "host")
    product = await shop.product(host)
    path = f"/products/{product.id}"
    assert "$99" in await (await shop.browser().get(path, headers={"Accept-Language": "en-US"})).text()
    assert "US$99" in await (await shop.browser().get(path, headers={"Accept-Language": "en-GB"})).text()
    assert "99 US$" in (
        await (await shop.browser().get(path, headers={"Accept-Language": "de-DE"})).text()
    ).replace("\u00a0", " ")

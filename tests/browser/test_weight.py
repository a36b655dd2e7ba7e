"""What pages cost: nothing moves when prices tick, and scripts stay small."""

import pytest
from playwright.async_api import expect

from liveserver.client import BidPlaced, LiveClient
from tests.browser.conftest import Open
from tests.support.browser import DESK, PHONE
from tests.support.house import House
from tests.support.pages import build_world
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")
SERVER = {"LIVESERVER_BIDS_PER_S": "0"}

BIDS = 20
SCRIPT_BYTES_MAX = 60_000


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_nothing_shifts_while_prices_tick(
    size: dict[str, int], house: House, hana: Person, open_window: Open
) -> None:
    world = await build_world(house, hana)
    ana, bo = await house.person("Ana"), await house.person("Bartholomew the Second")
    window = await open_window(viewport=size, reduced_motion="no-preference")
    await window.go(f"/shows/{world.show}")
    async with (
        LiveClient(house.server.socket_url, ana.token) as one,
        LiveClient(house.server.socket_url, bo.token) as other,
    ):
        rooms = [await one.join(world.show), await other.join(world.show)]
        # From no leader to the first one is a new line, once; from then on all is in its place.
        assert isinstance(await rooms[1].bid(world.lot, 2_000), BidPlaced)
        await expect(window.at("#state")).to_have_text("Bartholomew the Second leads")
        await expect(window.at("#viewers")).to_have_text("3")
        await window.page.evaluate(
            """async () => {
              await document.fonts.ready;
              await Promise.all([...document.images].filter((one) => one.src).map((one) => one.decode().catch(() => undefined)));
              globalThis.__shifts = [];
              new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) __shifts.push([entry.value, entry.sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]);
              }).observe({ type: "layout-shift" });
            }"""
        )
        # Nine dollars to thousands: the price grows by digits and by a comma.
        amount = 2_100
        for number in range(BIDS):
            amount = round(amount * 1.25 / 100) * 100 + 100
            placed = await rooms[number % 2].bid(world.lot, amount, confirm=True)
            assert isinstance(placed, BidPlaced), placed
            await expect(window.at("#lot-facts")).to_contain_text(f"{number + 2} bids")
        await expect(window.at("#price")).to_contain_text(",")
    await window.page.evaluate("new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))")
    shifts = await window.page.evaluate("__shifts")
    assert shifts == [], shifts


@pytest.mark.parametrize("path", ["/", "/shows/{show}", "/shows/{show}/host"])
async def test_scripts_stay_small(path: str, house: House, hana: Person, open_window: Open) -> None:
    world = await build_world(house, hana)
    window = await open_window(hana)
    await window.go(world.at(path))
    await window.page.wait_for_load_state("networkidle")
    scripts: dict[str, list[int]] = await window.page.evaluate(
        """() => Object.fromEntries(performance.getEntriesByType("resource")
          .filter((one) => new URL(one.name).pathname.endsWith(".js"))
          .map((one) => [one.name, [one.encodedBodySize, one.decodedBodySize]]))"""
    )
    assert all(0 < sent <= whole for sent, whole in scripts.values()), scripts
    total = sum(sent for sent, _ in scripts.values())
    print({"path": path, "scripts": len(scripts), "bytes sent": total})  # noqa: T201 - the figure, for who runs it with -s
    assert len(scripts) > 3
    assert total < SCRIPT_BYTES_MAX
    foreign = [one for one in scripts if not one.startswith(house.origin)]
    assert foreign == []

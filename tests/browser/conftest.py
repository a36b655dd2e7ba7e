"""Fixtures of the browser tests: one Chromium a process, one server a module, windows that must stay without trouble.

All of them live on one loop for the whole run: a browser can't change loops.
"""

import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.attach import reachable
from tests.support import folders
from tests.support.browser import WAIT_MS, Window, launch
from tests.support.house import SETTINGS, House, register, token_of
from tests.support.server import Person, Server

_failed = pytest.StashKey[bool]()


class Open(Protocol):
    """Opens a window, signed in as somebody or not."""

    def __call__(
        self, person: Person | None = None, *, origin: str = "", **options: Any
    ) -> Awaitable[Window]: ...


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Lets the windows know, before they close, whether their test failed."""
    report: pytest.TestReport = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests of the process; each window is a context of its own."""
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A real `liveserver serve` with engines of its own, shared by a module's tests. `SERVER` in the module adds settings."""
    more = getattr(request.module, "SERVER", {})
    with folders.data_dirs() as new_data_dir:
        async with Server(new_data_dir(), {**SETTINGS, **more}) as server:
            yield House(server)
            assert "Traceback" not in server.said, server.said[-4000:]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(house: House) -> AsyncIterator[Pool]:
    """The database of the module's server."""
    async with reachable(house.server.data_dir) as engines:
        pool = await open_pool(engines.database_url, application="test")
        yield pool
        pool.terminate()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hana(chromium: Browser, house: House) -> Person:
    """A host, who became one by ticking the box of the registration page."""
    window = await Window.open(chromium, house.origin)
    await window.go("/register")
    await register(window, "Hana", sells=True)
    token = await token_of(window)
    await window.context.close()
    me = await house.me(token)
    return Person(me["id"], me["name"], token)


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(request: pytest.FixtureRequest, chromium: Browser, house: House) -> AsyncIterator[Open]:
    """Opens windows; at the end none of them may have had troubles. A failed test leaves pictures of them."""
    windows: list[Window] = []

    async def open_one(person: Person | None = None, *, origin: str = "", **options: Any) -> Window:
        window = await Window.open(chromium, origin or house.origin, **options)
        windows.append(window)
        if person is not None:
            await window.keep_session(person.token)
        return window

    yield open_one
    troubles = {i: one.unforgiven for i, one in enumerate(windows) if one.unforgiven}
    if request.node.stash.get(_failed, False) or troubles:
        await _take_pictures(request.node.name, windows)
    for window in windows:
        await window.context.close()
    assert troubles == {}, "a page did what it should not"


async def _take_pictures(test: str, windows: list[Window]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="liveserver-pictures-"))
    for number, window in enumerate(windows, 1):
        path = folder / f"{re.sub(r'[^a-z0-9]+', '-', test)}-{number}.png"
        await window.page.screenshot(path=path)
        print(f"window {number} at {window.page.url}: {path}")  # noqa: T201 - pytest shows it with the failure

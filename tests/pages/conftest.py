"""Runs the pages' modules by themselves in Chromium: static files come from the checkout, no server, no network."""

import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, Route, async_playwright

from tests.support.browser import launch

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "http" / "storefront" / "static"
CHECKS = Path(__file__).resolve().parent / "checks"
ORIGIN = "http://pages.test"


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def page() -> AsyncIterator[Page]:
    """An empty page at whose address the static files stand, and the checks under /checks/."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await browser.new_page(locale="en-US")
        await page.route("**/*", _serve)
        await page.goto(f"{ORIGIN}/")
        yield page
        await browser.close()


async def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN).lstrip("/")
    if not path:
        await route.fulfill(content_type="text/html", body="<!doctype html><title>checks</title>")
        return
    folder, _, rest = path.partition("/")
    file = {"static": STATIC, "checks": CHECKS}[folder] / rest
    kind = mimetypes.guess_type(file.name)[0] or "text/javascript"
    await route.fulfill(content_type=kind, body=file.read_bytes())

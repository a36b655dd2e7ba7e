"""Real Chromium for tests: finding it, and windows that remember everything a page should not have done.

A window is one person's browser with cookies of its own. It judges nothing about the pages' words; the tests do.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHOUT = (
    # The address bar's popups: pages of the browser's own that every window starts, for more processor time than our page takes.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # As Playwright asks for; Chromium only listens to the last list that it is given.
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
FLAGS = (
    f"--disable-features={','.join(WITHOUT)}",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
WAIT_MS = 15_000
"""Longest wait for anything on a page: two busy cores run two servers and two browsers."""
NO_CHROMIUM = """No Chromium for the browser tests. Run one of these, then the tests again:
    scripts/ensure-chromium.sh
    apt-get install chromium                        (Debian, as root)
    .venv/bin/playwright install --with-deps chromium"""

_WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`csp: ${event.violatedDirective} refuses ${event.blockedURI} ${event.sample}`);
});
"""


def chromium_path(playwright: Playwright) -> str:
    """The installed Chromium. Raises AssertionError that says what to run: browser tests are never skipped."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    own = playwright.chromium.executable_path
    if not found and Path(own).exists():
        found = [own]
    assert found, NO_CHROMIUM
    return found[0]


async def launch(playwright: Playwright) -> Browser:
    """A browser without windows."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return await playwright.chromium.launch(
        executable_path=chromium_path(playwright), args=[*FLAGS, *root], headless=True
    )


class Window:
    """One person's browser window, and what went wrong in it."""

    def __init__(self, origin: str, context: BrowserContext, page: Page) -> None:
        self.origin = origin
        self.context = context
        self.page = page
        self.troubles: list[str] = []
        """Errors and warnings on the console, exceptions nobody caught, dialogs, breaches of the CSP."""
        self.heard: list[str] = []
        """What arrived on the page's WebSockets."""
        self._forgiven: list[re.Pattern[str]] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))
        page.on("dialog", self._asked)
        page.on("websocket", lambda socket: socket.on("framereceived", self._hear))

    @classmethod
    async def open(
        cls, browser: Browser, origin: str, viewport: dict[str, int] | None = None, **options: Any
    ) -> "Window":
        size = viewport or DESK
        mobile = size["width"] < 600
        # Without a graphics card every moving frame of a blurred stage costs a test machine's processor dearly, so
        # motion is what a test asks for (reduced_motion="no-preference").
        options = {"reduced_motion": "reduce", **options}
        context = await browser.new_context(
            base_url=origin, viewport=size, is_mobile=mobile, has_touch=mobile, locale="en-US", **options
        )
        context.set_default_timeout(WAIT_MS)
        await context.add_init_script(_WATCH)
        return cls(origin, context, await context.new_page())

    def forgive(self, pattern: str) -> None:
        """A trouble that this test causes on purpose."""
        self._forgiven.append(re.compile(pattern))

    @property
    def unforgiven(self) -> Sequence[str]:
        return [one for one in self.troubles if not any(pattern.search(one) for pattern in self._forgiven)]

    def at(self, selector: str) -> Locator:
        return self.page.locator(selector)

    async def go(self, path: str) -> None:
        answer = await self.page.goto(path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    async def keep_session(self, token: str) -> None:
        """Signs in the way the sign-in page does in the end: by the session's cookie."""
        await self.context.add_cookies([{"name": "liveserver", "value": token, "url": self.origin}])

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{message.type}: {message.text}")

    async def _asked(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _hear(self, frame: str | bytes) -> None:
        self.heard.append(frame if isinstance(frame, str) else frame.decode())

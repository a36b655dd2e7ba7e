"""The modules' own checks, run where they will run: in a browser."""

import pytest
from playwright.async_api import Page

from tests.pages.conftest import CHECKS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("pages")]

FILES = sorted(file.stem for file in CHECKS.glob("*.js") if file.stem != "check")


@pytest.mark.parametrize("name", FILES)
async def test_every_check_of_the_module_holds(page: Page, name: str):
    ran, failures = await page.evaluate(
        """async (name) => {
          const { checks } = await import(`/checks/${name}.js`);
          const { run } = await import("/checks/check.js");
          return [Object.keys(checks).length, await run(checks)];
        }""",
        name,
    )
    assert failures == []
    assert ran > 0

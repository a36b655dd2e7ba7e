"""The whole way, with the pages' own controls: a lot is won, paid, seen live by its seller, shipped, delivered, partly refunded.

In the end the ledger balances to the cent, and the receipt opens as PDF.
"""

import re
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
import pytest_asyncio
from playwright.async_api import expect
from pypdf import PdfReader

from liveserver.infra.database import Pool, open_pool
from liveserver.infra.engines.attach import reachable
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import store
from tests.browser.conftest import Open
from tests.support.browser import PHONE
from tests.support.house import House
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(house: House) -> AsyncIterator[Pool]:
    async with reachable(house.server.data_dir) as engines:
        pool = await open_pool(engines.database_url, application="test")
        yield pool
        pool.terminate()


async def test_from_the_hammer_to_the_bank(house: House, hana: Person, pool: Pool, open_window: Open) -> None:
    show = await house.show(hana, "Cameras to be paid for")
    await house.lot(hana, show, "Leica M3", 5_000, duration_ms=8_000, window_ms=0)
    ana = await house.person("Ana")
    console, shop = await open_window(hana), await open_window(hana)
    phone = await open_window(ana, viewport=PHONE)
    await console.go(f"/shows/{show}/host")
    await phone.go(f"/shows/{show}")
    await shop.go("/studio/orders")
    await console.page.get_by_role("button", name="Start the show").click()
    await expect(console.at("#do-next")).to_have_attribute("aria-disabled", "false")
    await console.page.keyboard.press(" ")

    # Won.
    await phone.page.get_by_role("button", name="Bid $50").tap()
    await expect(phone.at("#state")).to_have_text("You're winning")
    await expect(phone.at("#due-title")).to_have_text("Leica M3", timeout=30_000)
    await expect(console.at("#earned")).to_have_text("$50")
    await expect(console.at("#paid")).to_have_text("$0")
    order = re.sub(".*/", "", await phone.at("#due-pay").get_attribute("href") or "")
    row = shop.page.locator(f'[data-order="{order}"]')
    await expect(row).to_contain_text("Waiting for payment")

    # Paid, on the phone; both of the seller's pages see it by themselves.
    await phone.at("#due-pay").tap()
    page = phone.page
    for label, text in (("Name", "Ana"), ("Street and number", "Gasse 1"), ("City", "Bern")):
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_label("Country", exact=True).select_option("CH")
    await page.get_by_role("button", name="Go on to the payment").tap()
    await page.get_by_role("radio", name="Pays", exact=True).check()
    await page.get_by_role("button", name="Pay $50").tap()
    await expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    await expect(console.at("#paid")).to_have_text("$50")
    await expect(row).to_contain_text("To ship")

    # Shipped, delivered, a part given back.
    await row.get_by_role("link").first.click()
    desk = shop.page
    await desk.get_by_role("button", name="Mark as shipped").click()
    await desk.get_by_role("button", name="Mark as delivered").click()
    await expect(desk.locator(".timeline")).to_contain_text("Delivered")
    await desk.locator("summary", has_text="Refund").click()
    await desk.get_by_label("Amount in USD").fill("20")
    await desk.get_by_label("Reason, for the buyer").fill("A scratch")
    await desk.get_by_role("button", name="Give it back").click()
    await expect(desk.locator(".refunds")).to_contain_text("A scratch")
    await phone.go(f"/orders/{order}")
    await expect(page.locator(".timeline")).to_contain_text("Refund sent")

    # The receipt, and the books: 8 % and 2.9 % + 0.30 of 50.00, and 8 % of what went back returned.
    receipt = await phone.context.request.get(f"{house.origin}/orders/{order}/receipt.pdf")
    text = PdfReader(BytesIO(await receipt.body())).pages[0].extract_text()
    assert "Leica M3" in text
    assert "TEST" in text
    found = await store.find(pool, order)
    assert found is not None
    assert (found.total, found.commission, found.processing, found.refunded.total) == (5_000, 400, 175, 2_000)
    assert await ledger.balance(pool, Account.ESCROW, order, "USD") == 0
    assert (
        await ledger.balance(pool, Account.SELLER_PAYABLE, hana.id, "USD") == 5_000 - 400 - 175 - 2_000 + 160
    )
    assert await ledger.balances_apart(pool) == []
    assert [sum(accounts.values()) for accounts in (await ledger.trial_balance(pool)).values()] == [0]

"""A lot's sale by the pages' own controls, step by step: won, addressed, seen as paid, shipped, partly refunded; then the books.

How it is paid is the test's own.
"""

import re
from dataclasses import dataclass
from io import BytesIO

from playwright.async_api import Locator, expect
from pypdf import PdfReader

from liveserver.infra.database import Pool
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import store
from liveserver.orders.model import Order
from tests.support.browser import Window
from tests.support.house import House
from tests.support.server import Person

TITLE = "Leica M3"
PRICE, REFUNDED = 5_000, 2_000
COMMISSION, PROCESSING, COMMISSION_BACK = 400, 175, 160
"""8 % and 2.9 % + 0.30 of 50.00, and 8 % of what went back."""


@dataclass
class Sale:
    """One lot, with its host's console and orders and its winner's phone."""

    house: House
    host: Person
    console: Window
    shop: Window
    phone: Window
    order: str = ""
    """Known once it is won."""

    @property
    def row(self) -> Locator:
        """The order in the seller's list."""
        return self.shop.page.locator(f'[data-order="{self.order}"]')

    async def won(self) -> None:
        """The show starts, the lot opens, the phone bids, the host brings the hammer down; the order waits to be paid."""
        show = await self.house.show(self.host, "Cameras to be paid for")
        await self.house.lot(self.host, show, TITLE, PRICE, duration_ms=600_000)
        await self.console.go(f"/shows/{show}/host")
        await self.phone.go(f"/shows/{show}")
        await self.shop.go("/studio/orders")
        await self.console.page.get_by_role("button", name="Start the show").click()
        await expect(self.console.at("#do-next")).to_have_attribute("aria-disabled", "false")
        await self.console.page.keyboard.press(" ")
        await self.phone.page.get_by_role("button", name="Bid $50").tap()
        await expect(self.phone.at("#state")).to_have_text("You're winning")
        await self.console.page.get_by_role("button", name="Hammer").click()
        await expect(self.phone.at("#due-title")).to_have_text(TITLE, timeout=30_000)
        await expect(self.console.at("#earned")).to_have_text("$50")
        await expect(self.console.at("#paid")).to_have_text("$0")
        self.order = re.sub(".*/", "", await self.phone.at("#due-pay").get_attribute("href") or "")
        await expect(self.row).to_contain_text("Waiting for payment")

    async def addressed(self) -> None:
        """The winner says where it goes, and is asked for the payment."""
        await self.phone.at("#due-pay").tap()
        page = self.phone.page
        for label, text in (("Name", "Ana"), ("Street and number", "Gasse 1"), ("City", "Bern")):
            await page.get_by_label(label, exact=True).fill(text)
        await page.get_by_label("Country", exact=True).select_option("CH")
        await page.get_by_role("button", name="Go on to the payment").tap()

    async def seen_as_paid(self) -> None:
        """The winner is thanked, and both of the seller's pages see it by themselves."""
        await expect(self.phone.page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
        await expect(self.console.at("#paid")).to_have_text("$50")
        await expect(self.row).to_contain_text("To ship")

    async def shipped_and_partly_refunded(self) -> None:
        """It is shipped and delivered, and a part given back, which the winner sees."""
        await self.row.get_by_role("link").first.click()
        desk = self.shop.page
        await desk.get_by_role("button", name="Mark as shipped").click()
        await desk.get_by_role("button", name="Mark as delivered").click()
        await expect(desk.locator(".timeline")).to_contain_text("Delivered")
        await desk.locator("summary", has_text="Refund").click()
        await desk.get_by_label("Amount in USD").fill("20")
        await desk.get_by_label("Reason, for the buyer").fill("A scratch")
        await desk.get_by_role("button", name="Give it back").click()
        await expect(desk.locator(".refunds")).to_contain_text("A scratch")
        await self.phone.go(f"/orders/{self.order}")
        await expect(self.phone.page.locator(".timeline")).to_contain_text("Refund sent")

    async def receipt(self) -> str:
        """The text of the receipt's first page, as the winner gets it."""
        answer = await self.phone.context.request.get(f"{self.house.origin}/orders/{self.order}/receipt.pdf")
        return PdfReader(BytesIO(await answer.body())).pages[0].extract_text()

    async def adds_up(self, pool: Pool) -> Order:
        """The order, once its figures and the whole ledger were found right to the cent."""
        found = await store.find(pool, self.order)
        assert found is not None
        figures = (found.total, found.commission, found.processing, found.refunded.total)
        assert figures == (PRICE, COMMISSION, PROCESSING, REFUNDED)
        assert await ledger.balance(pool, Account.ESCROW, self.order, "USD") == 0
        due = PRICE - COMMISSION - PROCESSING - REFUNDED + COMMISSION_BACK
        assert await ledger.balance(pool, Account.SELLER_PAYABLE, self.host.id, "USD") == due
        assert await ledger.balances_apart(pool) == []
        assert [sum(accounts.values()) for accounts in (await ledger.trial_balance(pool)).values()] == [0]
        return found

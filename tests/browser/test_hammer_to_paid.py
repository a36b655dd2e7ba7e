"""The whole way, with the pages' own controls: a lot is won, paid, seen live by its seller, shipped, delivered, partly refunded.

In the end the ledger balances to the cent, and the receipt opens as PDF.
"""

import pytest

from liveserver.infra.database import Pool
from tests.browser.conftest import Open
from tests.support.browser import PHONE
from tests.support.house import House
from tests.support.sale import TITLE, Sale
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_from_the_hammer_to_the_bank(house: House, hana: Person, pool: Pool, open_window: Open) -> None:
    phone = await open_window(await house.person("Ana"), viewport=PHONE)
    sale = Sale(house, hana, await open_window(hana), await open_window(hana), phone)
    await sale.won()
    await sale.addressed()
    await phone.page.get_by_role("radio", name="Pays", exact=True).check()
    await phone.page.get_by_role("button", name="Pay $50").tap()
    await sale.seen_as_paid()
    await sale.shipped_and_partly_refunded()
    receipt = await sale.receipt()
    assert TITLE in receipt
    assert "TEST" in receipt
    await sale.adds_up(pool)

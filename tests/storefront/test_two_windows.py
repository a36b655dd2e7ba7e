"""Two windows of one buyer: what one of them says that it costs is what it charges, or it charges nothing."""

from liveserver.orders.model import Order
from tests.checkout.stage import ROME
from tests.storefront.test_checkout import Till, ana, hana, order, page, till
from tests.support.storefront import Person

__all__ = ["ana", "hana", "order", "till"]


async def test_a_price_that_another_window_changed_is_shown_and_not_charged(
    till: Till, ana: Person, order: Order
):
    await ana.post("/me/cards", {"card": "card_pays"})
    assert 'name="total" value="5413"' in await page(ana, f"/checkout/{order.id}")
    moved = await till.paying.checkout.send_to(ana.identity, order.id, ROME)
    assert isinstance(moved, Order), moved
    answer = await ana.post(f"/checkout/{order.id}/pay", {"with": "saved", "total": "5413"})
    said = await answer.text()
    assert answer.status == 409
    assert "The price has changed since you saw it" in said
    assert 'name="total" value="5900"' in said
    assert await till.paying.checkout.look(order.id) is None, "nothing was begun"
    answer = await ana.post(f"/checkout/{order.id}/pay", {"with": "saved", "total": "5900"})
    assert answer.status == 303
    await till.settled()
    assert "Paid. Thank you!" in await page(ana, f"/checkout/{order.id}")

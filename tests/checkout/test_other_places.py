"""An order that goes elsewhere may cost something else: nobody is charged a figure that they were not shown."""

from liveserver.checkout.model import Session
from liveserver.kernel.errors import Rejected
from tests.checkout.stage import BEA, ROME, Stage


async def test_a_saved_card_is_not_charged_what_another_place_costs_unseen(stage: Stage) -> None:
    stage.cards.save(BEA.id)
    order = await stage.won()
    answer = await stage.checkout.pay(
        BEA, order.id, address=ROME, saved_card=True, expected_total=order.total
    )
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.detail["expected"], answer.detail["total"]) == ("price_changed", 5_413, 5_900)
    assert stage.provider.charged == 0
    seen = await stage.checkout.pay(BEA, order.id, saved_card=True, expected_total=5_900)
    assert isinstance(seen, Session)
    assert (stage.provider.charged, seen.order.address) == (5_900, ROME)

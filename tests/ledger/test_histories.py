"""Whatever happens to orders, in whatever order: journals balance, escrow empties, nobody is paid what is not theirs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from liveserver.ledger import rules
from liveserver.ledger.model import Rates, Refunds
from tests.ledger.histories import SELLERS, History, assert_sound


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 120))
def test_every_invariant_holds_in_random_histories(seed: int, steps: int):
    history = History(seed)
    for _ in range(steps):
        history.step()
    assert_sound(history)


@settings(max_examples=500, deadline=None)
@given(
    item=st.integers(0, 10**9),
    shipping=st.integers(0, 10**6),
    tax=st.integers(0, 10**6),
    rates=st.builds(Rates, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 1_000)),
    cuts=st.lists(st.integers(1, 10**9), max_size=8),
)
def test_refunds_in_any_pieces_give_back_exactly_all_commission(
    item: int, shipping: int, tax: int, rates: Rates, cuts: list[int]
):
    sold = rules.sale("order_1", SELLERS[0], "USD", item, shipping, tax, rates)  # pyright: ignore[reportArgumentType] - an id
    done, back = Refunds(), 0
    for cut in [*cuts, sold.total]:
        part = rules.split_refund(sold, done, min(cut, sold.total - done.total))
        if not isinstance(part, Refunds):
            break
        back += rules.commission_back(sold, done, part.item)
        done = Refunds(done.item + part.item, done.shipping + part.shipping, done.tax + part.tax)
    if sold.total:
        assert done.total == sold.total
    if item:
        assert back == sold.commission

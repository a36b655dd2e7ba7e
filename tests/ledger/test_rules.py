"""Postings as a table: the worked example to the cent, and what the figures themselves forbid."""

import pytest

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger import rules
from liveserver.ledger.model import Account, Journal, Rates, Refunds, Sale

ORDER, SELLER = OrderId("order_1"), UserId("user_seller")
EXAMPLE = rules.sale(ORDER, SELLER, "USD", item=5_000, shipping=413)


def lines(journal: Journal | Rejected | None) -> dict[str, int]:
    assert isinstance(journal, Journal), journal
    return {line.account.value: line.amount for line in journal.postings}


def test_the_worked_example_s_figures():
    assert (EXAMPLE.total, EXAMPLE.commission, EXAMPLE.processing) == (5_413, 400, 187)
    assert EXAMPLE.seller_share == 4_413


def part(amount: int, before: Refunds | None = None) -> Refunds:
    found = rules.split_refund(EXAMPLE, before or Refunds(), amount)
    assert isinstance(found, Refunds)
    return found


EVENTS = [
    ("captured", rules.captured(EXAMPLE, "ch_1"), {Account.PSP_PENDING: 5_413, Account.ESCROW: -5_413}),
    (
        "released at delivery",
        rules.released(EXAMPLE),
        {
            Account.ESCROW: 5_413,
            Account.SELLER_PAYABLE: -4_413,
            Account.COMMISSION: -400,
            Account.PROCESSING: -187,
            Account.SHIPPING_PASS_THROUGH: -413,
        },
    ),
    (
        "20.00 refunded after release",
        rules.refunded_after_release(EXAMPLE, "re_1", Refunds(), part(2_000), payable=4_413),
        {Account.SELLER_PAYABLE: 1_840, Account.COMMISSION: 160, Account.REFUND_TRANSIT: -2_000},
    ),
    (
        "fully refunded before release",
        rules.refunded_before_release(EXAMPLE, "re_1", part(5_413)),
        {Account.ESCROW: 5_413, Account.REFUND_TRANSIT: -5_413},
    ),
    (
        "dispute lost after release",
        rules.dispute_lost_after_release(
            EXAMPLE, "dp_1", Refunds(), rules.split_dispute(EXAMPLE, Refunds(), 5_413), 5_413, payable=4_413
        ),
        {
            Account.SELLER_PAYABLE: 4_413,
            Account.COMMISSION: 400,
            Account.PROCESSING: 187,
            Account.CHARGEBACK_EXPENSE: 413,
            Account.DISPUTE_SUSPENSE: -5_413,
        },
    ),
    (
        "an affiliate's 5 %",
        rules.affiliate_earned(EXAMPLE, UserId("user_aff"), 500),
        {Account.AFFILIATE_EXPENSE: 250, Account.AFFILIATE_PAYABLE: -250},
    ),
    (
        "refund after release, the seller has been paid out",
        rules.refunded_after_release(EXAMPLE, "re_1", Refunds(), part(2_000), payable=0),
        {Account.SELLER_RECEIVABLE: 1_840, Account.COMMISSION: 160, Account.REFUND_TRANSIT: -2_000},
    ),
    (
        "refund after release, part of it is still there",
        rules.refunded_after_release(EXAMPLE, "re_1", Refunds(), part(2_000), payable=840),
        {
            Account.SELLER_PAYABLE: 840,
            Account.SELLER_RECEIVABLE: 1_000,
            Account.COMMISSION: 160,
            Account.REFUND_TRANSIT: -2_000,
        },
    ),
    (
        "released after a refund",
        rules.released(EXAMPLE, part(2_000)),
        {
            Account.ESCROW: 3_413,
            Account.SELLER_PAYABLE: -2_573,
            Account.COMMISSION: -240,
            Account.PROCESSING: -187,
            Account.SHIPPING_PASS_THROUGH: -413,
        },
    ),
    (
        "new money pays old debt",
        rules.owed_settled(SELLER, "USD", "order_2", payable=500, owed=300),
        {Account.SELLER_PAYABLE: 300, Account.SELLER_RECEIVABLE: -300},
    ),
    (
        "the share goes on to the seller's account at the provider",
        rules.transferred(SELLER, "USD", "tr_1", 4_413, ORDER),
        {Account.PSP_SELLERS: 4_413, Account.PSP_PENDING: -4_413},
    ),
    (
        "a part of it comes back",
        rules.transfer_reversed(SELLER, "USD", "trr_1", 1_840, ORDER),
        {Account.PSP_PENDING: 1_840, Account.PSP_SELLERS: -1_840},
    ),
    (
        "the provider's fee",
        rules.psp_fee("ch_1", "USD", 187, ORDER),
        {Account.PSP_EXPENSE: 187, Account.PSP_PENDING: -187},
    ),
    (
        "what the provider made available",
        rules.available("txn_1", "USD", 5_226),
        {Account.PSP_AVAILABLE: 5_226, Account.PSP_PENDING: -5_226},
    ),
    (
        "what the provider took from the available for a refund",
        rules.available("txn_2", "USD", -2_000),
        {Account.PSP_AVAILABLE: -2_000, Account.PSP_PENDING: 2_000},
    ),
    (
        "our own money in our bank",
        rules.banked("po_ours", "USD", 587),
        {Account.BANK: 587, Account.PSP_AVAILABLE: -587},
    ),
    (
        "a payout is asked for",
        rules.payout_requested(SELLER, "USD", "po_1", 4_413, payable=4_413),
        {Account.SELLER_PAYABLE: 4_413, Account.PAYOUT_TRANSIT: -4_413},
    ),
    (
        "a paid payout comes back",
        rules.payout_failed(SELLER, "USD", "po_1", 4_413, was_paid=True),
        {Account.PSP_SELLERS: 4_413, Account.SELLER_PAYABLE: -4_413},
    ),
]


@pytest.mark.parametrize(("event", "journal", "expected"), EVENTS, ids=[event for event, _, _ in EVENTS])
def test_an_event_s_postings(event: str, journal: Journal, expected: dict[Account, int]):
    assert lines(journal) == {account.value: amount for account, amount in expected.items()}


@pytest.mark.parametrize(
    ("amount", "before", "expected"),
    [
        (1, Refunds(), Refunds(1, 0, 0)),
        (5_000, Refunds(), Refunds(5_000, 0, 0)),
        (5_001, Refunds(), Refunds(5_000, 1, 0)),
        (413, Refunds(5_000), Refunds(0, 413, 0)),
        (0, Refunds(), rules.OVER_REFUND),
        (-1, Refunds(), rules.OVER_REFUND),
        (5_414, Refunds(), rules.OVER_REFUND),
        (1, Refunds(5_000, 413), rules.OVER_REFUND),
    ],
)
def test_of_what_a_refund_consists(amount: int, before: Refunds, expected: Refunds | Rejected):
    assert rules.split_refund(EXAMPLE, before, amount) == expected


@pytest.mark.parametrize(("amount", "payable"), [(0, 100), (-1, 100), (101, 100), (1, 0)])
def test_no_more_is_paid_out_than_there_is(amount: int, payable: int):
    assert rules.payout_requested(SELLER, "USD", "po_1", amount, payable) == rules.OVER_PAYOUT


@pytest.mark.parametrize(
    ("item", "shipping", "rates", "commission", "processing"),
    [
        (10, 0, Rates(), 1, 9),  # fees never exceed the goods
        (0, 500, Rates(), 0, 0),  # a free thing with postage
        (1_000_000_000_000, 0, Rates(), 80_000_000_000, 29_000_000_030),
        (999, 1, Rates(0, 0, 0), 0, 0),
        (50, 0, Rates(500, 0, 0), 3, 0),  # half a cent upwards
    ],
)
def test_fees_of_odd_sales(item: int, shipping: int, rates: Rates, commission: int, processing: int):
    sold: Sale = rules.sale(ORDER, SELLER, "JPY", item, shipping, rates=rates)
    assert (sold.commission, sold.processing) == (commission, processing)
    assert sold.seller_share >= 0

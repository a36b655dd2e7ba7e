"""The Stripe adapter where answers are lost, signatures are wrong, and objects are as Stripe publishes them."""

from collections.abc import AsyncIterator

import pytest
import stripe

from liveserver.payments.port import BadSignature, OutcomeUnknown, PaymentRequest, ProviderRefuses
from liveserver.payments.stripe import asking, shapes
from liveserver.payments.stripe.amounts import from_stripe, to_stripe
from liveserver.payments.stripe.provider import StripeProvider
from tests.doubles.stripe.objects import fixtures
from tests.doubles.stripe.server import Fault, StripeDouble
from tests.support import payments

REQUEST = PaymentRequest(order="ord_1", attempt=1, amount=5_413, currency="USD", description="Lamp")


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as double:
        yield double


@pytest.fixture
async def provider(double: StripeDouble) -> AsyncIterator[StripeProvider]:
    provider = payments.before(double)
    yield provider
    await provider.aclose()


@pytest.mark.parametrize("fault", ["500 before", "cut before", "cut after", "429", "slow"])
async def test_without_an_answer_the_same_call_again_makes_no_second_payment(
    double: StripeDouble, provider: StripeProvider, fault: Fault, monkeypatch: pytest.MonkeyPatch
):
    """Stripe invites its library to try again by itself; whoever holds the key decides that here."""
    monkeypatch.setattr(asking, "ANSWER_MAX_S", 0.5)
    double.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        await provider.pay(REQUEST, "pi:1")
    assert double.asked["POST payment_intents"] == 1, "the library does not repeat by itself"
    payment = await provider.pay(REQUEST, "pi:1")
    assert [each.id for each in await provider.search_payments("ord_1")] == [payment.id]


async def test_a_question_without_an_answer_is_no_absence_and_is_not_repeated(
    double: StripeDouble, provider: StripeProvider
):
    payment = await provider.pay(REQUEST, "pi:1")
    questions = (
        lambda: provider.find_payment(payment.id),
        lambda: provider.find_refund("re_none"),
        lambda: provider.find_transfer("tr_none"),
        lambda: provider.find_payout("acct_none", "po_none"),
        lambda: provider.search_payments("ord_1"),
    )
    for ask in questions:
        double.asked.clear()
        double.read_faults.append("500")
        with pytest.raises(OutcomeUnknown):
            await ask()
        assert double.asked.total() == 1
        await ask()


async def test_while_stripe_is_away_nothing_is_concluded(double: StripeDouble, provider: StripeProvider):
    double.away = True
    with pytest.raises(OutcomeUnknown):
        await provider.refund("ch_none", 1, "USD", "re_1", "ref:1")
    with pytest.raises(OutcomeUnknown):
        await provider.forget_card("pm_none")
    assert double.asked.total() == 2


async def test_a_stored_failure_is_answered_again_and_the_payment_can_be_searched(
    double: StripeDouble, provider: StripeProvider
):
    double.faults.append("500 after")
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await provider.pay(REQUEST, "pi:1")
    assert len(await provider.search_payments("ord_1")) == 1


async def test_a_wrong_key_is_no_unknown_outcome(double: StripeDouble, provider: StripeProvider):
    with pytest.raises(ProviderRefuses):
        await provider.refund("ch_none", 1, "USD", "re_1", "ref:1")


async def test_only_stripe_s_own_recent_signature_counts(double: StripeDouble, provider: StripeProvider):
    await provider.pay(REQUEST, "pi:1")
    event = double.events[0]
    body, signature = double.signed(event)
    told = provider.event(body, signature)
    assert (told.type, told.object) == ("payment_intent.created", event["data"]["object"]["id"])
    for bad in (
        (body, ""),
        (body, "t=1,v1=00"),
        (body + b" ", signature),
        double.signed(event, secret="whsec_other"),
        double.signed(event, age_s=301),
    ):
        with pytest.raises(BadSignature):
            provider.event(*bad)
    unset = StripeProvider("sk_test_double", "", "", double.url)
    with pytest.raises(BadSignature):
        unset.event(body, signature)


@pytest.mark.parametrize(
    ("status", "inquiry", "view", "taken"),
    [
        ("needs_response", False, "open", 5_413),
        ("won", False, "won", 5_413),
        ("lost", False, "lost", 5_413),
        ("warning_needs_response", True, "open", 0),
        ("warning_closed", True, "won", 0),
    ],
)
async def test_a_dispute_takes_what_the_bank_took(
    double: StripeDouble, provider: StripeProvider, status: str, inquiry: bool, view: str, taken: int
):
    begun = await provider.pay(REQUEST, "pi:1")
    double.confirm(begun.id, "card_pays")
    dispute = double.dispute(begun.id, inquiry=inquiry)
    dispute["status"] = status
    found = await provider.find_dispute(dispute["id"])
    assert found is not None
    assert (found.status, found.amount, found.fee) == (view, taken, 1_500 if taken else 0)


AMOUNTS = [
    ("USD", 1_234, 1_234),
    ("JPY", 1_234, 1_234),
    ("KWD", 1_230, 1_230),
    ("ISK", 1_234, 123_400),
    ("UGX", 5, 500),
    ("MGA", 1_200, 12),
]


@pytest.mark.parametrize(("currency", "ours", "theirs"), AMOUNTS)
def test_amounts_are_counted_as_stripe_counts_them(currency: str, ours: int, theirs: int):
    assert to_stripe(ours, currency) == theirs
    assert from_stripe(theirs, currency) == ours


@pytest.mark.parametrize(("currency", "amount"), [("KWD", 1_234), ("MGA", 1_250)])
def test_amounts_that_stripe_can_not_move_are_refused(currency: str, amount: int):
    with pytest.raises(ProviderRefuses):
        to_stripe(amount, currency)


READERS = {
    "payment_intent": (stripe.PaymentIntent, shapes.payment),
    "setup_intent": (stripe.SetupIntent, shapes.setup),
    "refund": (stripe.Refund, shapes.refund),
    "dispute": (stripe.Dispute, shapes.dispute),
    "account": (stripe.Account, shapes.account),
    "transfer": (stripe.Transfer, shapes.transfer),
    "balance_transaction": (stripe.BalanceTransaction, shapes.transaction),
}


@pytest.mark.skipif(not fixtures(), reason="Stripe's examples do not lie beside the checkout")
@pytest.mark.parametrize("kind", READERS)
def test_stripe_s_own_examples_are_read(kind: str):
    made, read = READERS[kind]
    example = fixtures()[kind]
    told = read(made.construct_from(example, "sk_test"))  # pyright: ignore[reportArgumentType] - each reader with its own kind
    assert told.id == example["id"]

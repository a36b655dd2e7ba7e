"""What every payment provider has to do, asked of the built-in test provider and of the Stripe adapter before a double of Stripe."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from liveserver.infra.database import Pool
from liveserver.kernel.clock import SystemClock
from liveserver.payments.port import Payment, PaymentFailed, PaymentRequest, ProviderRefuses, SavedCard
from liveserver.payments.sandbox.provider import Sandbox
from tests.doubles.stripe.server import StripeDouble
from tests.payments.houses import DoubleHouse, House, SandboxHouse
from tests.payments.local_stripe import LocalStripe, LocalStripeHouse


@pytest.fixture(params=["test provider", "double of Stripe", "localstripe"])
async def house(request: pytest.FixtureRequest, pool: Pool) -> AsyncIterator[House]:
    if request.param == "test provider":
        yield SandboxHouse(Sandbox(pool, SystemClock()))
        return
    if request.param == "localstripe":
        async with LocalStripe() as stripe:
            local = LocalStripeHouse(stripe)
            yield local
            await local.provider.aclose()
        return
    async with StripeDouble() as double:
        house = DoubleHouse(double)
        yield house
        await house.provider.aclose()


def needs(house: House, *what: str) -> None:
    """Skips what a provider of tests can't do, with the reason."""
    for each in what:
        if each in house.lacks:
            pytest.skip(house.lacks[each])


async def customer(house: House) -> str:
    return await house.provider.create_customer("user_bea", "Bea", "bea@example.org", "cus:bea")


async def saved(house: House, token: str) -> SavedCard:
    setup = await house.provider.save_card(await customer(house), f"seti:{token}")
    assert setup.status == "needs_card"
    await house.confirm_setup(setup.id, token)
    done = await house.provider.find_setup(setup.id)
    assert done is not None
    assert done.status == "succeeded"
    assert done.card is not None
    return done.card


def asked(card: SavedCard | None = None, *, amount: int = 5_413, currency: str = "USD") -> PaymentRequest:
    return PaymentRequest(
        order="ord_1",
        attempt=1,
        amount=amount,
        currency=currency,
        description="Lamp",
        customer="" if card is None else card.customer,
        card="" if card is None else card.id,
    )


async def found(house: House, payment: str) -> Payment:
    there = await house.provider.find_payment(payment)
    assert there is not None
    return there


async def paid(house: House) -> Payment:
    begun = await house.provider.pay(asked(), "pi:1")
    await house.confirm(begun.id, "card_pays")
    return await found(house, begun.id)


async def test_a_saved_card_is_recognised_by_its_owner(house: House):
    card = await saved(house, "card_pays")
    assert (card.brand, card.last4, card.exp_month, card.exp_year) == ("visa", "4242", 12, 2099)
    needs(house, "keys")
    assert card.customer == await customer(house), "the key makes the second call the first"


async def test_a_payment_on_session_waits_for_a_card_and_is_paid_once(house: House):
    begun = await house.provider.pay(asked(), "pi:1")
    assert (begun.status, begun.amount, begun.currency, bool(begun.client_secret)) == (
        "needs_card",
        5_413,
        "USD",
        True,
    )
    assert begun.metadata == {"order": "ord_1", "attempt": "1"}
    await house.confirm(begun.id, "card_pays")
    done = await found(house, begun.id)
    assert (done.status, done.received, bool(done.charge)) == ("succeeded", 5_413, True)


@pytest.mark.parametrize(
    ("token", "code"), [("card_declined", "card_declined"), ("card_empty", "insufficient_funds")]
)
async def test_a_declined_card_leaves_the_payment_open_for_another(house: House, token: str, code: str):
    needs(house, "again", "reasons")
    begun = await house.provider.pay(asked(), "pi:1")
    await house.confirm(begun.id, token)
    now = await found(house, begun.id)
    assert (now.status, now.error_code, now.charge) == ("needs_card", code, "")
    await house.confirm(begun.id, "card_pays")
    assert (await found(house, begun.id)).error_code == ""


@pytest.mark.parametrize("agreed", [True, False])
async def test_a_bank_may_ask_the_buyer(house: House, agreed: bool):
    begun = await house.provider.pay(asked(), "pi:1")
    await house.confirm(begun.id, "card_asks")
    assert (await found(house, begun.id)).status == "needs_action"
    await house.authenticate(begun.id, agreed=agreed)
    assert (await found(house, begun.id)).status == ("succeeded" if agreed else "needs_card")


@pytest.mark.parametrize(
    ("token", "code"),
    [("card_pays", ""), ("card_later", "card_declined"), ("card_asks", "authentication_required")],
)
async def test_a_saved_card_is_charged_off_session_or_says_why_not(house: House, token: str, code: str):
    if code:
        needs(house, "declined payments")
    card = await saved(house, token)
    for again in range(2):  # a key answers the same again, failures too
        if again:
            needs(house, "keys")
        if not code:
            done = await house.provider.pay(asked(card), "pi:1")
            assert (done.status, done.received) == ("succeeded", 5_413)
            continue
        with pytest.raises(PaymentFailed) as failed:
            await house.provider.pay(asked(card), "pi:1")
        assert failed.value.code == code
        assert failed.value.payment is not None
        assert failed.value.payment.charge == ""
    assert len(await house.provider.search_payments("ord_1")) == 1


async def test_a_key_is_one_payment_and_for_one_call(house: House):
    needs(house, "keys")
    made = await asyncio.gather(*(house.provider.pay(asked(), "pi:1") for _ in range(4)))
    assert len({payment.id for payment in made}) == 1
    with pytest.raises(ProviderRefuses):
        await house.provider.pay(asked(amount=1), "pi:1")


async def test_a_cancelled_payment_can_not_be_paid_and_a_paid_one_not_cancelled(house: House):
    begun = await house.provider.pay(asked(), "pi:1")
    for _ in range(2):
        assert (await house.provider.cancel_payment(begun.id)).status == "canceled"
    other = await house.provider.pay(asked(), "pi:2")
    await house.confirm(other.id, "card_pays")
    assert (await house.provider.cancel_payment(other.id)).status == "succeeded"


async def test_a_part_is_given_back(house: House):
    payment = await paid(house)
    refund = await house.provider.refund(payment.charge, 2_000, "USD", "re_1", "ref:1")
    assert (refund.status, refund.amount) == ("succeeded", 2_000)
    assert (await found(house, payment.id)).refunded == 2_000
    assert await house.provider.find_refund(refund.id) == refund


async def test_refunds_give_back_a_part_and_the_rest_and_no_more(house: House):
    needs(house, "keys", "over-refund")
    payment = await paid(house)
    first = await house.provider.refund(payment.charge, 2_000, "USD", "re_1", "ref:1")
    assert (first.status, first.amount, first.metadata) == ("succeeded", 2_000, {"refund": "re_1"})
    assert await house.provider.refund(payment.charge, 2_000, "USD", "re_1", "ref:1") == first
    with pytest.raises(ProviderRefuses):
        await house.provider.refund(payment.charge, 3_414, "USD", "re_2", "ref:2")
    await house.provider.refund(payment.charge, 3_413, "USD", "re_3", "ref:3")
    assert (await found(house, payment.id)).refunded == 5_413
    assert await house.provider.find_refund(first.id) == first


@pytest.mark.parametrize("currency", ["JPY", "KWD", "ISK"])
async def test_currencies_without_hundredths_are_counted_in_their_own_units(house: House, currency: str):
    begun = await house.provider.pay(asked(amount=5_410, currency=currency), "pi:1")
    await house.confirm(begun.id, "card_pays")
    done = await found(house, begun.id)
    assert (done.amount, done.received, done.currency) == (5_410, 5_410, currency)


async def test_what_nobody_knows_is_none(house: House):
    provider = house.provider
    assert await provider.find_payment("pi_none") is None
    assert await provider.find_setup("seti_none") is None
    assert await provider.find_refund("re_none") is None
    needs(house, "connect", "search")
    assert await provider.find_dispute("dp_none") is None
    assert await provider.find_account("acct_none") is None
    assert await provider.find_transfer("tr_none") is None
    assert await provider.find_payout("acct_none", "po_none") is None
    assert await provider.search_payments("ord_none") == []


async def test_sellers_are_transferred_to_reversed_and_paid_out(house: House):
    needs(house, "connect")
    provider, payment = house.provider, await paid(house)
    account = await provider.create_account("user_sam", "sam@example.org", "US", "acct:sam")
    assert account.ready
    assert await provider.find_account(account.id) == account
    sent = await provider.transfer(account.id, "ord_1", payment.charge, 4_413, "USD", "tr:1")
    assert (sent.account, sent.amount, sent.metadata["order"]) == (account.id, 4_413, "ord_1")
    back = await provider.reverse_transfer(sent.id, 413, "rev:1")
    assert (back.reversed, bool(back.reversal)) == (413, True)
    with pytest.raises(ProviderRefuses):
        await provider.reverse_transfer(sent.id, 4_001, "rev:2")
    out = await provider.pay_out(account.id, "po_1", 4_000, "USD", "po:1")
    assert (out.account, out.amount, out.metadata["payout"]) == (account.id, 4_000, "po_1")
    assert await provider.pay_out(account.id, "po_1", 4_000, "USD", "po:1") == out


async def test_the_books_tell_it_all_in_order(house: House):
    needs(house, "books")
    payment = await paid(house)
    refund = await house.provider.refund(payment.charge, 1_000, "USD", "re_1", "ref:1")
    lines = [line async for line in house.provider.transactions(0, 2**43)]
    assert [(line.type, line.source, line.amount) for line in lines] == [
        ("charge", payment.charge, 5_413),
        ("refund", refund.id, -1_000),
    ]
    assert (lines[0].fee, lines[0].net, lines[0].status) == (187, 5_226, "pending")


async def test_what_happens_is_told_with_its_object(house: House):
    payment = await paid(house)
    refund = await house.provider.refund(payment.charge, 1_000, "USD", "re_1", "ref:1")
    told = {(event.type, event.object) for event in await house.told()}
    assert ("payment_intent.succeeded", payment.id) in told
    needs(house, "refund events")
    assert ("refund.created", refund.id) in told

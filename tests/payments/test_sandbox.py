"""The test provider keeps its books as a real one would: keys, cards that do what they say, refunds, disputes, sellers, signatures."""

import asyncio
from collections.abc import Sequence

import pytest

from liveserver.accounts.model import Identity
from liveserver.infra.database import Connection, Pool
from liveserver.jobs.worker import Worker
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import SessionId
from liveserver.payments.cards import Cards
from liveserver.payments.inbox import Effect, Inbox, NotYet
from liveserver.payments.port import (
    BadSignature,
    Event,
    EventId,
    Payment,
    PaymentFailed,
    PaymentRequest,
    ProviderRefuses,
    SavedCard,
    Transaction,
)
from liveserver.payments.sandbox import delivery
from liveserver.payments.sandbox.cards import CARDS
from liveserver.payments.sandbox.provider import Sandbox

CLOCK = SystemClock()
BEA = Identity("user_bea", "Bea", "viewer", True, SessionId("s"), 2**53)


@pytest.fixture
def sandbox(pool: Pool) -> Sandbox:
    return Sandbox(pool, CLOCK)


async def customer(sandbox: Sandbox) -> str:
    return await sandbox.create_customer("user_bea", "Bea", "bea@example.org", "cus:bea")


async def saved(sandbox: Sandbox, token: str) -> SavedCard:
    setup = await sandbox.save_card(await customer(sandbox), f"seti:{token}")
    done = await sandbox.confirm_setup(setup.id, token)
    assert done.card is not None
    return done.card


def asked(card: SavedCard | None = None, amount: int = 5_413, attempt: int = 1) -> PaymentRequest:
    return PaymentRequest(
        order="ord_1",
        attempt=attempt,
        amount=amount,
        currency="USD",
        description="Lamp",
        customer="" if card is None else card.customer,
        card="" if card is None else card.id,
    )


async def books(sandbox: Sandbox) -> list[Transaction]:
    return [line async for line in sandbox.transactions(0, 2**53)]


async def told(pool: Pool) -> list[str]:
    rows = await pool.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'sandbox.tell' ORDER BY id")
    return [str(row["payload"]).partition('"type":"')[2].partition('"')[0] for row in rows]


async def test_a_key_is_one_call_however_often_and_at_once(sandbox: Sandbox):
    made = await asyncio.gather(*(sandbox.pay(asked(), "pi:1") for _ in range(8)))
    assert len({payment.id for payment in made}) == 1
    with pytest.raises(ProviderRefuses, match="idempotency_error"):
        await sandbox.pay(asked(amount=1), "pi:1")
    assert [payment.id for payment in await sandbox.search_payments("ord_1")] == [made[0].id]


ON_SESSION = {
    "card_pays": ("succeeded", ""),
    "card_asks": ("needs_action", ""),
    "card_declined": ("needs_card", "card_declined"),
    "card_empty": ("needs_card", "insufficient_funds"),
    "card_later": ("succeeded", ""),
    "card_asks_later": ("succeeded", ""),
    "card_disputed": ("succeeded", ""),
}
OFF_SESSION = {
    "card_pays": "",
    "card_asks": "authentication_required",
    "card_later": "card_declined",
    "card_asks_later": "authentication_required",
    "card_disputed": "",
}


@pytest.mark.parametrize("token", [card.token for card in CARDS])
async def test_each_card_does_on_session_what_it_says(sandbox: Sandbox, token: str):
    begun = await sandbox.pay(asked(), "pi:1")
    done = await sandbox.confirm(begun.id, token)
    assert (done.status, done.error_code) == ON_SESSION[token]
    if done.status == "needs_action":
        refused = await sandbox.authenticate(begun.id, agreed=False)
        assert (refused.status, bool(refused.error_code)) == ("needs_card", True)
        await sandbox.confirm(begun.id, token)
        done = await sandbox.authenticate(begun.id, agreed=True)
    elif done.status == "needs_card":
        done = await sandbox.confirm(begun.id, "card_pays")
    assert (done.status, done.received, done.error_code) == ("succeeded", 5_413, "")
    assert await sandbox.confirm(begun.id, "card_pays") == done, "it is paid once"
    charges = [line for line in await books(sandbox) if line.type == "charge"]
    assert [(line.amount, line.fee, line.net, line.status) for line in charges] == [
        (5_413, 187, 5_226, "pending")
    ]


@pytest.mark.parametrize("token", OFF_SESSION)
async def test_each_card_does_off_session_what_it_says(sandbox: Sandbox, token: str):
    card = await saved(sandbox, token)
    for _ in range(2):  # the answer is kept under its key, failures too
        if not OFF_SESSION[token]:
            assert (await sandbox.pay(asked(card), "pi:1")).status == "succeeded"
            continue
        with pytest.raises(PaymentFailed) as failed:
            await sandbox.pay(asked(card), "pi:1")
        assert failed.value.code == OFF_SESSION[token]
        assert isinstance(failed.value.payment, Payment)
        found = await sandbox.find_payment(failed.value.payment.id)
        assert found is not None
        assert found.error_code == OFF_SESSION[token]
        assert (await sandbox.cancel_payment(found.id)).status == "canceled"
    assert len(await sandbox.search_payments("ord_1")) == 1


async def test_refunds_give_back_what_was_received_and_no_more(sandbox: Sandbox):
    begun = await sandbox.pay(asked(), "pi:1")
    paid = await sandbox.confirm(begun.id, "card_pays")
    asked_for = [sandbox.refund(paid.charge, 1_000, "USD", f"re_{n}", f"ref:{n}") for n in range(8)]
    made = await asyncio.gather(*asked_for, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in made) == 5
    assert all(isinstance(one, ProviderRefuses) for one in made if isinstance(one, BaseException))
    now = await sandbox.find_payment(begun.id)
    assert now is not None
    assert now.refunded == 5_000
    assert sum(line.net for line in await books(sandbox)) == 5_413 - 187 - 5_000


@pytest.mark.parametrize(("won", "left"), [(True, 5_413 - 187 - 1_500), (False, -187 - 1_500)])
async def test_a_disputed_payment_goes_to_the_bank_and_perhaps_back(sandbox: Sandbox, won: bool, left: int):
    begun = await sandbox.pay(asked(), "pi:1")
    paid = await sandbox.confirm(begun.id, "card_disputed")
    name = next(line.source for line in await books(sandbox) if line.type == "dispute")
    open_one = await sandbox.find_dispute(name)
    assert open_one is not None
    assert (open_one.charge, open_one.status) == (paid.charge, "open")
    for _ in range(2):
        await sandbox.decide_dispute(name, won=won)
    assert sum(line.net for line in await books(sandbox)) == left


async def test_sellers_are_transferred_to_and_paid_out_no_more_than_they_have(sandbox: Sandbox):
    account = await sandbox.create_account("user_sam", "sam@example.org", "US", "acct:sam")
    sent = await sandbox.transfer(account.id, "ord_1", "ch_1", 4_413, "USD", "tr:1")
    back = await sandbox.reverse_transfer(sent.id, 413, "rev:1")
    assert (back.reversed, bool(back.reversal)) == (413, True)
    with pytest.raises(ProviderRefuses):
        await sandbox.reverse_transfer(sent.id, 4_001, "rev:2")
    with pytest.raises(ProviderRefuses):
        await sandbox.pay_out(account.id, "po_1", 4_001, "USD", "po:1")
    out = await sandbox.pay_out(account.id, "po_2", 4_000, "USD", "po:2")
    assert out.status == "in_transit"
    assert await sandbox.find_payout("acct_other", out.id) is None
    with pytest.raises(ProviderRefuses):
        await sandbox.reverse_transfer(sent.id, 1, "rev:3")


async def test_events_are_signed_and_nothing_else_is_one(sandbox: Sandbox, pool: Pool):
    begun = await sandbox.pay(asked(), "pi:1")
    await sandbox.confirm(begun.id, "card_pays")
    assert await told(pool) == ["payment_intent.succeeded"]
    event = Event(id=EventId("evt_1"), type="payment_intent.succeeded", object=begun.id)
    body, signature = sandbox.signed(event)
    assert sandbox.event(body, signature) == event
    other = Sandbox(pool, CLOCK)
    for bad_body, bad_signature in (
        (body + b" ", signature),
        (body, ""),
        (body, "t=1,v1=00"),
        (body, signature[:-1]),
        other.signed(event),
    ):
        with pytest.raises(BadSignature):
            sandbox.event(bad_body, bad_signature)


class Heard:
    """Counts what events came to."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.waits = False

    async def handle(self, event: Event) -> Effect | None:
        if self.waits:
            raise NotYet("the order is not here")

        async def effect(on: Connection) -> None:
            await on.execute("SELECT 1")
            self.applied.append(event.object)

        return effect


def inbox_of(sandbox: Sandbox, pool: Pool, heard: Heard) -> tuple[Inbox, Worker]:
    inbox = Inbox(pool, sandbox, CLOCK, {"payment_intent.succeeded": heard.handle})
    return inbox, Worker(pool, [*inbox.works(), *delivery.works(sandbox, inbox)])


async def events_of(pool: Pool) -> Sequence[bool]:
    rows = await pool.fetch("SELECT applied_ts IS NOT NULL AS applied FROM provider_events ORDER BY id")
    return [row["applied"] for row in rows]


async def test_an_event_delivered_often_has_its_effect_once(sandbox: Sandbox, pool: Pool):
    heard = Heard()
    inbox, worker = inbox_of(sandbox, pool, heard)
    begun = await sandbox.pay(asked(), "pi:1")
    await sandbox.confirm(begun.id, "card_pays")
    await worker.drain()
    event = await pool.fetchrow("SELECT id, type, object FROM provider_events")
    assert event is not None
    again = sandbox.signed(Event(**dict(event)))
    assert await asyncio.gather(*(inbox.receive(*again) for _ in range(20))) == [None] * 20
    await worker.drain()
    assert heard.applied == [begun.id]
    assert await events_of(pool) == [True]


async def test_an_event_that_comes_too_early_waits_for_what_it_is_about(sandbox: Sandbox, pool: Pool):
    heard = Heard()
    _, worker = inbox_of(sandbox, pool, heard)
    heard.waits = True
    begun = await sandbox.pay(asked(), "pi:1")
    await sandbox.confirm(begun.id, "card_pays")
    await worker.drain()
    assert await events_of(pool) == [False]
    heard.waits = False
    await pool.execute("UPDATE pgqueuer SET execute_after = now()")
    await worker.drain()
    assert heard.applied == [begun.id]


async def test_what_is_not_signed_is_not_kept(sandbox: Sandbox, pool: Pool):
    inbox, _ = inbox_of(sandbox, pool, Heard())
    for body in (b"{}", b"x" * 300_000, sandbox.signed(Event(id=EventId(""), type="", object=""))[0]):
        refused = await inbox.receive(body, "t=1,v1=00")
        assert isinstance(refused, Rejected)
    assert await events_of(pool) == []


async def test_a_saved_card_is_its_owner_s(sandbox: Sandbox, pool: Pool):
    cards = Cards(pool, sandbox, CLOCK)
    setup = await cards.begin(BEA, "bea@example.org")
    assert not isinstance(setup, Rejected)
    unfinished = await cards.finish(BEA.id, setup.id)
    assert isinstance(unfinished, Rejected)
    await sandbox.confirm_setup(setup.id, "card_pays")
    stranger = await cards.finish("user_eve", setup.id)
    assert isinstance(stranger, Rejected)
    assert stranger.code == "setup_not_found"
    done = await cards.finish(BEA.id, setup.id)
    assert isinstance(done, SavedCard)
    assert (await cards.card_of(pool, BEA.id), done.last4) == (done, "4242")
    await cards.forget(BEA.id)
    assert await cards.card_of(pool, BEA.id) is None


async def test_a_card_saved_while_nobody_came_back_is_kept_by_its_event(sandbox: Sandbox, pool: Pool):
    cards = Cards(pool, sandbox, CLOCK)
    inbox = Inbox(pool, sandbox, CLOCK, cards.handlers())
    setup = await cards.begin(BEA, "")
    assert not isinstance(setup, Rejected)
    await sandbox.confirm_setup(setup.id, "card_later")
    await Worker(pool, [*inbox.works(), *delivery.works(sandbox, inbox)]).drain()
    card = await cards.card_of(pool, BEA.id)
    assert card is not None
    assert card.last4 == "0341"

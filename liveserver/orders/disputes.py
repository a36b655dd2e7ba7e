"""A payment that the buyer's bank takes back while it decides, and who bears it in the end; and the release of what is held.

Inside the caller's transaction. While the bank decides nothing is released and nothing refunded.
"""

from liveserver.infra.database import Connection
from liveserver.kernel.errors import Rejected
from liveserver.ledger import rules
from liveserver.ledger import store as ledger
from liveserver.ledger.model import Account
from liveserver.orders import store
from liveserver.orders.errors import DISPUTE_NOT_FOUND, ORDER_NOT_FOUND, not_now
from liveserver.orders.model import PROVIDER, Dispute, Order
from liveserver.orders.refunds import added, payable_of, set_money
from liveserver.orders.store import Q
from liveserver.orders.telling import happened, job, mail_seller


async def release(on: Connection, order: Order, ts: int) -> None:
    """What is left in escrow becomes the seller's, ours, the carrier's and the state's. The caller holds the order's row."""
    if order.funds != "held" or order.dispute == "open":
        return
    journal = rules.released(order.sale, order.gone)
    payable, owed = await payable_of(on, order.seller, order.currency)
    gain = -sum(line.amount for line in journal.postings if line.account is Account.SELLER_PAYABLE)
    settled = rules.owed_settled(order.seller, order.currency, order.id, payable + gain, owed)
    await ledger.post(on, [journal, *([] if settled is None else [settled])], ts)
    await on.execute(Q.release, order.id)
    await job(on, "payouts.transfer", order)


async def opened(
    on: Connection, order: str, dispute: str, amount: int, fee: int, reason: str, ts: int
) -> Order | Rejected:
    """The bank has taken the payment back while it decides. Told again, nothing changes."""
    now = await store.lock(on, order)
    if now is None:
        return ORDER_NOT_FOUND
    if now.charge == "":
        return not_now("disputed", now.state)
    if await on.fetchval(Q.insert_dispute, dispute, now.id, amount, fee, reason[:120], ts) is None:
        return now
    journals = [rules.dispute_opened(now.sale, dispute, amount)]
    if fee:
        journals.append(rules.dispute_fee(now.sale, dispute, fee))
    await ledger.post(on, journals, ts)
    await set_money(on, now, now.refunded, now.lost, "open")
    done = await happened(
        on, now.id, "dispute_opened", PROVIDER, ts, {"amount": amount, "reason": reason[:120]}
    )
    await mail_seller(on, done, "dispute", amount)
    return done


async def closed(on: Connection, dispute: str, won: bool, ts: int) -> Order | Rejected:
    """The bank has decided. Won: all is as before, and what is delivered is released. Lost: who had the money returns it."""
    found = await store.find_dispute(on, dispute)
    if found is None:
        return DISPUTE_NOT_FOUND
    now = await store.lock(on, found.order)
    assert now is not None, "orders stay"
    if await on.fetchval(Q.close_dispute, dispute, "won" if won else "lost", ts) is None:
        return now
    if won:
        await ledger.post(on, [rules.dispute_won(now.sale, dispute, found.amount)], ts)
        await set_money(on, now, now.refunded, now.lost, await _others(on, now, found, "won"))
    else:
        await _lost(on, now, found, ts)
    after = await store.find(on, now.id)
    assert after is not None, "orders stay"
    if after.delivered_ts is not None:
        await release(on, after, ts)
    return await happened(
        on, now.id, "dispute_won" if won else "dispute_lost", PROVIDER, ts, {"amount": found.amount}
    )


async def _lost(on: Connection, order: Order, dispute: Dispute, ts: int) -> None:
    part = rules.split_dispute(order.sale, order.gone, dispute.amount)
    if order.funds == "released":
        payable, _ = await payable_of(on, order.seller, order.currency)
        journal = rules.dispute_lost_after_release(
            order.sale, dispute.id, order.gone, part, dispute.amount, payable
        )
    else:
        journal = rules.dispute_lost_before_release(order.sale, dispute.id, part, dispute.amount)
    await ledger.post(on, [journal], ts)
    await set_money(
        on, order, order.refunded, added(order.lost, part), await _others(on, order, dispute, "lost")
    )


async def _others(on: Connection, order: Order, closed_one: Dispute, view: str) -> str:
    """What the order shows: open while another dispute of it is."""
    others = await store.disputes_of(on, order.id)
    return "open" if any(one.status == "open" and one.id != closed_one.id for one in others) else view

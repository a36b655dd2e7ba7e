"""What is posted for what happens to an order's money: pure functions from figures to balanced journals.

The source of every line is commerce's table of postings (docs/operating/ledger.md has its worked example). They decide
nothing about *whether* something may happen (the orders do) except what the figures themselves forbid.
"""

from collections.abc import Sequence

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import OrderId, UserId
from liveserver.ledger.model import Account, Journal, Posting, Rates, Refunds, Sale

_BP = 10_000

OVER_REFUND = Rejected("over_refund", "More would be refunded than was paid.")
OVER_PAYOUT = Rejected("over_payout", "More would be paid out than is available.")


def share(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole`, half a minor unit upwards; exact when part is whole. All not negative."""
    assert amount >= 0, "shares are of amounts that were paid"
    assert 0 <= part <= whole, "a part is not more than the whole"
    return 0 if whole == 0 else (2 * amount * part + whole) // (2 * whole)


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split in proportion, by largest remainder; ties go to the larger weight, then to the first."""
    whole = sum(weights)
    if whole == 0:
        assert total == 0, "nothing can be shared among nobody"
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), -weights[i], i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def sale(
    order: OrderId,
    seller: UserId,
    currency: str,
    item: int,
    shipping: int = 0,
    tax: int = 0,
    rates: Rates | None = None,
    commission: int | None = None,
) -> Sale:
    """The figures of a sale under these rates. Commission is of the goods (or given, where its lines have rates of their own);
    processing of all that the card is charged.

    Fees never exceed the goods: a sale of a few cents leaves the seller nothing, and costs them nothing.
    """
    rates = rates or Rates()
    if commission is None:
        commission = share(item, rates.commission_bp, _BP)
    assert 0 <= commission <= item, "commission is a part of the goods"
    charged = item + shipping + tax
    processing = share(charged, rates.processing_bp, _BP) + (rates.processing_fixed if charged else 0)
    processing = min(processing, item - commission)
    return Sale(
        order=order,
        seller=seller,
        currency=currency,
        item=item,
        shipping=shipping,
        tax=tax,
        commission=commission,
        processing=processing,
    )


def captured(of: Sale, charge: str) -> Journal:
    """The buyer's card was charged: the money is with the provider, and nobody's yet."""
    return _journal(
        of,
        "captured",
        charge,
        (_debit(Account.PSP_PENDING, of.total), _credit(Account.ESCROW, of.total, of.order)),
    )


def psp_fee(charge: str, currency: str, fee: int, order: OrderId | None) -> Journal:
    """What the provider kept for the charge, by its own balance transaction; negative for a fee that it gave back."""
    lines = _moved(Account.PSP_EXPENSE, Account.PSP_PENDING, fee)
    return Journal(kind="psp_fee", object=charge, currency=currency, order=order, postings=_real(lines))


def available(transaction: str, currency: str, amount: int) -> Journal:
    """The provider made pending money available; negative for what it took from the available (refunds, transfers)."""
    lines = _moved(Account.PSP_AVAILABLE, Account.PSP_PENDING, amount)
    return Journal(kind="available", object=transaction, currency=currency, order=None, postings=_real(lines))


def banked(payout: str, currency: str, amount: int) -> Journal:
    """The provider has sent our own money to our bank."""
    lines = _moved(Account.BANK, Account.PSP_AVAILABLE, amount)
    return Journal(kind="banked", object=payout, currency=currency, order=None, postings=_real(lines))


def bank_returned(payout: str, currency: str, amount: int) -> Journal:
    """Our bank has sent it back to the provider."""
    lines = _moved(Account.PSP_AVAILABLE, Account.BANK, amount)
    return Journal(kind="bank_returned", object=payout, currency=currency, order=None, postings=_real(lines))


def transferred(seller: UserId, currency: str, transfer: str, amount: int, order: OrderId) -> Journal:
    """A seller's share went on to their account at the provider: we owe it still, until it is in their bank."""
    lines = (_debit(Account.PSP_SELLERS, amount, seller), _credit(Account.PSP_PENDING, amount))
    return Journal(kind="transferred", object=transfer, currency=currency, order=order, postings=_real(lines))


def transfer_reversed(seller: UserId, currency: str, reversal: str, amount: int, order: OrderId) -> Journal:
    """It came back from there, because it is not theirs any more."""
    lines = (_debit(Account.PSP_PENDING, amount), _credit(Account.PSP_SELLERS, amount, seller))
    return Journal(
        kind="transfer_reversed", object=reversal, currency=currency, order=order, postings=_real(lines)
    )


def released(of: Sale, refunded: Refunds | None = None) -> Journal:
    """The goods were delivered: what is left in escrow becomes the seller's, ours, the carrier's and the state's.

    What was refunded before is not there any more: each part gives its own, so that escrow ends at nothing.
    """
    refunded = refunded or Refunds()
    item = of.item - refunded.item
    commission = _commission_left(of, refunded.item)
    processing = min(of.processing, item - commission)
    return _journal(
        of,
        "released",
        of.order,
        (
            _debit(Account.ESCROW, of.total - refunded.total, of.order),
            _credit(Account.SELLER_PAYABLE, item - commission - processing, of.seller),
            _credit(Account.COMMISSION, commission),
            _credit(Account.PROCESSING, processing),
            _credit(Account.SHIPPING_PASS_THROUGH, of.shipping - refunded.shipping),
            _credit(Account.TAX_PAYABLE, of.tax - refunded.tax),
        ),
    )


def released_late(of: Sale, refund: str, before: Refunds, part: Refunds) -> Journal:
    """A refund that was under way at the release has failed: what it had kept back goes where it would have gone then."""
    both = Refunds(before.item + part.item, before.shipping + part.shipping, before.tax + part.tax)
    lines: dict[tuple[Account, str], int] = {}
    for journal, sign in ((released(of, before), 1), (released(of, both), -1)):
        for line in journal.postings:
            key = line.account, line.owner
            lines[key] = lines.get(key, 0) + sign * line.amount
    return _journal(
        of,
        "released_late",
        refund,
        tuple(Posting(account, amount, owner) for (account, owner), amount in lines.items()),
    )


def split_refund(of: Sale, before: Refunds, amount: int) -> Refunds | Rejected:
    """Of which parts of the sale an amount is given back: goods first, then postage, then tax. Refused past what was paid."""
    if amount <= 0 or before.total + amount > of.total:
        return OVER_REFUND
    item = min(amount, of.item - before.item)
    shipping = min(amount - item, of.shipping - before.shipping)
    return Refunds(item, shipping, amount - item - shipping)


def commission_back(of: Sale, before: Refunds, item: int) -> int:
    """Commission given back with so much of the goods: of all refunds together the exact share, so that none is lost to
    rounding and a full refund gives back all."""
    return share(of.commission, before.item + item, of.item) - share(of.commission, before.item, of.item)


def refunded_before_release(of: Sale, refund: str, part: Refunds) -> Journal:
    """Given back while the money was still in escrow."""
    return _journal(
        of,
        "refunded",
        refund,
        (_debit(Account.ESCROW, part.total, of.order), _credit(Account.REFUND_TRANSIT, part.total)),
    )


def refunded_after_release(of: Sale, refund: str, before: Refunds, part: Refunds, payable: int) -> Journal:
    """Given back after the seller had their share: they return theirs, we our commission; processing was spent.

    Postage was spent too, so the seller bears it; tax comes back from what we hold for the state. `payable` is what stands on
    the seller's account now: what exceeds it they owe us.
    """
    commission = commission_back(of, before, part.item)
    return _journal(
        of,
        "refunded",
        refund,
        (
            *_from_seller(of.seller, part.item - commission + part.shipping, payable),
            _debit(Account.COMMISSION, commission),
            _debit(Account.TAX_PAYABLE, part.tax),
            _credit(Account.REFUND_TRANSIT, part.total),
        ),
    )


def refund_failed(of: Sale, refund: str, before: Refunds, part: Refunds, owed: int) -> Journal:
    """The provider could not send it, and the seller had their share before: each gets back what they had given.

    `owed` is what the seller owes us now: that is settled first.
    """
    commission = commission_back(of, before, part.item)
    seller = part.item - commission + part.shipping
    settled = min(seller, owed)
    return _journal(
        of,
        "refund_failed",
        refund,
        (
            _debit(Account.REFUND_TRANSIT, part.total),
            _credit(Account.SELLER_RECEIVABLE, settled, of.seller),
            _credit(Account.SELLER_PAYABLE, seller - settled, of.seller),
            _credit(Account.COMMISSION, commission),
            _credit(Account.TAX_PAYABLE, part.tax),
        ),
    )


def refund_failed_before_release(of: Sale, refund: str, part: Refunds) -> Journal:
    """The provider could not send it, and nobody had their share yet: it is in escrow again."""
    return _journal(
        of,
        "refund_failed",
        refund,
        (_debit(Account.REFUND_TRANSIT, part.total), _credit(Account.ESCROW, part.total, of.order)),
    )


def refund_covers_chargeback(of: Sale, refund: str, amount: int) -> Journal:
    """It could not be sent, and the card's bank has taken the same money by a lost dispute: that is not our loss after all."""
    return _journal(
        of,
        "refund_covers_chargeback",
        refund,
        (_debit(Account.REFUND_TRANSIT, amount), _credit(Account.CHARGEBACK_EXPENSE, amount)),
    )


def refund_returned(refund: str, currency: str, amount: int, order: OrderId | None) -> Journal:
    """The buyer's bank has sent a refund back to the provider: it is ours to send again."""
    lines = (_debit(Account.PSP_PENDING, amount), _credit(Account.REFUND_TRANSIT, amount))
    return Journal(
        kind="refund_returned", object=refund, currency=currency, order=order, postings=_real(lines)
    )


def refund_paid(refund: str, currency: str, amount: int, order: OrderId | None) -> Journal:
    """The provider has sent a refund on its way: it is no longer ours to send."""
    lines = (_debit(Account.REFUND_TRANSIT, amount), _credit(Account.PSP_PENDING, amount))
    return Journal(kind="refund_paid", object=refund, currency=currency, order=order, postings=_real(lines))


def dispute_opened(of: Sale, dispute: str, amount: int) -> Journal:
    """The card's bank took the money back while it decides."""
    return _journal(
        of,
        "dispute_opened",
        dispute,
        (_debit(Account.DISPUTE_SUSPENSE, amount), _credit(Account.PSP_PENDING, amount)),
    )


def dispute_won(of: Sale, dispute: str, amount: int) -> Journal:
    """The bank gave it back."""
    return _journal(
        of,
        "dispute_won",
        dispute,
        (_debit(Account.PSP_PENDING, amount), _credit(Account.DISPUTE_SUSPENSE, amount)),
    )


def split_dispute(of: Sale, before: Refunds, amount: int) -> Refunds:
    """Of which parts of the sale a lost dispute took: as a refund, and no more than is left."""
    left = of.total - before.total
    part = split_refund(of, before, min(amount, left)) if left else Refunds()
    assert isinstance(part, Refunds), "what is left can be taken"
    return part


def dispute_lost_before_release(of: Sale, dispute: str, part: Refunds, amount: int) -> Journal:
    """The bank kept it, and escrow still had it: nobody but the buyer had a claim to it.

    `amount` is what the bank kept; what exceeds what was left of the order is our loss.
    """
    return _journal(
        of,
        "dispute_lost",
        dispute,
        (
            _debit(Account.ESCROW, part.total, of.order),
            _debit(Account.CHARGEBACK_EXPENSE, amount - part.total),
            _credit(Account.DISPUTE_SUSPENSE, amount),
        ),
    )


def dispute_lost_after_release(
    of: Sale, dispute: str, before: Refunds, part: Refunds, amount: int, payable: int
) -> Journal:
    """The bank kept it after the seller had their share: they and we return ours; postage is the loss that nobody returns.

    So is what the bank kept beyond what was left of the order.
    """
    commission = commission_back(of, before, part.item)
    kept = min(of.processing, of.item - before.item - _commission_left(of, before.item))
    processing = min(share(kept, part.item, of.item - before.item), part.item - commission)
    return _journal(
        of,
        "dispute_lost",
        dispute,
        (
            *_from_seller(of.seller, part.item - commission - processing, payable),
            _debit(Account.COMMISSION, commission),
            _debit(Account.PROCESSING, processing),
            _debit(Account.TAX_PAYABLE, part.tax),
            _debit(Account.CHARGEBACK_EXPENSE, part.shipping + amount - part.total),
            _credit(Account.DISPUTE_SUSPENSE, amount),
        ),
    )


def _commission_left(of: Sale, item: int) -> int:
    """Commission of the goods that are left when so much of them was given back."""
    return of.commission - commission_back(of, Refunds(), item)


def dispute_fee(of: Sale, dispute: str, fee: int) -> Journal:
    """What the provider charges for a dispute, won or lost."""
    return _journal(
        of, "dispute_fee", dispute, (_debit(Account.DISPUTE_EXPENSE, fee), _credit(Account.PSP_PENDING, fee))
    )


def affiliate_earned(of: Sale, affiliate: UserId, rate_bp: int) -> Journal:
    """Whoever brought the buyer gets a share of the goods, at our cost."""
    amount = share(of.item, rate_bp, _BP)
    return _journal(
        of,
        "affiliate_earned",
        of.order,
        (_debit(Account.AFFILIATE_EXPENSE, amount), _credit(Account.AFFILIATE_PAYABLE, amount, affiliate)),
    )


def owed_settled(seller: UserId, currency: str, cause: str, payable: int, owed: int) -> Journal | None:
    """A seller's new money first pays what they owe us. None when there is nothing of either."""
    amount = min(payable, owed)
    if amount <= 0:
        return None
    lines = (
        _debit(Account.SELLER_PAYABLE, amount, seller),
        _credit(Account.SELLER_RECEIVABLE, amount, seller),
    )
    return Journal(kind="owed_settled", object=cause, currency=currency, order=None, postings=_real(lines))


def payout_requested(
    seller: UserId, currency: str, payout: str, amount: int, payable: int
) -> Journal | Rejected:
    """A seller's money leaves their account for their bank. Refused past what is available."""
    if not 0 < amount <= payable:
        return OVER_PAYOUT
    lines = (_debit(Account.SELLER_PAYABLE, amount, seller), _credit(Account.PAYOUT_TRANSIT, amount, seller))
    return Journal(
        kind="payout_requested", object=payout, currency=currency, order=None, postings=_real(lines)
    )


def payout_paid(seller: UserId, currency: str, payout: str, amount: int) -> Journal:
    """It arrived; it was paid from the seller's own account at the provider."""
    lines = (_debit(Account.PAYOUT_TRANSIT, amount, seller), _credit(Account.PSP_SELLERS, amount, seller))
    return Journal(kind="payout_paid", object=payout, currency=currency, order=None, postings=_real(lines))


def payout_failed(seller: UserId, currency: str, payout: str, amount: int, *, was_paid: bool) -> Journal:
    """The bank sent it back, at once or after it had been reported as paid; it is the seller's again."""
    back = _debit(Account.PSP_SELLERS if was_paid else Account.PAYOUT_TRANSIT, amount, seller)
    lines = (back, _credit(Account.SELLER_PAYABLE, amount, seller))
    return Journal(kind="payout_failed", object=payout, currency=currency, order=None, postings=_real(lines))


def _from_seller(seller: UserId, amount: int, payable: int) -> tuple[Posting, Posting]:
    """Taken from a seller: from what stands on their account, the rest as their debt."""
    there = min(amount, max(0, payable))
    return (
        _debit(Account.SELLER_PAYABLE, there, seller),
        _debit(Account.SELLER_RECEIVABLE, amount - there, seller),
    )


def _journal(of: Sale, kind: str, about: str, lines: tuple[Posting, ...]) -> Journal:
    return Journal(kind=kind, object=about, currency=of.currency, order=of.order, postings=_real(lines))


def _moved(to: Account, source: Account, amount: int) -> tuple[Posting, Posting]:
    """Between two accounts without owners, either way."""
    return Posting(to, amount), Posting(source, -amount)


def _debit(account: Account, amount: int, owner: str = "") -> Posting:
    assert amount >= 0, f"a debit on {account} of {amount}"
    return Posting(account, amount, owner)


def _credit(account: Account, amount: int, owner: str = "") -> Posting:
    assert amount >= 0, f"a credit on {account} of {amount}"
    return Posting(account, -amount, owner)


def _real(lines: tuple[Posting, ...]) -> tuple[Posting, ...]:
    """Without the lines that move nothing. The rest balances, or a rule is wrong."""
    real = tuple(line for line in lines if line.amount)
    assert sum(line.amount for line in real) == 0, f"a journal that does not balance: {real}"
    return real

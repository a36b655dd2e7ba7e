"""Receipts, invoices and credit notes as PDF: a buyer's proof of what was paid, a seller's bill with a number of the seller's own, and
what a refund takes off it.

It reads and stores nothing: an order (and who issues its invoice) goes in, the same bytes come out each time. Times are written as
days in UTC, amounts with the currency's code, so that a document reads the same wherever it is opened. Drawing one takes up to
half a second of a processor, and importing this a third of one and 30 MB: callers do both in a thread, when somebody asks.
"""

import datetime as dt
from collections.abc import Sequence

from liveserver.kernel.money import decimals
from liveserver.ledger.rules import shared
from liveserver.orders.issued import CreditNote, Invoice, Issuer
from liveserver.orders.model import Address, Order, Refund
from liveserver.orders.paper import SOFT, WARN, Align, Paper

TEST_STAMP = "TEST – no money moved"
"""On each page of a document about an order that the test provider was paid with."""
_COLUMNS: tuple[tuple[str, float, Align], ...] = (
    ("Item", 0.52, "L"),
    ("Quantity", 0.10, "R"),
    ("Each", 0.19, "R"),
    ("Amount", 0.19, "R"),
)
"""Head, share of the width, and on which side the text stands."""


def receipt(order: Order, refunds: Sequence[Refund] = ()) -> bytes:
    """The buyer's receipt. The order was paid; refunds that failed are left out."""
    assert order.paid_ts is not None, "there is a receipt for what was paid"
    back = [refund for refund in refunds if refund.status != "failed"]
    facts = [("Order", f"#{order.number}"), ("Paid on", day(order.paid_ts))]
    if order.payment:
        facts.append(("Payment", order.payment))
    paper = _paper("Receipt", order, order.paid_ts, [refund.reason for refund in back])
    _head(paper, "Receipt", order, facts)
    _parties(paper, ("Sold by", [order.seller_name]), ("Bought by", _buyer(order)))
    _lines(paper, order)
    _totals(paper, order)
    if back:
        paper.ln(4)
        paper.write_line("Refunds", 11, "B")
        for refund in back:
            said = f"{day(refund.created_ts)}: {refund.reason or 'refund'}"
            said += "" if refund.status == "succeeded" else " (on its way)"
            paper.write_cell(paper.epw * 0.75, said)
            paper.write_cell(0, f"-{amount(refund.amount, order.currency)}", align="R")
            paper.ln(5)
        _sum(
            paper,
            "Paid after refunds",
            order.total - sum(r.amount for r in back),
            order.currency,
            strong=True,
        )
    return paper.done()


def invoice(order: Order, of: Invoice) -> bytes:
    """The seller's invoice for a paid order. What was refunded later does not change it."""
    assert order.paid_ts is not None, "what was not paid may still be priced anew"
    issuer = of.issuer
    paper = _paper("Invoice", order, of.issued_ts, [issuer.name, issuer.address, issuer.tax_id])
    facts = [("Invoice", of.name), ("Issued on", day(of.issued_ts)), ("Order", f"#{order.number}"), ("Supplied on", day(order.paid_ts))]  # fmt: skip
    _head(paper, "Invoice", order, facts)
    _issuer_and_buyer(paper, issuer, order)
    _lines(paper, order)
    _totals(paper, order)
    paper.ln(4)
    paper.write_line(f"Paid in full on {day(order.paid_ts)}.", colour=SOFT)
    return paper.done()


def credit_note(order: Order, of: CreditNote) -> bytes:
    """The seller's credit note for a refund of an invoiced order: the invoice, and what of it was given back."""
    issuer, currency = of.issuer, order.currency
    paper = _paper(
        "Credit note", order, of.issued_ts, [issuer.name, issuer.address, issuer.tax_id, of.reason]
    )
    facts = [("Credit note", of.name), ("Issued on", day(of.issued_ts)), ("For invoice", f"{of.invoice:06d} of {day(of.invoice_ts)}"), ("Order", f"#{order.number}")]  # fmt: skip
    _head(paper, "Credit note", order, facts)
    if of.void:
        paper.write_line(
            f"Void: the refund came back on {day(of.settled_ts)}. The invoice stands.", 11, "B", colour=WARN
        )
        paper.ln(4)
    _issuer_and_buyer(paper, issuer, order)
    paper.write_line(f"Given back: {of.reason}" if of.reason else "Given back", 11, "B")
    paper.ln(2)
    if of.item:
        _sum(paper, "Of the goods", -of.item, currency)
    if of.shipping:
        _sum(paper, "Of the shipping", -of.shipping, currency)
    # The refund has one sum of taxes: of several it is shared as they were charged.
    for tax, part in zip(order.taxes, shared(of.tax, [tax.amount for tax in order.taxes]), strict=True):
        if part:
            _sum(paper, f"{tax.name} {_percent(tax.rate_bp)}", -part, currency)
    _sum(paper, "Total", -of.amount, currency, strong=True)
    if not of.void:
        paper.ln(4)
        paper.write_line(f"Sent to the buyer on {day(of.settled_ts)}.", colour=SOFT)
    return paper.done()


def amount(minor: int, currency: str) -> str:
    """`USD 1,234.50`: in integers all the way."""
    places = decimals(currency)
    whole, part = divmod(abs(minor), 10**places)
    sign = "-" if minor < 0 else ""
    return f"{sign}{currency} {whole:,}" + (f".{part:0{places}d}" if places else "")


def day(ts: int) -> str:
    """`21 November 2026`, in UTC."""
    at = dt.datetime.fromtimestamp(ts / 1000, dt.UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


_MONTHS = "January February March April May June July August September October November December".split()


def address_lines(address: Address) -> list[str]:
    """As on an envelope; the country as its code."""
    place = " ".join(part for part in (address.postal_code, address.city, address.region) if part)
    return [line for line in (address.name, address.line1, address.line2, place, address.country) if line]


def _buyer(order: Order) -> list[str]:
    return address_lines(order.address) if order.address is not None else [order.buyer_name]


def _paper(what: str, order: Order, ts: int, more: Sequence[str]) -> Paper:
    texts = [*more, *_buyer(order), order.seller_name, order.shipping_method, order.payment]
    for line in order.lines:
        texts += [line.title, line.options, line.sku]
    texts += [tax.name for tax in order.taxes]
    foot = f"{what} for order #{order.number} · {order.seller_name}"
    return Paper(f"{what} {order.number}", foot, ts, texts, TEST_STAMP if order.test else "")


def _head(paper: Paper, what: str, order: Order, facts: Sequence[tuple[str, str]]) -> None:
    paper.write_line(what, 24, "B")
    if order.test:
        paper.write_line(TEST_STAMP, 11, "B", colour=WARN)
    paper.ln(2)
    for label, value in facts:
        paper.write_cell(30, label, colour=SOFT)
        paper.write_cell(0, value)
        paper.ln(5)
    paper.rule(3)


def _parties(paper: Paper, left: tuple[str, list[str]], right: tuple[str, list[str]]) -> None:
    top, ends = paper.y, list[float]()
    for column, (label, lines) in enumerate((left, right)):
        paper.set_xy(paper.l_margin + column * paper.epw / 2, top)
        paper.write_block(paper.epw / 2 - 6, label, 9, colour=SOFT)
        for number, line in enumerate(lines):
            paper.write_block(paper.epw / 2 - 6, line, 10, "" if number else "B")
        ends.append(paper.y)
    paper.set_xy(paper.l_margin, max(ends))
    paper.ln(5)


def _issuer_and_buyer(paper: Paper, issuer: Issuer, order: Order) -> None:
    seller = [issuer.name, *issuer.address.splitlines()]
    if issuer.tax_id:
        seller.append(f"Tax number: {issuer.tax_id}")
    _parties(paper, ("From", seller), ("To", _buyer(order)))


def _lines(paper: Paper, order: Order) -> None:
    widths = [share * paper.epw for _, share, _ in _COLUMNS]

    def heads() -> None:
        for width, (text, _, align) in zip(widths, _COLUMNS, strict=True):
            paper.write_cell(width, text, 9, align=align, colour=SOFT)
        paper.ln(4)
        paper.rule(1)

    heads()
    for line in order.lines:
        page = paper.page_no()
        paper.room_for(24)
        if paper.page_no() != page:
            heads()
        top = paper.y
        paper.write_block(widths[0], line.title, 10, "B")
        told = " · ".join(part for part in (line.options, line.sku) if part)
        if told:
            paper.write_block(widths[0], told, 9, colour=SOFT)
        if line.discount:
            paper.write_block(widths[0], f"Discount {amount(-line.discount, order.currency)}", 9, colour=SOFT)
        bottom = paper.y
        paper.set_xy(paper.l_margin + widths[0], top)
        paper.write_cell(widths[1], str(line.quantity), align="R")
        paper.write_cell(widths[2], amount(line.price, order.currency), align="R")
        paper.write_cell(widths[3], amount(line.amount, order.currency), align="R")
        paper.set_xy(paper.l_margin, bottom)
        paper.rule(1)


def _totals(paper: Paper, order: Order) -> None:
    paper.room_for(20 + 6 * len(order.taxes))
    _sum(
        paper,
        "Items" if not order.coupon else f"Items, with coupon {order.coupon}",
        order.item,
        order.currency,
    )
    method = f" ({order.shipping_method})" if order.shipping_method else ""
    _sum(paper, f"Shipping{method}", order.shipping, order.currency)
    for tax in order.taxes:
        _sum(paper, f"{tax.name} {_percent(tax.rate_bp)}", tax.amount, order.currency)
    _sum(paper, "Total", order.total, order.currency, strong=True)


def _sum(paper: Paper, label: str, value: int, currency: str, *, strong: bool = False) -> None:
    paper.write_cell(paper.epw * 0.75, label, 12 if strong else 10, "B" if strong else "", align="R")
    paper.write_cell(0, amount(value, currency), 12 if strong else 10, "B" if strong else "", align="R")
    paper.ln(7 if strong else 6)


def _percent(rate_bp: int) -> str:
    whole, part = divmod(rate_bp, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + " %"

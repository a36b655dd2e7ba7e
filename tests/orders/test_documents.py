"""Receipts and invoices: what they say, in every script, over several pages, and the same bytes each time."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from liveserver.orders import paper
from liveserver.orders.documents import (
    TEST_STAMP,
    amount,
    credit_note,
    invoice,
    receipt,
)
from liveserver.orders.issued import CreditNote, Invoice, Issuer
from liveserver.orders.model import Address, Line, TaxLine
from tests.support.orders import PAID_TS, order, refund, tax

HANA = Invoice(
    number=7,
    issued_ts=PAID_TS,
    issuer=Issuer(name="Hana Ltd", address="Main Street 1\n12345 Town", tax_id="DE123456789"),
)


def pages_of(document: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(document)).pages]


def named(name: str) -> Address:
    return Address(name=name, line1="Main Street 1", city="Town", country="CH")


def test_a_receipt_says_what_was_bought_and_paid():
    (text,) = pages_of(receipt(order(taxes=(tax(810, 438),), tax=438)))
    for words in ("Receipt", "#100001", "18 November 2026", "Hana's Cameras", "Ana Müller", "3011 Bern", "Halden 35", "Black · H-35"):  # fmt: skip
        assert words in text
    assert "2 USD 6.00 USD 10.00" in text, "two straps at 6, less 2"
    assert "Shipping (Parcel) USD 4.13 VAT 8.1 % USD 4.38 Total USD 58.51" in text
    assert TEST_STAMP not in text


def test_refunds_stand_on_the_receipt_and_failed_ones_do_not():
    back = (refund(2_000), refund(300, status="requested"), refund(999, status="failed", reason="never mind"))
    (text,) = pages_of(receipt(order(), back))
    assert "A scratch on the lens -USD 20.00" in text
    assert "(on its way) -USD 3.00" in text
    assert "never mind" not in text
    assert "Paid after refunds USD 31.13" in text


def test_an_invoice_has_its_issuer_and_its_own_number():
    (text,) = pages_of(invoice(order(), HANA))
    for words in ("Invoice 000007", "Hana Ltd Main Street 1 12345 Town", "Tax number: DE123456789", "To Ana Müller", "Order #100001"):  # fmt: skip
        assert words in text


def credited(**changes: Any) -> CreditNote:
    usual: dict[str, Any] = {
        "number": 3, "issued_ts": PAID_TS, "issuer": HANA.issuer, "refund": "re_1", "item": 1_000, "shipping": 413, "tax": 114,
        "reason": "A scratch", "settled_ts": PAID_TS, "void": False, "invoice": 7, "invoice_ts": PAID_TS,
    }  # fmt: skip
    return CreditNote(**{**usual, **changes})


def test_a_credit_note_says_for_which_invoice_and_how_much_of_what():
    (text,) = pages_of(credit_note(order(taxes=(tax(810, 438),), tax=438), credited()))
    for words in ("Credit note CN-000003", "For invoice 000007 of 18 November 2026", "Order #100001", "Hana Ltd", "To Ana Müller",
                  "Given back: A scratch", "Of the goods -USD 10.00 Of the shipping -USD 4.13 VAT 8.1 % -USD 1.14 Total -USD 15.27",
                  "Sent to the buyer on 18 November 2026."):  # fmt: skip
        assert words in text, words
    assert "Void" not in text


def test_of_several_taxes_each_takes_its_share_of_what_went_back():
    taxed = order(taxes=(TaxLine("State tax", 700, 300), TaxLine("City tax", 100, 100)), tax=400)
    (text,) = pages_of(credit_note(taxed, credited(tax=101)))
    assert "State tax 7 % -USD 0.76 City tax 1 % -USD 0.25 Total" in text


def test_a_credit_note_whose_refund_came_back_is_void():
    (text,) = pages_of(credit_note(order(taxes=(tax(810, 438),), tax=438), credited(void=True)))
    assert "Void: the refund came back on 18 November 2026. The invoice stands." in text
    assert "Sent to the buyer" not in text


def test_an_order_of_the_test_provider_is_marked_on_every_page():
    lines = tuple(Line(title=f"Card {i}", price=100) for i in range(100))
    for document in (receipt(order(test=True, lines=lines)), invoice(order(test=True, lines=lines), HANA)):
        pages = pages_of(document)
        assert len(pages) > 3
        for number, text in enumerate(pages, 1):
            assert text.count(TEST_STAMP) >= 2
            assert f"Page {number} of {len(pages)}" in text
            assert "Quantity" in text or number == len(pages)
        assert all(f"Card {i} " in " ".join(pages) for i in range(100))


@pytest.mark.skipif(
    not paper.faces(), reason="this machine has none of the fonts that Debian's packages bring"
)
def test_letters_beyond_latin_are_drawn_with_the_systems_fonts():
    (text,) = pages_of(receipt(order(address=named("Łukasz Żółć, Ωμέγα, Иван"))))
    assert "Łukasz Żółć, Ωμέγα, Иван" in text
    assert "no font" not in text


def test_without_fonts_names_lose_their_accents_but_nothing_breaks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paper, "faces", tuple)
    (text,) = pages_of(receipt(order(address=named("Łukasz Żółć 李 😀"))))
    assert "Lukasz Zólc ? ?" in text, "ó is Latin-1's own"
    assert "this server has no font for them" in text


def test_the_same_order_gives_the_same_bytes():
    for name in ("Ana", "Łukasz"):
        assert receipt(order(address=named(name))) == receipt(order(address=named(name)))
        assert invoice(order(address=named(name)), HANA) == invoice(order(address=named(name)), HANA)
    assert receipt(order()) != receipt(order(number=100_002))


def test_titles_that_fill_lines_and_amounts_that_fill_columns_stay_on_the_page():
    line = Line(
        title="Donaudampfschifffahrtsgesellschaft" * 5,
        options="x" * 200,
        sku="y" * 64,
        quantity=1_000,
        price=10**9,
    )
    pages = pages_of(receipt(order(lines=(line,) * 20, currency="KWD", item=20 * 10**12)))
    assert "KWD 20,000,000,000.000" in pages[-1]


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=60), st.text(max_size=60))
def test_any_text_can_be_printed(name: str, title: str):
    made = order(seller_name=name, lines=(Line(title=title or "-", price=100),), address=named(name))
    assert pages_of(receipt(made))
    assert pages_of(
        invoice(made, Invoice(number=1, issued_ts=PAID_TS, issuer=Issuer(name=name, address=title)))
    )


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(123_450, "USD", "USD 1,234.50"), (5, "USD", "USD 0.05"), (-5, "USD", "-USD 0.05"), (500, "JPY", "JPY 500"),
     (1_250, "KWD", "KWD 1.250"), (10**12, "EUR", "EUR 10,000,000,000.00")],
)  # fmt: skip
def test_amounts_have_their_currencys_decimals(minor: int, currency: str, text: str):
    assert amount(minor, currency) == text


def test_fonts_are_found_where_the_system_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paper, "FOLDERS", (tmp_path / "nowhere", tmp_path))
    paper.faces.cache_clear()
    try:
        assert paper.faces() == ()
    finally:
        paper.faces.cache_clear()

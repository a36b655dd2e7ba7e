"""Invoices and credit notes as they were issued: what is kept of them, and what their papers (`documents`) say."""

import msgspec


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """Who bills: as the seller wrote it down."""

    name: str
    address: str = ""
    """Lines, as on an envelope."""
    tax_id: str = ""


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that was issued: its number and what it says of the seller never change again."""

    number: int
    """Counted for each seller, without gaps."""
    issued_ts: int
    issuer: Issuer

    @property
    def name(self) -> str:
        """How people write the number."""
        return f"{self.number:06d}"


class CreditNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a refund takes off an invoice. Its number and what it says never change again; whether it is void does."""

    number: int
    """Counted for each seller, without gaps."""
    issued_ts: int
    issuer: Issuer
    refund: str
    item: int
    shipping: int
    tax: int
    """What of the refund is of the goods, of the postage and of the taxes, in minor units: as it was posted."""
    reason: str
    settled_ts: int
    """When the refund was sent; or, of one that is void, when it came back."""
    void: bool
    """The buyer's bank sent the refund back: the invoice stands again."""
    invoice: int
    invoice_ts: int

    @property
    def name(self) -> str:
        """How people write the number."""
        return f"CN-{self.number:06d}"

    @property
    def amount(self) -> int:
        """All that was given back."""
        return self.item + self.shipping + self.tax

"""The words of carts. Amounts are minor units of the currency beside them, times milliseconds. It holds no rule."""

import hashlib
from typing import NewType

import msgspec

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ProductId, UserId
from liveserver.ledger.model import Rates
from liveserver.orders.model import Address, Line, TaxLine

CartOwner = NewType("CartOwner", str)
"""`u:` and a person's id, or `g:` and the hash of a guest's token: what is in the database opens no cart."""


def of_person(user: str) -> CartOwner:
    """The owner of a signed-in person's cart."""
    return CartOwner(f"u:{user}")


def of_guest(token: str) -> CartOwner:
    """The owner of the cart that this token opens."""
    return CartOwner(f"g:{hashlib.sha256(token.encode()).hexdigest()}")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """So many of one variant, with what is true of it now."""

    id: str
    product: ProductId
    variant: str
    quantity: int
    price_at_add: int
    price: int
    """Now; of a variant that is gone: what it was when it was added."""
    title: str
    sku: str
    options: str
    picture: str
    category: str
    seller: UserId
    seller_name: str
    """"" for sellers of an embedding app who have planned no show yet."""
    currency: str
    stock: int
    """What is on hand; 0 when the variant is gone or its product archived."""

    @property
    def available(self) -> bool:
        """All of it could be ordered now."""
        return self.stock >= self.quantity

    @property
    def price_changed(self) -> bool:
        """It costs something else than when it was added; the price of now counts."""
        return self.price != self.price_at_add

    @property
    def amount(self) -> int:
        """At the price of now."""
        return self.price * self.quantity

    def line(self) -> Line:
        """As an order holds it."""
        return Line(
            product=self.product,
            variant=self.variant,
            title=self.title,
            sku=self.sku,
            options=self.options,
            picture=self.picture,
            category=self.category,
            quantity=self.quantity,
            price=self.price,
        )


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What a cart has of one seller: it is ordered and paid by itself."""

    seller: UserId
    seller_name: str
    items: tuple[Item, ...]
    coupon: str
    coupon_refused: Rejected | None
    """Why the coupon takes nothing off."""
    discount: int

    @property
    def coupon_note(self) -> str:
        """The same in words, or ""."""
        return self.coupon_refused.message if self.coupon_refused is not None else ""

    @property
    def subtotal(self) -> int:
        return sum(item.amount for item in self.items)

    @property
    def total(self) -> int:
        """Goods only: postage and taxes depend on where it goes."""
        return self.subtotal - self.discount

    @property
    def ready(self) -> bool:
        """All of it could be ordered now."""
        return all(item.available for item in self.items)


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """A cart as it stands. All of it is in one currency."""

    id: str
    """"" before anything was added."""
    currency: str
    """"" while it is empty."""
    groups: tuple[Group, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for group in self.groups for item in group.items)

    @property
    def count(self) -> int:
        return sum(item.quantity for item in self.items)

    @property
    def subtotal(self) -> int:
        return sum(group.subtotal for group in self.groups)

    @property
    def discount(self) -> int:
        return sum(group.discount for group in self.groups)

    @property
    def total(self) -> int:
        return self.subtotal - self.discount


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What of a guest's cart did not come along into the person's own."""

    variant: str
    title: str
    options: str
    quantity: int
    """How many of it were left out; fewer than the guest had when some came along."""
    reason: str
    """The code with which adding it would have been refused."""
    note: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One of somebody's addresses."""

    id: str
    address: Address
    usual: bool


class MethodDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A way to ship, as handed in."""

    name: str
    currency: str
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2; none: everywhere."""
    first: int
    """For the first item."""
    further: int = 0
    """For each one more."""
    free_from: int | None = None
    """Goods, after discounts, from which on it costs nothing."""


class Method(MethodDraft, frozen=True, kw_only=True):
    """A way in which a seller ships."""

    id: str


class CouponDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon as handed in: a percentage or an amount, for all goods of the seller or for some."""

    code: str
    percent_bp: int | None = None
    """Basis points of what it is for."""
    amount: int | None = None
    currency: str | None = None
    """Of `amount` and `minimum`; a percentage without a minimum needs none."""
    minimum: int = 0
    """Of all the seller's goods in the cart."""
    from_ts: int = 0
    until_ts: int | None = None
    uses_max: int | None = None
    """Orders of everybody together; those cancelled unpaid don't count. None: any number."""
    person_max: int | None = None
    """Orders of one person."""
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    """For these products and these categories; neither: for everything."""


class Coupon(CouponDraft, frozen=True, kw_only=True):
    """A seller's coupon."""

    id: str
    seller: str
    active: bool = True
    used: int = 0
    """Orders that count."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What goods cost with all that belongs to it."""

    seller: UserId
    seller_name: str = ""
    currency: str
    lines: tuple[Line, ...]
    coupon: str = ""
    shipping: int = 0
    method: str = ""
    """Its name; "" when the seller has no methods, and ships free."""
    taxes: tuple[TaxLine, ...] = ()
    rates: Rates

    @property
    def subtotal(self) -> int:
        """Goods before discounts."""
        return sum(line.price * line.quantity for line in self.lines)

    @property
    def discount(self) -> int:
        return sum(line.discount for line in self.lines)

    @property
    def total(self) -> int:
        return self.subtotal - self.discount + self.shipping + sum(tax.amount for tax in self.taxes)

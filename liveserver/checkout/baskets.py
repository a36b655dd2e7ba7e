"""What checkout asks the cart: `Baskets` on carts, addresses and prices as they are kept. It decides nothing of its own."""

from collections.abc import Sequence

from liveserver.accounts import store as accounts
from liveserver.accounts.model import Identity
from liveserver.cart import addresses, coupons, rules, shipping
from liveserver.cart.model import Quote, of_person
from liveserver.cart.quotes import Quotes
from liveserver.cart.service import person_of
from liveserver.cart.store import Q
from liveserver.checkout.model import Method, SavedAddress
from liveserver.infra.database import Connection, Pool
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from liveserver.orders.model import Address, Order


class CartBaskets:
    """See `checkout.model.Baskets`."""

    def __init__(self, quotes: Quotes) -> None:
        self._quotes = quotes

    async def address(self, on: Connection, who: Identity, address: str | Address) -> Address | Rejected:
        if isinstance(address, Address):
            return rules.judge_address(address)
        return await addresses.find(on, who.id, address)

    async def price(
        self, on: Connection, who: Identity, seller: str, address: Address, method: str, coupon: str
    ) -> Quote | Rejected:
        return await self._quotes.of_cart(on, of_person(who.id), seller, address, method, coupon)

    async def price_again(self, on: Connection, order: Order, address: Address) -> Quote | Rejected:
        return await self._quotes.of_order(on, order, address)

    async def ordered(self, on: Connection, who: Identity, order: Order, coupon: str) -> Rejected | None:
        owner = of_person(who.id)
        cart = await on.fetchval(Q.lock_cart, owner)
        await on.execute(Q.clear_seller, cart, order.seller, [line.variant for line in order.lines])
        await on.execute(Q.drop_cart_coupons, cart, order.seller)
        # Last, for others who use the same coupon wait.
        return await coupons.take(on, order.id, order.seller, person_of(owner), coupon) if coupon else None

    async def email_of(self, on: Connection, who: Identity) -> str:
        account = await accounts.find_account(on, UserId(who.id))
        return "" if account is None else account.email

    async def saved(self, on: Pool | Connection, who: Identity) -> Sequence[SavedAddress]:
        return [SavedAddress(one.id, one.address) for one in await addresses.all_of(on, who.id)]

    async def methods(
        self, on: Pool | Connection, who: Identity, seller: str, country: str
    ) -> Sequence[Method]:
        found = await shipping.of_seller(on, seller)
        return [Method(m.id, m.name) for m in found if not m.countries or country in m.countries]

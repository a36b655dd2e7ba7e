"""Carts as rows: reading one whole. What changes them is beside its rules (`service`, `coupons`, `addresses`, `shipping`)."""

from liveserver.cart.model import CartOwner, Item
from liveserver.infra.database import Connection, Pool, load_queries
from liveserver.kernel.ids import ProductId, UserId

Q = load_queries("liveserver.cart")
Database = Pool | Connection


async def items_of(on: Database, cart: str) -> list[Item]:
    """All that is in a cart."""
    found: list[Item] = []
    for row in await on.fetch(Q.items, cart):
        options = " / ".join(part for part in (row["color"], row["size"]) if part)
        found.append(
            Item(
                id=row["id"],
                product=ProductId(row["product"]),
                variant=row["variant"],
                quantity=row["quantity"],
                price_at_add=row["price_at_add"],
                price=row["price"],
                title=row["title"],
                sku=row["sku"],
                options=options,
                picture=row["picture"],
                category=row["category"],
                seller=UserId(row["seller"]),
                seller_name=row["seller_name"],
                currency=row["currency"],
                stock=row["stock"],
            )
        )
    return found


async def coupons_of_cart(on: Database, cart: str) -> dict[str, str]:
    """The coupons that were typed, by seller."""
    return {row["seller"]: row["code"] for row in await on.fetch(Q.cart_coupons, cart)}


async def count(on: Database, owner: CartOwner) -> int:
    """How many things somebody has in their cart."""
    return await on.fetchval(Q.count_items, owner)

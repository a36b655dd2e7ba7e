"""The English auction with proxy maxima: who leads, at which price, and what the next bid must reach.

It knows amounts and order, and neither clock nor people's rights. Source: auction-rules.md, "English with proxy (maximum)
bids"; the numbers in comments are its rules. An amount of 0 stands for "none": amounts are 1 or more.
"""

import msgspec

from liveserver.auction.increments import Increments
from liveserver.kernel.errors import Rejected


class Rules(msgspec.Struct, frozen=True):
    """What is fixed about prices when the lot opens."""

    start: int
    reserve: int | None
    exact: bool
    """Every bid is the price itself: no hidden maxima."""
    increments: Increments


class Standing(msgspec.Struct, array_like=True, gc=False):
    """What one bidder has on the lot. `seq` is when the maximum was set: the earlier wins a tie."""

    name: str
    public: str
    """Pseudonym within the show (`chain.public_id`)."""
    max: int
    seq: int
    bids: int
    exact: int = 0
    """The highest amount they bid as the price itself."""


class Book(msgspec.Struct, tag="english"):
    """All bids of a lot, and what they come to. `top` and `second` are the two highest maxima: never shown."""

    min_next: int
    bidders: dict[str, Standing] = {}
    leader: str = ""
    top: int = 0
    second: int = 0
    price: int | None = None
    bids: int = 0


class Outcome(msgspec.Struct, gc=False):
    """What the book says after a bid or a void."""

    leader: str
    top: int
    second: int
    price: int | None
    min_next: int


def new_book(rules: Rules) -> Book:
    """The book of a lot that nobody has bid on (1)."""
    return Book(min_next=rules.start)


def judge(book: Book, rules: Rules, bidder: str, amount: int, exact: bool = False) -> Outcome | Rejected:
    """What a bid of at most `amount` comes to: `bid_too_low` and `already_leading` are its refusals.

    The book is left as it is; see `enter` and `settle`. An exact bid is both the maximum and the price, if it leads.
    """
    exact = exact or rules.exact
    if bidder == book.leader:
        if amount <= book.top:  # (6)
            return Rejected(
                "already_leading",
                "You are leading with this or a higher maximum already.",
                detail={"max": book.top, "min_next": book.min_next},
            )
        # Raising a hidden maximum needs no step; naming a visible price does.
        if exact and amount < book.min_next:
            return too_low(book.min_next)
        leader, top, second = bidder, amount, book.second
    elif amount < book.min_next:  # (2)
        return too_low(book.min_next)
    elif amount > book.top:  # (3)
        leader, top, second = bidder, amount, book.top
    else:  # a tie goes to the earlier, who leads
        leader, top, second = book.leader, book.top, max(book.second, amount)
    floor = book.price or 0
    if exact and leader == bidder and amount > floor:
        floor = amount  # (7)
    price = _price(rules, top, second, floor)
    return Outcome(leader, top, second, price, price + rules.increments.step(price))


def too_low(min_next: int) -> Rejected:
    """The refusal of a bid under the minimum, which it names."""
    return Rejected(
        "bid_too_low", "Someone was faster, or this is too little.", detail={"min_next": min_next}
    )


def _price(rules: Rules, top: int, second: int, floor: int) -> int:
    """The price that the two highest maxima come to; at least `floor`."""
    if second:  # (4)
        price = second + rules.increments.step(second)
        if price > top:
            price = top
    else:
        price = rules.start
    reserve = rules.reserve
    if reserve is not None:  # (5)
        shown = min(reserve, top)
        if shown > price:
            price = shown
    return max(floor, price)


def enter(book: Book, bidder: str, name: str, public: str, amount: int, exact: bool, seq: int) -> None:
    """Enters an accepted bid; what it came to is taken over by `settle`."""
    standing = book.bidders.get(bidder)
    if standing is None:
        book.bidders[bidder] = Standing(name, public, amount, seq, 1, amount if exact else 0)
    else:
        assert amount > standing.max, "an accepted bid is above whatever its bidder bid before"
        standing.max = amount
        standing.seq = seq
        standing.bids += 1
        if exact:
            standing.exact = amount
    book.bids += 1


def remove(book: Book, bidder: str) -> None:
    """Takes a voided bidder out; what is left is taken over by `settle`."""
    book.bids -= book.bidders.pop(bidder).bids


def settle(book: Book, leader: str, top: int, second: int, price: int | None, min_next: int) -> None:
    """Takes over an outcome."""
    book.leader = leader
    book.top = top
    book.second = second
    book.price = price
    book.min_next = min_next


def without(book: Book, rules: Rules, bidder: str) -> Outcome:
    """What the remaining maxima come to when one bidder is voided. Here, and only here, a price may fall."""
    rest = [(-s.max, s.seq, user) for user, s in book.bidders.items() if user != bidder]
    if not rest:
        return Outcome("", 0, 0, None, rules.start)
    rest.sort()
    leader = rest[0][2]
    top = -rest[0][0]
    second = -rest[1][0] if len(rest) > 1 else 0
    price = _price(rules, top, second, book.bidders[leader].exact)
    return Outcome(leader, top, second, price, price + rules.increments.step(price))


def reserve_status(rules: Rules, price: int | None) -> str:
    """What may be said of the reserve: `none`, `not_met` or `met`."""
    if rules.reserve is None:
        return "none"
    return "met" if price is not None and price >= rules.reserve else "not_met"

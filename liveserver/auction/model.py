"""The words of auctions: a lot's terms and state, the commands as they stand in the log, and what may have happened.

It holds no rule. Facts are the record and hold hidden things (maxima, reserve, who); `projection` says what is shown.
`line` of a fact is its public part, as the hash chain covers it.
"""

from typing import ClassVar, Literal

import msgspec

from liveserver.auction.clock import Timing
from liveserver.auction.formats.english import Book, Rules
from liveserver.rooms.model import Fact

LOTS_MAX = 50
"""Lots kept in a room, the running one included: the recent results of a snapshot. The oldest finished go first."""
UNCONFIRMED_MAX = 20
"""Decided lots that the record has not confirmed yet; more than these in a row, and no lot opens until it has."""
BIDDERS_MAX = 10_000
"""Bidders of a lot; further people are refused (`lot_full`). Some megabytes of state."""
BARRED_MAX = 1_000
"""People voided on a lot; further voids are refused. Nobody voids so many by hand."""
WINNERS_MAX = 10_000
"""People whose winnings of the show are summed for exposure limits. The longest without a win go first."""
REASON_MAX = 200
"""Characters of a void's reason."""
CONFIRM_TIMES = 10
"""A bid above this many times the minimum is asked to be confirmed, by default."""
CONFIRM_MS = 30_000
"""How long a confirmation token holds (auction-rules.md)."""

Status = Literal["open", "closing", "hammered", "sold", "passed"]
"""open -> closing (at the end, for `hammer_ms`; a late bid may lead back to open) -> hammered -> sold, or -> passed."""
PassReason = Literal["no_bids", "reserve_not_met", "host"]
Cause = Literal["clock", "called", "host"]


class Terms(msgspec.Struct, frozen=True):
    """All that a lot pins when it opens; at the same time the arguments of `lot:open`, settled at the edge."""

    lot: str
    show: str
    title: str
    currency: str
    rules: Rules
    timing: Timing
    picture: str = ""
    product: str | None = None
    seller: str = ""
    """Whose product it is: may not bid. "" for the host's own."""
    format: str = "english"
    version: int = 1
    """Of the format's rules."""
    confirm_times: int = CONFIRM_TIMES
    """0: never ask."""
    limit: int | None = None
    """Most that one bidder may owe in the show: what they won there and their maximum here. None: no limit."""


class Lot(msgspec.Struct, omit_defaults=True):
    """A lot as a room holds it. Bids are dropped when it is finished; the record has them."""

    terms: Terms
    secret: str
    """Key of confirmation tokens."""
    opened_at: int
    ends_at: int
    hard_ends_at: int | None
    head: str
    book: Book
    status: Status = "open"
    extensions: int = 0
    calls: int = 0
    called_at: int = 0
    leader_name: str = ""
    leader_public: str = ""
    barred: list[str] = []
    reason: str = ""
    """Why it passed."""
    decided_seq: int = 0
    """Where it was hammered: what must be recorded before it is sold."""


class AuctionState(msgspec.Struct, omit_defaults=True):
    """The auctions of a show. `running` is the lot that is open or closing, or ""; `current` the last one opened."""

    running: str = ""
    current: str = ""
    lots: dict[str, Lot] = {}
    won: dict[str, int] = {}
    """What people won in this show, in all."""


class PlaceBid(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`bid:place`. `confirm` is the token of an earlier `confirm_bid`."""

    lot: str
    amount: int
    exact: bool = False
    confirm: str = ""


class CallLot(msgspec.Struct, frozen=True):
    """`lot:call`: going once, going twice, sold."""

    lot: str


class ExtendLot(msgspec.Struct, frozen=True):
    """`lot:extend`: the host gives more time."""

    lot: str
    by_ms: int


class CloseLot(msgspec.Struct, frozen=True):
    """`lot:close`: the host's hammer, or the system's timer."""

    lot: str


class PassLot(msgspec.Struct, frozen=True):
    """`lot:pass`: the host takes the lot back."""

    lot: str


class VoidBidder(msgspec.Struct, frozen=True):
    """`lot:void`: one bidder's bids count no more."""

    lot: str
    user: str
    reason: str


class ConfirmLot(msgspec.Struct, frozen=True):
    """`lot:confirm`: the record has the result. Of the system alone."""

    lot: str


class LotFact(Fact, kw_only=True):
    """Something that happened to a lot. `head` is the lot's chain after it."""

    lot: str
    head: str = ""

    def line(self) -> str:
        """The public part, as the hash chain covers it."""
        raise AssertionError(f"{type(self).__name__} does not say which part of it is public")


class LotOpened(LotFact, kw_only=True, tag="lot_opened"):
    """`sealed` commits to the reserve, so that it can be shown later to have been there from the start."""

    terms: Terms
    secret: str
    sealed: str
    ends_at: int
    hard_ends_at: int | None
    by: str

    def line(self) -> str:
        t, r = self.terms, self.terms.rules
        steps = ",".join(f"{b}:{s}" for b, s in zip(r.increments.bounds, r.increments.steps, strict=True))
        clock = f"{t.timing.window_ms}|{t.timing.extend_ms}|{t.timing.hammer_ms}|{t.timing.call_gap_ms}"
        pinned = f"{t.format}.{t.version}|{t.currency}|{r.start}|{int(r.exact)}|{steps}|{clock}"
        return f"opened|{t.show}|{t.lot}|{pinned}|{self.ends_at}|{self.hard_ends_at}|{self.sealed}|{t.title}"


def bid_line(
    public: str,
    price: int,
    leader_public: str,
    bids: int,
    status: Status,
    ends_at: int,
    allowance_ms: int,
    commitment: str,
) -> str:
    """The public part of an accepted bid, as the hash chain covers it; `BidAccepted.line` while there is no fact yet."""
    return f"bid|{public}|{price}|{leader_public}|{bids}|{status}|{ends_at}|{allowance_ms}|{commitment}"


class BidAccepted(LotFact, kw_only=True, gc=False, tag="bid_accepted"):
    """A bid that counts, and all that it came to. `amount` is its maximum: hidden, as `top` and `second` are.

    Made for every bid and holding nothing but scalars, it is kept out of the garbage collector's rounds.
    """

    bidder: str
    name: str
    public: str
    amount: int
    exact: bool
    own_bids: int
    outbid: str
    """Who led before and does no more, or ""."""
    leader: str
    leader_name: str
    leader_public: str
    top: int
    second: int
    price: int
    bids: int
    min_next: int
    reserve: str
    status: Status
    ends_at: int
    extended: bool
    extensions: int
    allowance_ms: int
    """What a late bid was made up for; 0 for one in time."""
    commitment: str

    def line(self) -> str:
        return bid_line(
            self.public,
            self.price,
            self.leader_public,
            self.bids,
            self.status,
            self.ends_at,
            self.allowance_ms,
            self.commitment,
        )


class LotCalled(LotFact, kw_only=True, tag="lot_called"):
    """Going once (1), going twice (2)."""

    calls: int
    ends_at: int
    by: str

    def line(self) -> str:
        return f"called|{self.calls}"


class LotExtended(LotFact, kw_only=True, tag="lot_extended"):
    """The host gave more time. (What a bid adds stands in `BidAccepted`.)"""

    ends_at: int
    extensions: int
    by: str

    def line(self) -> str:
        return f"extended|{self.ends_at}"


class LotClosing(LotFact, kw_only=True, tag="lot_closing"):
    """The end was reached, called or hammered at `ends_at`; the result comes after `hammer_ms`."""

    cause: Cause
    ends_at: int
    calls: int
    by: str

    def line(self) -> str:
        return f"closing|{self.cause}|{self.ends_at}"


class LotHammered(LotFact, kw_only=True, tag="lot_hammered"):
    """There is a winner; final once the record has it."""

    milestone: ClassVar[bool] = True

    winner: str
    name: str
    public: str
    price: int
    bids: int
    ends_at: int

    def line(self) -> str:
        return f"hammered|{self.public}|{self.price}|{self.bids}"


class LotSold(LotFact, kw_only=True, tag="lot_sold"):
    """The result is final. Holds what an order needs."""

    winner: str
    name: str
    public: str
    price: int
    bids: int
    ends_at: int
    currency: str
    title: str
    product: str | None
    seller: str

    def line(self) -> str:
        return f"sold|{self.public}|{self.price}|{self.bids}"


class LotPassed(LotFact, kw_only=True, tag="lot_passed"):
    """No sale: nobody bid enough, or the host took it back (`by`)."""

    milestone: ClassVar[bool] = True

    reason: PassReason
    ends_at: int
    by: str

    def line(self) -> str:
        return f"passed|{self.reason}"


class BidderVoided(LotFact, kw_only=True, tag="bidder_voided"):
    """One bidder's bids were taken out, and what the others' come to. The price may have fallen."""

    user: str
    name: str
    public: str
    reason: str
    by: str
    leader: str
    leader_name: str
    leader_public: str
    top: int
    second: int
    price: int | None
    bids: int
    min_next: int
    reserve: str
    ends_at: int
    commitment: str
    """To the person and the reason."""

    def line(self) -> str:
        return f"voided|{self.public}|{self.price}|{self.leader_public}|{self.bids}|{self.commitment}"


LOT_FACTS = (
    LotOpened,
    BidAccepted,
    LotCalled,
    LotExtended,
    LotClosing,
    LotHammered,
    LotSold,
    LotPassed,
    BidderVoided,
)
AnyLotFact = (
    LotOpened
    | BidAccepted
    | LotCalled
    | LotExtended
    | LotClosing
    | LotHammered
    | LotSold
    | LotPassed
    | BidderVoided
)

"""Every event a viewer may be told, in words: for docs/PROTOCOL.md and the AsyncAPI document.

Events are made by features, which the gateway does not know; a test finds every event type in their sources and compares.
"""

import msgspec


class EventWords(msgspec.Struct, frozen=True):
    """`to`: "all" are ordered and recoverable; "one", "staff" and "latest" stand alone and may be lost."""

    type: str
    to: str
    payload: str
    told: str


EVENTS: tuple[EventWords, ...] = (
    EventWords("show:started", "all", "status, started_at", "The show is live."),
    EventWords("show:ended", "all", "status, ended_at", "The show is over."),
    EventWords("chat:new", "all", "id, user {id, name, role?}, message, ts", "Somebody said something; staff carry `role`."),
    EventWords("chat:deleted", "all", "ids, by, id or user", "Messages were taken back, or hidden with their banned author."),
    EventWords("chat:pinned", "all", "message or null", "A message stands above the chat, or none does."),
    EventWords("chat:slow", "all", "interval_ms", "The least time between two messages of one viewer."),
    EventWords("user:muted", "one, staff", "user, until_ts, by (staff)", "Somebody can't write until then."),
    EventWords("user:unmuted", "one, staff", "user, by (staff)", "A mute was ended."),
    EventWords("user:banned", "one, staff", "user, reason, by (staff)", "Somebody is barred from this show."),
    EventWords("user:unbanned", "one, staff", "user, by (staff)", "A ban was lifted."),
    EventWords("product:highlighted", "all", "product {id, title, price, currency, picture, offer {limit, variants [{id, label, price, remaining}]} or null} or null", "What the spotlight is on, and what of it can be bought."),
    EventWords("product:claimed", "all", "product, variant, qty, remaining, name", "Somebody bought from the spotlight. Within one batch only the newest of a variant is told."),
    EventWords(
        "order:updated",
        "one",
        "order, number, role (`buyer`, `seller`), state, refund, funds, dispute, title, total, item, currency, due_ts, sold_in, lot, claim, test, buyer (seller)",
        "An order of one's own was placed or changed: of a lot won (`lot`), of a purchase from the spotlight (`claim`) or of a cart; told to buyer and seller in any show.",
    ),
    EventWords("lot:opened", "all", "the lot's document, server_now", "A lot takes bids."),
    EventWords(
        "bid:accepted",
        "all",
        "lot, price, leader, leader_id, bids, min_next, reserve, status, ends_at, extensions, server_now, head",
        "The lot's new state. Within one batch only the newest of a lot is told; `bids` counts all.",
    ),
    EventWords("bid:outbid", "one", "lot, price, leader, leader_id, min_next, ends_at, server_now", "Somebody else leads."),
    EventWords("lot:extended", "all", "lot, cause (`bid`, `host`), ends_at, extensions, server_now, head", "A late bid, or the host, moved the end."),
    EventWords("lot:called", "all", "lot, calls, ends_at, server_now, head", "Going once (1), going twice (2)."),
    EventWords(
        "lot:closing",
        "all",
        "lot, status, cause or provisional {price, leader, leader_id}, ends_at, server_now, head",
        "`closing`: late packets are still waited for. `hammered`: decided, not yet recorded.",
    ),
    EventWords("lot:sold", "all", "lot, status, price, leader, leader_id, bids, ends_at, server_now, head", "Final: the sale is recorded."),
    EventWords("lot:passed", "all", "lot, status, reason, ends_at, server_now, head", "No sale."),
    EventWords(
        "lot:voided",
        "all",
        "lot, reason, price, leader, leader_id, bids, min_next, reserve, calls, ends_at, server_now, head",
        "A bidder was taken out; the lot's new state, in which the price may be lower.",
    ),
    EventWords("bid:voided", "one", "lot, reason, server_now", "One's bids on the lot no longer count."),
    EventWords("host:bid", "staff", "lot, bidder {id, name}, bids, leading, price, accepted, server_now", "Who bid, for the console."),
    EventWords("host:void", "staff", "lot, reason, bidder {id, name}, server_now", "Who was taken out."),
    EventWords("you:changed", "one", "role, verified", "One's rights in this show have changed."),
    EventWords("viewer:count", "latest", "count", "Viewers over all nodes; at most once a second, and once on joining."),
    EventWords("stage:live", "latest", "people [{id, name, sources, since_ts}]", "Who is on stage (camera, microphone, screen), when that changes, and once on joining."),
    EventWords("stage:off", "latest", "nothing", "Nobody is on stage any more."),
    EventWords("reaction:burst", "latest", "counts {emoji: number}", "Reactions since the last one."),
)  # fmt: skip
"""By subject."""

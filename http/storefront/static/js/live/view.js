// What a page knows of a show: the snapshot of its join, kept current by events. Pure: no page, no socket, no time.
// The mirror of liveserver/client/view.py; the law is the same: old snapshot + events == new snapshot.

import { reduce as auction } from "./reducers/auction.js";
import { reduce as chat } from "./reducers/chat.js";
import { reduce as show } from "./reducers/show.js";
import { reduce as spotlight } from "./reducers/spotlight.js";

const REDUCERS = { auction, chat, show, spotlight };

/** A view before its first snapshot: what a page shows while it connects. */
export function blank() {
  return { show: {}, auction: { current: null, lots: {} }, chat: { messages: [], pinned: null, slow_ms: 0 }, spotlight: { product: null } };
}

/** Applies one event in place. Unknown types are left alone: a newer server may say more than this page knows. */
export function apply(view, event) {
  for (const [feature, reduce] of Object.entries(REDUCERS)) {
    if (view[feature]) reduce(view[feature], event);
  }
}

/** The lot on sale, else the one decided last, else null. */
export function currentLot(auction) {
  return auction.lots?.[auction.current] ?? null;
}

// When to come back after a lost connection. It decides only; the socket waits and connects.
// Close codes: 4000-4499 mean "reconnect", 4500-4999 "do not come back" (docs/PROTOCOL.md has the table).

const FIRST_MS = 400;
const MOST_MS = 20_000; // longer waits than this feel like a dead page
const DRAINING = 4000; // the server stops; behind the same address another one answers already, or soon
const SPREAD_MOST_MS = 60_000; // a server that drains may ask for this much patience at most

/** True when the close code forbids reconnecting. */
export function isFinal(code) {
  return (code >= 4500 && code <= 4999) || [1002, 1003, 1007, 1009].includes(code);
}

/** True when a server that had greeted us sends us elsewhere: no failure, and nothing to tell anybody about. */
export function isSentAway(code, greeted) {
  return greeted && code === DRAINING;
}

/**
 * How long to wait before attempt `attempt` (0 for the first), in ms. Full jitter, so that ten thousand viewers of one
 * restarted server do not arrive in the same second. `spreadMs` is the server's own wish, read from the close reason.
 */
export function delayMs(attempt, spreadMs = 0, random = Math.random) {
  if (attempt === 0 && spreadMs) return random() * Math.min(spreadMs, SPREAD_MOST_MS);
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** attempt);
  return ceiling / 4 + random() * ceiling * 0.75;
}

/** The spread in ms that a close reason asks for, e.g. "draining 5000", else 0. */
export function spreadOf(reason) {
  const match = /^[a-z_]+ (\d{1,6})$/.exec(reason ?? "");
  return match ? Number(match[1]) : 0;
}

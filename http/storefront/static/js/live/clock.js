// The server's time on this device, and how a countdown reads. It never touches the page: callers draw.
// Samples come from hello, joins and clock:sync; the one with the shortest round trip is the most honest.

const SAMPLES_MAX = 8; // enough to outlive one bad minute on a phone, few enough to follow a drifting clock

export class ServerClock {
  #samples = [];
  #offsetMs = Date.now() - now();

  /** Takes one answer: `sentMs` is what `now()` said when the question left, `serverMs` the server's time in the answer. */
  sample(sentMs, serverMs) {
    const roundTripMs = Math.max(0, now() - sentMs);
    this.#samples.push({ roundTripMs, offsetMs: serverMs + roundTripMs / 2 - now() });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
    this.#offsetMs = this.#samples.reduce((best, s) => (s.roundTripMs <= best.roundTripMs ? s : best)).offsetMs;
  }

  /** Forgets all samples: after a long sleep of the device the monotonic clock may have stood still. */
  reset() {
    this.#samples = [];
  }

  /** The server's time in ms, as well as we know it. */
  serverNow() {
    return now() + this.#offsetMs;
  }
}

/** Monotonic ms: unlike Date.now() it does not jump when the device corrects its clock. */
export function now() {
  return performance.now();
}

/** What a countdown shows for `leftMs`: `1:04:09`, `4:09`, `0:42`, `2d 4h` for days,
 * and with tenths under ten seconds, `9.4`. */
export function countdown(leftMs) {
  const left = Math.max(0, leftMs);
  if (left < 10_000) return (Math.floor(left / 100) / 10).toFixed(1);
  const total = Math.floor(left / 1000);
  const seconds = String(total % 60).padStart(2, "0");
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  if (hours >= 48) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** Days, hours, minutes and seconds until a show starts, for the big countdown. */
export function parts(leftMs) {
  const total = Math.max(0, Math.floor(leftMs / 1000));
  return { days: Math.floor(total / 86400), hours: Math.floor(total / 3600) % 24, minutes: Math.floor(total / 60) % 60, seconds: total % 60 };
}

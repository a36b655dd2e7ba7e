// Two live regions for screen readers: polite for prices, assertive for "outbid". Nothing visible.

const POLITE_EVERY_MS = 2500; // a bidding war must not become an endless sentence: the latest price wins
let timer = 0;
let next = "";

/** Says it when the reader has time; a newer text replaces one that still waits. */
export function politely(message) {
  next = message;
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    say("announce-polite", next);
  }, POLITE_EVERY_MS);
  say("announce-polite", message);
}

/** Interrupts: only for what costs the person something now. */
export function assertively(message) {
  say("announce-assertive", message);
}

function say(id, message) {
  const region = document.getElementById(id);
  if (region && region.textContent !== message) region.textContent = message;
}

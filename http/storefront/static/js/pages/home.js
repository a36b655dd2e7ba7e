// Home: live cards tick. One socket, joined to the shows that are on the page; guests may watch, so no sign-in is needed.

import { countdown } from "../live/clock.js";
import { LiveSocket } from "../live/socket.js";
import { socketUrl } from "../live/session.js";
import { apply, blank, currentLot } from "../live/view.js";
import { $, $$, flash, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";

const SHOWS_MAX = 6; // cards above the fold; the rest keeps the server's figures, which are seconds old

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const cards = $$("[data-live]").slice(0, SHOWS_MAX);
if (cards.length) {
  const socket = new LiveSocket(socketUrl("/ws"));
  for (const card of cards) follow(socket, card);
}

function follow(socket, card) {
  let view = blank();
  const price = $("[data-lot-price]", card);
  const clock = $("[data-lot-clock]", card);
  socket.join(card.dataset.live, {
    snapshot: (snapshot) => {
      view = { ...blank(), ...snapshot };
      draw();
    },
    events: (events) => {
      for (const event of events) apply(view, event);
      draw();
    },
    alone: ({ type, payload }) => {
      if (type !== "viewer:count") return;
      text($("[data-viewers]", card), compact.format(payload.count));
      show($("[data-viewers-box]", card), true);
    },
  });
  setInterval(tick, 500);

  function draw() {
    const lot = currentLot(view.auction);
    if (!lot) return;
    const amount = money(lot.price ?? lot.start, lot.currency);
    if (price.textContent !== amount) flash(price, "pop");
    text(price, amount);
    text($("[data-lot-title]", card), lot.title);
    for (const image of $$("[data-picture]", card)) if (lot.picture && image.getAttribute("src") !== lot.picture) image.src = lot.picture;
    tick();
  }

  function tick() {
    const lot = currentLot(view.auction);
    const left = lot?.status === "open" ? lot.ends_at - socket.clock.serverNow() : -1;
    text(clock, left < 0 ? "" : left < 10_000 ? `0:0${Math.floor(left / 1000)}` : countdown(left));
    clock.classList.toggle("urgent", left >= 0 && left < 10_000);
  }
}

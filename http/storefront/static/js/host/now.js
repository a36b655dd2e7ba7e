// The middle of the console: the lot on sale, its clock, and the controls that open, call, hammer and pass.

import { countdown } from "../live/clock.js";
import { $, flash, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { politely } from "../ui/announce.js";
import { count, t } from "../ui/words.js";

const URGENT_MS = 10_000;
const EXTEND_MS = 10_000; // what the button says

export function wireNow(session, data, act, queue) {
  const buttons = { call: $("#do-call"), hammer: $("#do-hammer"), pass: $("#do-pass"), extend: $("#do-extend"), next: $("#do-next") };
  const card = $("#now");

  buttons.call.addEventListener("click", () => onLot(buttons.call, "lot:call"));
  buttons.hammer.addEventListener("click", () => onLot(buttons.hammer, "lot:close"));
  buttons.pass.addEventListener("click", () => onLot(buttons.pass, "lot:pass"));
  buttons.extend.addEventListener("click", () => onLot(buttons.extend, "lot:extend", { by_ms: EXTEND_MS }));
  buttons.next.addEventListener("click", () => able(buttons.next) && queue.openNext(buttons.next));

  session.watch(draw);
  session.on("bid:accepted", (payload, { fresh, before }) => fresh && payload.price !== before?.price && flash($("#price"), "pop"));
  // A bid tells its new end itself, with lot:extended behind it; a host's extension comes alone. Whichever moves the end first counts.
  for (const type of ["bid:accepted", "lot:extended"]) {
    session.on(type, (payload, { fresh, before }) => {
      if (!fresh || !before || !(payload.ends_at > before.ends_at)) return;
      const gained = Math.round((payload.ends_at - before.ends_at) / 1000);
      text($("#jump"), gained > 0 ? t("extended", { seconds: gained }) : "");
      flash($("#timer"), "jumped");
    });
  }
  session.on("lot:sold", (payload, { fresh }) => fresh && politely(`${t("soldTo", { name: payload.leader })}, ${money(payload.price, data.currency)}`));
  tick();

  function onLot(button, type, more = {}) {
    if (able(button)) act(button, type, { lot: session.lot.lot, ...more });
  }

  function draw() {
    const status = session.view.show.status ?? data.status;
    const lot = session.lot;
    const running = lot && ["open", "closing"].includes(lot.status);
    const phase = status === "live" ? (lot ? lot.status : "idle") : status;
    card.dataset.phase = phase;
    show($("#now-start"), status === "scheduled");
    show($("#now-ended"), status === "ended");
    show($("#now-idle"), status === "live" && !lot);
    show($("#now-lot"), status === "live" && Boolean(lot));
    show($("#controls"), status === "live");
    enable(buttons.call, lot?.status === "open" && lot.bids > 0);
    enable(buttons.hammer, lot?.status === "open");
    enable(buttons.extend, lot?.status === "open");
    enable(buttons.pass, lot?.status === "open");
    enable(buttons.next, status === "live" && !running && Boolean(queue.first()));
    text($("#call-label"), t(["callOnce", "callTwice", "callThird"][running ? lot.calls : 0] ?? "callThird"));
    drawNext();
    if (lot) drawLot(lot);
  }

  function drawLot(lot) {
    text($("#lot-title"), lot.title);
    if (lot.picture && $("#lot-picture").getAttribute("src") !== lot.picture) $("#lot-picture").src = lot.picture;
    show($("#lot-picture"), Boolean(lot.picture));
    text($("#price"), money(lot.price ?? lot.start, lot.currency));
    text($("#lot-facts"), [lot.bids ? count("bids", lot.bids) : t("noBids", { amount: money(lot.start, lot.currency) }), lot.extensions ? count("extensions", lot.extensions) : ""].filter(Boolean).join(" · "));
    text($("#leader"), leader(lot));
    show($("#call"), lot.status === "open" && lot.calls > 0);
    text($("#call"), t(lot.calls >= 2 ? "goingTwice" : "goingOnce"));
    show($("#reserve"), lot.reserve !== "none");
    text($("#reserve"), t(lot.reserve === "met" ? "reserveMet" : "reserveNotMet"));
    $("#reserve").classList.toggle("win", lot.reserve === "met");
  }

  function drawNext() {
    const next = queue.first();
    text($("#next-title"), next ? `${next.title} · ${money(next.start, data.currency)}` : t("queueEmpty"));
    show($("#next-picture"), Boolean(next?.picture));
    if (next?.picture && $("#next-picture").getAttribute("src") !== next.picture) $("#next-picture").src = next.picture;
  }

  function tick() {
    const lot = session.lot;
    const left = lot?.status === "open" ? lot.ends_at - session.clock.serverNow() : 0;
    const span = lot?.extensions ? Math.max(lot.extend_ms ?? 0, URGENT_MS) : Math.max(1000, (lot?.ends_at ?? 0) - (lot?.opened_at ?? 0));
    card.classList.toggle("urgent", lot?.status === "open" && left < URGENT_MS);
    text($("#clock"), lot?.status === "open" ? countdown(left) : lot?.status === "closing" || lot?.status === "hammered" ? "0.0" : "–");
    $("#meter").style.transform = `scaleX(${Math.max(0, Math.min(1, left / span))})`;
    setTimeout(tick, left > URGENT_MS ? 250 : 100);
  }
}

function leader(lot) {
  if (lot.status === "sold") return t("soldTo", { name: lot.leader });
  if (lot.status === "passed") return t(lot.reason === "reserve_not_met" ? "passedReserve" : "passed");
  if (lot.status !== "open") return t("confirming");
  return lot.leader ? t("leads", { name: lot.leader }) : t("noBidders");
}

function enable(button, can) {
  button.setAttribute("aria-disabled", String(!can));
}

const able = (button) => button.getAttribute("aria-disabled") !== "true";

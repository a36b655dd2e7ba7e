// The auction bar: price, leader, countdown, one button. Redrawn from the session, never from guesses;
// the only thing drawn before the server answers is that a bid is on its way.

import { countdown } from "../live/clock.js";
import { $, flash, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { assertively, politely } from "../ui/announce.js";
import { count, t } from "../ui/words.js";
import { isOpen } from "./bidding.js";

const URGENT_MS = 10_000;

export function wireBar(session, data, bidding) {
  const bar = $("#bar");
  const button = $("#bid");
  const max = $("#bid-more");
  const clockText = $("#clock");
  const meter = $("#meter");
  let held = null; // the amount under the thumb: what is pressed is what is bid, even if the price moves meanwhile
  let said = "";
  let tenSaid = "";

  button?.addEventListener("pointerdown", () => {
    held = session.lot?.min_next ?? null;
  });
  for (const gone of ["pointercancel", "pointerleave"]) {
    button?.addEventListener(gone, () => {
      held = null;
      session.changed();
    });
  }
  button?.addEventListener("click", () => {
    const lot = session.lot;
    const amount = held ?? lot?.min_next;
    held = null;
    if (!isOpen(lot) || bidding.pending) return;
    if (session.leads(lot)) bidding.openSheet();
    else bidding.bid(lot, amount);
  });
  max?.addEventListener("click", () => bidding.openSheet());

  session.watch(draw);
  session.on("bid:accepted", (payload, { fresh, before }) => {
    if (!fresh || !before) return;
    if (payload.price !== before.price) flash($("#price"), "pop");
    if (before.leader_id === session.mine.id && payload.leader_id !== session.mine.id) outbid(payload);
  });
  // A bid tells its new end itself, with lot:extended behind it; a host's extension comes alone. Whichever moves the end first counts.
  for (const type of ["bid:accepted", "lot:extended"]) {
    session.on(type, (payload, { fresh, before }) => fresh && before && payload.ends_at > before.ends_at && jumped(payload.ends_at - before.ends_at));
  }
  session.on("lot:opened", (_, { fresh }) => fresh && flash(bar, "fresh"));
  tick();

  function jumped(gainedMs) {
    const gained = Math.round(gainedMs / 1000);
    text($("#jump"), gained > 0 ? t("extended", { seconds: gained }) : "");
    flash($("#timer"), "jumped");
    politely(t("extendedSpoken"));
  }

  function outbid(payload) {
    const amount = money(payload.min_next, session.lot.currency);
    flash(bar, "shake");
    navigator.vibrate?.([40, 60, 40]);
    assertively(t("outbidSpoken", { amount }));
  }

  function draw() {
    const lot = session.lot;
    const status = session.view.show.status ?? data.status;
    const phase = status === "ended" ? "ended" : lot ? lot.status : status === "scheduled" ? "scheduled" : "idle";
    const mine = session.leads(lot);
    const hadBid = Boolean(lot && session.mine.max?.[lot.lot]);
    bar.dataset.phase = phase;
    bar.dataset.mood = mine ? "win" : hadBid && isOpen(lot) ? "outbid" : "";
    show($("#bar-lot"), Boolean(lot) && phase !== "ended");
    show($("#bar-idle"), !lot && phase !== "ended");
    if (!lot) return text($("#idle-text"), phase === "scheduled" ? t("waiting") : session.ready ? t("nextSoon") : "");
    text($("#lot-title"), lot.title);
    picture($("#lot-picture"), lot.picture);
    text($("#price"), money(shownPrice(lot), lot.currency));
    text($("#lot-facts"), facts(lot));
    text($("#state"), stateLine(lot, mine, hadBid));
    const max = session.mine.max?.[lot.lot];
    show($("#own-max"), max > shownPrice(lot) && isOpen(lot));
    text($("#own-max"), max ? t("ownMax", { amount: money(max, lot.currency) }) : "");
    text($("#call"), lot.status !== "open" ? "" : lot.calls === 1 ? t("goingOnce") : lot.calls >= 2 ? t("goingTwice") : "");
    drawButton(lot, mine);
    speak(lot, mine);
  }

  function drawButton(lot, mine) {
    if (!button) return;
    const open = isOpen(lot);
    const pending = bidding.pending?.lot === lot.lot ? bidding.pending : null;
    button.setAttribute("aria-busy", String(Boolean(pending)));
    // aria-disabled keeps the focus where it is: a keyboard bidder must not be thrown to the top between lots.
    button.setAttribute("aria-disabled", String(!open));
    const label =
      pending ? t("bidding", { amount: money(pending.amount, lot.currency) })
      : !open ? t(lot.status === "closing" || lot.status === "hammered" ? "closing" : "nextSoon")
      : mine ? t("raise")
      : t("bid", { amount: money(held ?? lot.min_next, lot.currency) });
    text($("#bid-label"), label);
    show(max, open && !mine);
  }

  function speak(lot, mine) {
    if (lot.price === null || lot.price === undefined) return;
    const leader = mine ? t("winning") : lot.leader ? t("leads", { name: lot.leader }) : "";
    const line = t("priceSpoken", { title: lot.title, amount: money(lot.price, lot.currency), leader });
    if (line !== said) politely((said = line));
  }

  // The clock runs by itself: four times a second far from the end, every frame's tenth near it.
  function tick() {
    const lot = session.lot;
    let wait = 250;
    if (lot && isOpen(lot)) {
      const left = lot.ends_at - session.clock.serverNow();
      const urgent = left < URGENT_MS;
      text(clockText, countdown(left));
      bar.classList.toggle("urgent", urgent);
      meter.style.transform = `scaleX(${Math.max(0, Math.min(1, left / span(lot)))})`;
      if (urgent) wait = 100;
      if (urgent && left > 0 && tenSaid !== lot.lot + lot.extensions) {
        tenSaid = lot.lot + lot.extensions;
        if (lot.extensions === 0) politely(t("tenSeconds"));
      }
    } else {
      bar.classList.remove("urgent");
      text(clockText, lot?.status === "closing" || lot?.status === "hammered" ? "0.0" : lot?.status === "sold" ? t("sold") : "–");
      meter.style.transform = "scaleX(0)";
    }
    setTimeout(tick, document.hidden ? 1000 : wait);
  }
}

/** How long the meter's full width stands for: the lot's whole length, or one extension once it was extended. */
function span(lot) {
  return lot.extensions ? Math.max(lot.extend_ms ?? 0, URGENT_MS) : Math.max(1000, lot.ends_at - lot.opened_at);
}

export function shownPrice(lot) {
  return lot.price ?? lot.start;
}

function facts(lot) {
  const parts = [lot.bids ? count("bids", lot.bids) : t("firstBid")];
  if (lot.reserve === "not_met") parts.push(t("reserveNotMet"));
  if (lot.reserve === "met") parts.push(t("reserveMet"));
  return parts.join(" · ");
}

function stateLine(lot, mine, hadBid) {
  const next = money(lot.min_next, lot.currency);
  if (lot.status === "sold") return mine ? t("youWon") : t("soldTo", { name: lot.leader });
  if (lot.status === "passed") return t(lot.reason === "reserve_not_met" ? "passedReserve" : "passed");
  if (lot.status === "closing" || lot.status === "hammered") return t("confirming");
  if (mine) return t("winning");
  if (hadBid) return t("outbid", { amount: next });
  return lot.leader ? t("leads", { name: lot.leader }) : t("noBids", { amount: money(lot.start, lot.currency) });
}

function picture(image, url) {
  if (!image) return;
  show(image, Boolean(url));
  if (url && image.getAttribute("src") !== url) image.src = url;
}

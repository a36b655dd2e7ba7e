// The moments: going once, going twice, sold, won, passed. Shown over the stage for a few seconds, then gone.

import { $, flash, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { assertively, politely } from "../ui/announce.js";
import { confetti } from "../ui/confetti.js";
import { t } from "../ui/words.js";

const STAY_MS = 5200;
const WON_STAY_MS = 12_000;

export function wireMoments(session) {
  const box = $("#moment");
  let timer = 0;

  session.on("lot:opened", () => hide());
  session.on("lot:called", (payload, { fresh }) => {
    if (!fresh) return;
    flash($("#bar"), "called");
    politely(t(payload.calls >= 2 ? "goingTwice" : "goingOnce"));
  });
  session.on("lot:sold", (payload, { fresh }) => {
    const lot = session.view.auction.lots[payload.lot];
    if (!fresh || !lot) return;
    if (session.leads(lot)) won(lot);
    else moment("sold", t("sold"), money(lot.price, lot.currency), t("soldTo", { name: lot.leader }));
  });
  session.on("lot:passed", (payload, { fresh }) => {
    const lot = session.view.auction.lots[payload.lot];
    if (!fresh || !lot) return;
    moment("passed", t("passed"), "", t({ reserve_not_met: "passedReserve", no_bids: "passedNoBids" }[payload.reason] ?? "nextSoon"));
  });
  $("#moment-close")?.addEventListener("click", hide);

  function won(lot) {
    const amount = money(lot.price, lot.currency);
    moment("won", t("youWon"), amount, lot.title, WON_STAY_MS);
    confetti();
    navigator.vibrate?.([30, 40, 30, 40, 120]);
    assertively(`${t("youWon")} ${t("wonDetail", { title: lot.title, amount })}`);
  }

  function moment(kind, title, amount, detail, stayMs = STAY_MS) {
    box.dataset.kind = kind;
    text($("#moment-title"), title);
    text($("#moment-amount"), amount);
    text($("#moment-detail"), detail);
    show($("#moment-amount"), Boolean(amount));
    show($("#moment-more"), kind === "won");
    show(box, true);
    flash(box, "arrive");
    if (kind !== "won") politely([title, amount, detail].join(" "));
    clearTimeout(timer);
    timer = setTimeout(hide, stayMs);
  }

  function hide() {
    clearTimeout(timer);
    show(box, false);
  }
}

// What happens between the thumb and the verdict: pending at once, settled by the server, confirmed when unusually high.
// It decides nothing about the auction; the room does. It draws only the maximum sheet.

import { $, h, show, text } from "../ui/dom.js";
import { money, parseAmount, plain, sign } from "../ui/money.js";
import { assertively } from "../ui/announce.js";
import { toast } from "../ui/toast.js";
import { t } from "../ui/words.js";
import { refusalLink } from "./orders.js";

const STEPS = [0, 1, 3, 6]; // quick amounts: the next bid, and some steps above

/** Returns `{pending, bid(lot, amount), openSheet()}`; `pending` is `{lot, amount}` while a verdict is awaited. */
export function wireBidding(session, data) {
  const sheet = $("#bid-sheet");
  const confirmSheet = $("#confirm-sheet");
  const state = { pending: null, bid, openSheet };
  let confirming = null;

  async function bid(lot, amount, confirm) {
    if (state.pending) return;
    state.pending = { lot: lot.lot, amount };
    const led = session.leads(lot); // before: the event may come ahead of the answer
    session.changed();
    try {
      const result = await session.send("bid:place", { lot: lot.lot, amount, ...(confirm ? { confirm } : {}) });
      settle(lot, amount, result, led);
    } catch (refusal) {
      refused(lot, amount, refusal);
    } finally {
      state.pending = null;
      session.changed();
    }
  }

  function settle(lot, amount, result, led) {
    (session.mine.max ??= {})[lot.lot] = result.max ?? amount;
    session.mine.id ??= result.id; // not known before a show's first lot
    if (sheet?.open) sheet.close();
    navigator.vibrate?.(12);
    if (led) toast(t("maxSet", { amount: money(amount, lot.currency) }), "win");
    else if (result.leading === false) toast(t("outbid", { amount: money(result.min_next ?? lot.min_next, lot.currency) }), "warn");
  }

  function refused(lot, amount, refusal) {
    if (refusal.code === "confirm_bid") return askToConfirm(lot, amount, refusal.detail);
    const next = refusal.detail.min_next;
    const message =
      refusal.code === "unconfirmed" ? t("unconfirmed")
      : refusal.code === "bid_too_low" && next ? t("outbid", { amount: money(next, lot.currency) })
      : refusal.message || t("lostCommand");
    const link = refusalLink(refusal);
    if (link && sheet?.open) sheet.close(); // no other amount would help
    if (sheet?.open) complain(message);
    else toast(message, refusal.code === "bid_too_low" ? "warn" : "bad", link);
    assertively(message);
  }

  function askToConfirm(lot, amount, detail) {
    confirming = { lot, amount, token: detail.confirm ?? detail.token };
    if (sheet?.open) sheet.close();
    const said = money(amount, lot.currency);
    text($("#confirm-text"), t("confirmBig", { amount: said, next: money(detail.min_next ?? lot.min_next, lot.currency) }));
    text($("#confirm-yes"), t("confirmYes", { amount: said }));
    confirmSheet.showModal();
  }

  $("#confirm-yes")?.addEventListener("click", () => {
    confirmSheet.close();
    if (confirming) bid(confirming.lot, confirming.amount, confirming.token);
    confirming = null;
  });

  // ---- the sheet for a custom amount or maximum ----
  const input = $("#bid-amount");
  const error = $("#bid-error");
  let sheetLot = null;

  function openSheet() {
    sheetLot = session.lot;
    if (!sheet || !sheetLot) return;
    text($("#bid-sign"), sign(sheetLot.currency));
    show(error, false);
    input.removeAttribute("aria-invalid");
    input.value = "";
    show($("#bid-hint-exact"), Boolean(sheetLot.exact));
    show($("#bid-hint-max"), !sheetLot.exact);
    input.placeholder = plain(least(sheetLot), sheetLot.currency);
    $("#bid-quick").replaceChildren(...quick(sheetLot).map((amount) => h("button.btn", { type: "button", onclick: () => bid(sheetLot, amount) }, money(amount, sheetLot.currency))));
    if (!sheet.open) sheet.showModal();
  }

  function least(lot) {
    const max = session.mine.max?.[lot.lot];
    return session.leads(lot) && max ? Math.max(lot.min_next, max + step(lot)) : lot.min_next;
  }

  function quick(lot) {
    return [...new Set(STEPS.map((n) => least(lot) + n * step(lot)))];
  }

  function complain(message) {
    text(error, message);
    show(error, true);
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  $("#bid-form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const lot = session.lot;
    if (!lot || lot.lot !== sheetLot?.lot) return sheet.close();
    const amount = parseAmount(input.value, lot.currency);
    if (amount === null) return complain(t("amountUnreadable", { example: plain(least(lot), lot.currency) }));
    if (amount < lot.min_next) return complain(t("amountTooLow", { amount: money(lot.min_next, lot.currency) }));
    const max = session.mine.max?.[lot.lot];
    if (session.leads(lot) && max >= amount) return complain(t("amountNotMore", { amount: money(max, lot.currency) }));
    bid(lot, amount);
  });

  session.watch(() => {
    const lot = session.lot;
    if (sheet?.open && (lot?.lot !== sheetLot?.lot || !isOpen(lot))) sheet.close();
    if (sheet?.open) {
      text($("#bid-sheet-price"), money(lot.price ?? lot.start, lot.currency));
      text($("#bid-sheet-state"), session.leads(lot) ? t("winning") : t("outbid", { amount: money(lot.min_next, lot.currency) }).replace(/^[^,]+, /, ""));
      $("#bid-send").setAttribute("aria-busy", String(Boolean(state.pending)));
    }
  });
  return state;
}

/** The distance from the current price to the next bid: what one step means on this lot right now. */
export function step(lot) {
  return lot.price === null || lot.price === undefined ? Math.max(1, Math.round(lot.start / 10) || 100) : Math.max(1, lot.min_next - lot.price);
}

export function isOpen(lot) {
  return lot?.status === "open";
}

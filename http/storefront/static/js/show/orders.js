// What this person has won or bought and still has to pay: one strip with one button, live from the order's own news.

import { $, flash, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { assertively } from "../ui/announce.js";
import { toast } from "../ui/toast.js";
import { t } from "../ui/words.js";

const UNPAID = ["awaiting_payment", "payment_failed", "action_required"];

/** Where a refusal can be mended: a saved card, open orders. */
export function refusalLink(refusal) {
  const path = refusal.detail?.path;
  if (typeof path !== "string" || !path.startsWith("/")) return null;
  const card = refusal.code === "card_required";
  return { href: card ? `${path}?next=${encodeURIComponent(location.pathname)}` : path, label: t(card ? "addCard" : "seeOrders") };
}

export function payPath(order) {
  return `/checkout/${encodeURIComponent(order.order)}`;
}

export function wireOrders(session, data) {
  const orders = new Map((data.orders ?? []).map((order) => [order.order, order]));

  session.on("order:updated", (order) => {
    if (order.role !== "buyer") return;
    const before = orders.get(order.order);
    orders.set(order.order, order);
    draw();
    if (before?.state === order.state) return;
    if (order.state === "paid") said(t("paidFor", { title: order.title }), "win");
    else if (order.state === "payment_failed") said(t("paymentFailed", { title: order.title }), "bad");
    else if (order.state === "action_required") said(t("paymentAction", { title: order.title }), "warn");
    else if (!before && UNPAID.includes(order.state)) flash($("#due"), "arrive");
  });
  draw();

  function said(message, kind) {
    toast(message, kind);
    assertively(message);
  }

  function draw() {
    const due = [...orders.values()].filter((order) => UNPAID.includes(order.state)).sort((a, b) => b.number - a.number);
    const [first, ...others] = due;
    show($("#due"), Boolean(first));
    pointMoment(due);
    if (!first) return;
    text($("#due-title"), first.title);
    const words = { payment_failed: "dueFailed", action_required: "dueAction" }[first.state] ?? "dueNow";
    text($("#due-more"), others.length ? t("dueMore", { n: others.length }) : t(words));
    text($("#due-pay"), t("payNow", { amount: money(first.total, first.currency) }));
    $("#due-pay").href = payPath(first);
  }

  /** The winner's moment leads to the order as soon as there is one. */
  function pointMoment(due) {
    const won = due.find((order) => order.lot && order.lot === session.lot?.lot);
    show($("#moment-pay"), Boolean(won));
    show($("#moment-wins"), !won);
    if (won) $("#moment-pay").href = payPath(won);
  }
}

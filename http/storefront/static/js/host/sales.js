// What the show has sold, and whether it is paid: the list, the sums, a word when something changes. For the seller alone.

import { $, flash, h, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { toast } from "../ui/toast.js";
import { t } from "../ui/words.js";

const SHOWN_MAX = 100; // the latest; all of them are in the studio

/** Returns `{count, earned, paid}`, kept up to date: orders, and minor units of goods. */
export function wireSales(session, data) {
  const orders = new Map((data.orders ?? []).map((order) => [order.order, order]));
  const newest = Math.max(0, ...[...orders.values()].map((order) => order.number));
  const sums = {
    count: Number($("#sold-count").textContent),
    earned: Number($("#earned").dataset.total),
    paid: Number($("#paid").dataset.total),
  };
  sums.count = Math.max(sums.count, [...orders.values()].filter((order) => order.state !== "cancelled").length);

  session.on("order:updated", (order) => {
    if (order.role !== "seller" || order.sold_in !== data.show) return;
    // One that is older than the list was waiting when the sums were made.
    const before = orders.get(order.order) ?? (order.number <= newest ? { ...order, state: "awaiting_payment" } : null);
    orders.set(order.order, order);
    add(before, -1);
    add(order, 1);
    draw();
    if (before?.state !== order.state) say(order, before);
    session.changed();
  });
  draw();
  return sums;

  function add(order, sign) {
    if (!order || order.state === "cancelled" || order.currency !== data.currency) return;
    sums.count += sign;
    sums.earned += sign * order.item;
    if (isPaid(order)) sums.paid += sign * order.item;
  }

  function say(order, before) {
    const about = { name: order.buyer, title: order.title, amount: money(order.total, order.currency) };
    if (order.state === "paid") toast(t("buyerPaid", about), "win");
    else if (order.state === "payment_failed") toast(t("buyerFailed", about), "bad");
    else if (!before && order.claim) toast(t("buyerBought", about));
  }

  function draw() {
    const latest = [...orders.values()].sort((a, b) => b.number - a.number).slice(0, SHOWN_MAX);
    show($("#sold-empty"), latest.length === 0);
    $("#sold-list").replaceChildren(...latest.map(row));
    flash($("#paid"), "pop");
  }
}

function row(order) {
  const [kind, word] = stateOf(order);
  return h("li.qlot.soldrow", {},
    h("div.qtext", {}, h("a.clip", { href: `/studio/orders/${encodeURIComponent(order.order)}`, target: "_blank", rel: "noopener" }, order.title), h("span.small.soft.clip", {}, order.buyer)),
    h("span.nums", {}, money(order.item, order.currency)),
    h(`span.chip.${kind}`, {}, t(word)));
}

function isPaid(order) {
  return ["paid", "shipped", "delivered", "completed"].includes(order.state);
}

/** The chip's look and word: what matters most of the order's states. */
function stateOf(order) {
  if (order.dispute === "open" || order.dispute === "lost") return ["bad", "orderDisputed"];
  if (order.refund === "full") return ["off", "orderRefunded"];
  const states = {
    awaiting_payment: ["wait", "orderWaiting"], payment_failed: ["bad", "orderFailed"], action_required: ["wait", "orderConfirming"], paid: ["win", "orderPaid"],
    shipped: ["win", "orderSent"], delivered: ["win", "orderDelivered"], completed: ["win", "orderDelivered"], cancelled: ["off", "orderCancelled"],
  };
  return states[order.state] ?? ["wait", "orderWaiting"];
}

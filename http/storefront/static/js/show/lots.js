// The list of lots: what is on sale, what was sold, what comes. On a desk it is a tab beside chat, on a phone a sheet.

import { $, h, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { count, t } from "../ui/words.js";
import { wireTabs } from "../ui/tabs.js";

export function wireLots(session, data) {
  const list = $("#lots-list");
  const sheet = $("#lots-sheet");
  const panel = $("#panel-lots");
  const desk = matchMedia("(min-width: 60rem)");
  wireTabs($("#side-tabs"));
  const settle = () => {
    if (desk.matches) {
      if (sheet.open) sheet.close();
      panel.append($("#lots-body"));
    } else $("#lots-slot").append($("#lots-body"));
  };
  desk.addEventListener("change", settle);
  settle();
  $("#lots-open")?.addEventListener("click", () => sheet.showModal());
  let drawn = "";

  session.watch(() => {
    const lots = Object.values(session.view.auction.lots).sort((a, b) => b.opened_at - a.opened_at);
    const seen = new Set(lots.map((lot) => lot.queued ?? lot.id));
    const titles = new Set(lots.filter((lot) => lot.status === "open").map((lot) => lot.title));
    const upcoming = (data.queue ?? []).filter((lot) => lot.status !== "opened" && !seen.has(lot.id) && !titles.has(lot.title));
    const key = JSON.stringify([lots.map((lot) => [lot.id, lot.status, lot.price, lot.leader_id]), upcoming.length, session.mine.id]);
    if (key === drawn) return;
    drawn = key;
    const sold = lots.filter((lot) => lot.status === "sold");
    show($("#lots-empty"), lots.length + upcoming.length === 0);
    list.replaceChildren(...lots.filter(running).map(row), ...upcoming.slice(0, 12).map(row), ...lots.filter((lot) => !running(lot)).map(row));
    text($("#lots-count"), sold.length ? String(sold.length) : "");
    drawSummary(sold);
  });

  function row(lot) {
    const won = lot.status === "sold" && session.leads(lot);
    const image = lot.picture ? h("img", { src: lot.picture, alt: "", loading: "lazy", width: 56, height: 56 }) : h("span.blank");
    return h(`li.lotrow.${lot.status}${won ? ".won" : ""}`, {}, image,
      h("div", {}, h("b.clip", {}, lot.title), h("span.soft.small", {}, detail(lot, won))),
      h("span.nums.amount", {}, lot.status === "passed" ? "–" : money(lot.price ?? lot.start, lot.currency ?? data.show.currency)));
  }

  function detail(lot, won) {
    if (lot.status === "queued") return t("starts", { amount: money(lot.start, lot.currency ?? data.show.currency) });
    if (won) return t("youWon");
    if (lot.status === "sold") return t("soldTo", { name: lot.leader ?? "" });
    if (lot.status === "passed") return t("passed");
    return count("bids", lot.bids ?? 0);
  }

  function drawSummary(sold) {
    const total = $("#after-total");
    if (!total || !sold.length) return;
    const sum = sold.reduce((all, lot) => all + lot.price, 0);
    text(total, count("earnings", sold.length).replace("{amount}", "") && t(sold.length === 1 ? "earningsOne" : "earnings", { amount: money(sum, sold[0].currency), n: sold.length }));
  }
}

const running = (lot) => ["open", "closing", "hammered"].includes(lot.status);

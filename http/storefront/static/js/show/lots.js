// The list of lots: what is on sale, what was sold, what comes. On a desk it is a tab beside chat, on a phone a sheet.

import { $, $$, h, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { count, t } from "../ui/words.js";
import { wireTabs } from "../ui/tabs.js";

export function wireLots(session, data) {
  const list = $("#lots-list");
  const sheet = $("#lots-sheet");
  const panel = $("#panel-lots");
  const desk = matchMedia("(min-width: 60rem)");
  wireTabs($("#side-tabs"));
  for (const opener of $$("[data-open-lots]")) opener.addEventListener("click", () => (desk.matches ? $("#tab-lots").click() : sheet.showModal()));
  const settle = () => {
    if (desk.matches) {
      if (sheet.open) sheet.close();
      panel.append($("#lots-body"));
    } else $("#lots-slot").append($("#lots-body"));
  };
  desk.addEventListener("change", settle);
  settle();
  $("#lots-open")?.addEventListener("click", () => sheet.showModal());
  if (data.status === "ended" && desk.matches) $("#tab-lots").click(); // nobody talks any more: what sold is what counts
  let drawn = "";

  session.watch(() => {
    const lots = Object.values(session.view.auction.lots).sort((a, b) => b.opened_at - a.opened_at);
    const key = JSON.stringify([lots.map((lot) => [lot.lot, lot.status, lot.price, lot.leader_id]), session.mine.id]);
    show($("#lots-empty"), lots.length === 0 && list.children.length === 0);
    const whole = data.status === "ended" && list.children.length > 0; // the record knows all, the room its last fifty
    if (key === drawn || whole || !lots.length) return;
    drawn = key;
    list.replaceChildren(...lots.filter(running).map(row), ...lots.filter((lot) => !running(lot)).map(row));
    const sold = lots.filter((lot) => lot.status === "sold");
    text($("#lots-count"), sold.length ? String(sold.length) : "");
  });

  function row(lot) {
    const won = lot.status === "sold" && session.leads(lot);
    const image = lot.picture ? h("img", { src: lot.picture, alt: "", loading: "lazy", width: 56, height: 56 }) : h("span.blank");
    return h(`li.lotrow.${lot.status}${won ? ".won" : ""}`, {}, image,
      h("div", {}, h("b.clip", {}, lot.title), h("span.soft.small", {}, detail(lot, won))),
      h("span.nums.amount", {}, lot.status === "passed" ? "–" : money(lot.price ?? lot.start, lot.currency)));
  }

  function detail(lot, won) {
    if (won) return t("youWon");
    if (lot.status === "sold") return t("soldTo", { name: lot.leader ?? "" });
    if (lot.status === "passed") return t("passed");
    return count("bids", lot.bids ?? 0);
  }
}

const running = (lot) => ["open", "closing", "hammered"].includes(lot.status);

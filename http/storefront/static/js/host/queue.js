// The queue of lots: order by drag or arrow keys, open one. The order is saved over the REST API; a refused one goes back.

import { $, $$, h, icon, show, text } from "../ui/dom.js";
import { politely } from "../ui/announce.js";
import { money, parseAmount } from "../ui/money.js";
import { toast } from "../ui/toast.js";
import { getJson, sendJson } from "../ui/api.js";
import { t } from "../ui/words.js";

const REFRESH_AFTER_MS = 1200; // the record follows the room a moment later
const SAVE_AFTER_MS = 500; // many steps by the arrow keys become one request

/** Returns `{first(), openNext(button)}`. */
export function wireQueue(session, data, act) {
  const list = $("#queue");
  let saved = ids();
  let timer = 0;
  let dragged = null;
  let refreshTimer = 0;
  const path = `/api/v1/seller/livestreams/${encodeURIComponent(data.show)}/lots`;

  function rows() {
    return $$(".qlot", list);
  }

  function ids() {
    return $$(".qlot", $("#queue")).map((row) => row.dataset.id);
  }

  function first() {
    const row = rows()[0];
    return row ? { id: row.dataset.id, title: row.dataset.title, picture: row.dataset.picture, start: Number(row.dataset.start) } : null;
  }

  function open(button, id) {
    return act(button, "lot:open", { lot: id });
  }

  function openNext(button) {
    const next = first();
    if (next) open(button, next.id);
  }

  // An opened lot leaves the queue when the room says so, whoever opened it.
  session.on("lot:opened", ({ lot, product, title }) => {
    const row = rows().find((one) => one.dataset.id === lot) ?? rows().find((one) => one.dataset.title === title && one.dataset.product === (product ?? ""));
    row?.remove();
    saved = ids();
    count();
    session.changed();
    refreshLater();
  });
  // Lots may be added in the studio, in another window or by another host.
  document.addEventListener("visibilitychange", () => document.hidden || refreshLater());

  function refreshLater() {
    clearTimeout(refreshTimer);
    refreshTimer = setTimeout(refresh, REFRESH_AFTER_MS);
  }

  async function refresh() {
    const listing = await getJson(path);
    if (!listing || dragged || ids().join() !== saved.join()) return; // the host is moving lots: not under their hands
    const known = new Map(rows().map((row) => [row.dataset.id, row]));
    const lots = listing.items.filter((lot) => lot.status === "queued" && lot.id !== session.lot?.lot);
    list.replaceChildren(...lots.map((lot) => known.get(lot.id) ?? rowOf(lot, data.currency)));
    saved = ids();
    count();
    session.changed();
  }

  function count() {
    const n = rows().length;
    text($("#queue-count"), String(n));
    show($("#queue-empty"), n === 0);
  }

  function move(row, to) {
    const all = rows();
    const at = Math.max(0, Math.min(all.length - 1, to));
    if (all[at] === row) return;
    if (all.indexOf(row) < at) all[at].after(row);
    else all[at].before(row);
    politely(t("moved", { title: row.dataset.title, n: at + 1 }));
    saveLater();
  }

  function saveLater() {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_AFTER_MS);
    session.changed();
  }

  async function save() {
    const wanted = ids();
    if (wanted.join() === saved.join()) return;
    const problem = await sendJson("PUT", `${path}/order`, { lots: wanted }, data.csrf);
    if (!problem) {
      saved = wanted;
      return;
    }
    toast(problem, "bad");
    for (const id of saved) list.append(rows().find((row) => row.dataset.id === id) ?? "");
    session.changed();
    refreshLater(); // most likely the queue is another one by now
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest(".open-lot");
    if (button) open(button, button.closest(".qlot").dataset.id);
  });
  list.addEventListener("keydown", (event) => {
    const grip = event.target.closest(".grip");
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!grip || !by) return;
    event.preventDefault();
    const row = grip.closest(".qlot");
    move(row, rows().indexOf(row) + by);
    grip.focus();
  });

  // Pointer events work the same for mouse, pen and finger; native drag and drop does not exist on phones.
  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest(".grip");
    if (!grip || event.button) return;
    dragged = grip.closest(".qlot");
    dragged.classList.add("dragged");
    grip.setPointerCapture(event.pointerId);
  });
  list.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const over = rows().find((row) => {
      const box = row.getBoundingClientRect();
      return event.clientY >= box.top && event.clientY <= box.bottom;
    });
    if (!over || over === dragged) return;
    const box = over.getBoundingClientRect();
    // Past the middle only, so that rows of the same height do not flutter.
    if (event.clientY > box.top + box.height / 2) over.after(dragged);
    else over.before(dragged);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    list.addEventListener(end, () => {
      dragged?.classList.remove("dragged");
      if (dragged) saveLater();
      dragged = null;
    });
  }

  wireQuickLot(data, act);
  count();
  return { first, openNext };
}

/** A lot that came after the page: the same row as the template draws. */
function rowOf(lot, currency) {
  const facts = [t("starts", { amount: money(lot.start, currency) }), lot.reserve ? t("reserve") : "", lot.preset];
  return h("li.qlot", { dataset: { id: lot.id, title: lot.title, picture: lot.picture, start: lot.start, preset: lot.preset, product: lot.product ?? "" } },
    h("button.grip", { type: "button", ariaLabel: t("moveLot", { title: lot.title }) }, icon("grip")),
    lot.picture ? h("img", { src: lot.picture, alt: "", width: 48, height: 48, draggable: false }) : null,
    h("div.qtext", {}, h("b.clip", {}, lot.title), h("span.small.soft.nums", {}, facts.filter(Boolean).join(" · "))),
    h("button.btn.tiny.open-lot", { type: "button", ariaLabel: t("openOne", { title: lot.title }) }, t("openLot")));
}

function wireQuickLot(data, act) {
  const form = $("#quick-lot");
  const error = $("#quick-error");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const title = $("#quick-title").value.trim();
    const start = parseAmount($("#quick-start").value, data.currency);
    const wrong = !title ? t("titleMissing") : start === null || start < 1 ? t("amountUnreadable", { example: money(1000, data.currency) }) : "";
    text(error, wrong);
    show(error, Boolean(wrong));
    if (wrong) return (title ? $("#quick-start") : $("#quick-title")).focus();
    const button = $("button", form);
    if (await act(button, "lot:open", { title, start, clock: { preset: $("#quick-preset").value } })) form.reset();
  });
}

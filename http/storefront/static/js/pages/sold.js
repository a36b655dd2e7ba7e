// A seller's orders appear as they come: a small number is asked for while the page is looked at; when it changes, the list is fetched anew.

import { $ } from "../ui/dom.js";
import { getJson } from "../ui/api.js";
import { localTimes } from "../ui/time.js";
import { politely } from "../ui/announce.js";
import { t } from "../ui/words.js";

const ASK_EVERY_MS = 4000; // one indexed look; a buyer's payment takes longer than that
let asking = false;

setInterval(ask, ASK_EVERY_MS);
addEventListener("visibilitychange", ask);

async function ask() {
  if (document.hidden || asking || busy()) return;
  asking = true;
  try {
    const found = await getJson("/studio/orders/mark");
    if (found && String(found.mark) !== $("#orders").dataset.mark) await renew();
  } finally {
    asking = false;
  }
}

/** Somebody is typing a filter: nothing moves under their fingers. */
const busy = () => document.activeElement?.closest("#orders form") !== null && document.activeElement !== document.body;

async function renew() {
  const here = new URL(location.href);
  here.searchParams.set("part", "1"); // the list alone: a whole page would bring styles under another nonce
  const reply = await fetch(here, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!reply?.ok || reply.redirected) return;
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").querySelector("#orders");
  if (!fresh || busy()) return;
  const seen = new Set([...document.querySelectorAll("[data-order]")].map((row) => row.dataset.order));
  const focused = document.activeElement?.getAttribute("href");
  $("#orders").replaceWith(document.adoptNode(fresh));
  localTimes($("#orders"));
  let added = 0;
  for (const row of document.querySelectorAll("[data-order]")) {
    if (seen.has(row.dataset.order)) continue;
    row.classList.add("fresh");
    added += 1;
  }
  if (focused) document.querySelector(`#orders a[href="${CSS.escape(focused)}"]`)?.focus();
  if (added) politely(t("newOrders"));
}

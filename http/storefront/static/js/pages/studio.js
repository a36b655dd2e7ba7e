// The studio's forms: local time in, time zone along; lots move up and down; the new order is saved when asked for.

import { $, $$, show, text } from "../ui/dom.js";
import { politely } from "../ui/announce.js";
import { t } from "../ui/words.js";

for (const field of $$("[data-tz]")) field.value = String(new Date().getTimezoneOffset());

// The server knows the instant; only the browser knows what the host's own clock says then.
for (const field of $$('input[type="datetime-local"][data-ts]')) {
  if (!field.value) field.value = localValue(new Date(Number(field.dataset.ts)));
}

const sorter = $("#sorter");
sorter?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  if (!button) return;
  const row = button.closest("li");
  const by = Number(button.dataset.move);
  const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (by < 0) other.before(row);
  else other.after(row);
  [...sorter.children].forEach((one, index) => text($(".place", one), String(index + 1)));
  show($("#order-save"), true);
  politely(t("moved", { title: $("b", row).textContent, n: [...sorter.children].indexOf(row) + 1 }));
  button.focus();
});

function localValue(date) {
  const shifted = new Date(date.valueOf() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

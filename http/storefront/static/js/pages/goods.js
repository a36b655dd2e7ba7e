// Variants of a product's form: rows come and go. Without this module the form has spare rows and checkboxes to remove.

import { $, $$, show } from "../ui/dom.js";

const VARIANTS_MAX = 100; // the catalog's own bound
const rows = $("#variant-rows");
const add = $("#add-variant");

if (rows && add) {
  show(add, true);
  for (const row of spare().slice(1)) row.remove();
  add.addEventListener("click", () => {
    const last = rows.lastElementChild;
    const row = last.cloneNode(true);
    renumber(row, Number($('[name="v-row"]', last).value) + 1);
    for (const field of $$("input", row)) {
      if (field.type === "checkbox") field.checked = false;
      else if (field.name !== "v-row") field.value = "";
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    for (const error of $$(".error", row)) error.remove();
    rows.append(row);
    show(add, rows.children.length < VARIANTS_MAX);
    $("input", row).focus();
  });
}

/** Rows in which nothing is written. */
function spare() {
  return $$("[data-row]", rows).filter((row) => $$("input:not([type=hidden]):not([type=checkbox])", row).every((one) => !one.value));
}

function renumber(row, number) {
  for (const field of $$("[id]", row)) field.id = field.id.replace(/\d+$/, String(number));
  for (const label of $$("[for]", row)) label.htmlFor = label.htmlFor.replace(/\d+$/, String(number));
  $('[name="v-row"]', row).value = String(number);
  $('[name="v-remove"]', row).value = String(number);
  const legend = $("legend", row);
  legend.textContent = legend.textContent.replace(/\d+/, String(number + 1));
}

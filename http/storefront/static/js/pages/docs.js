// The reference: filtered as one types, and what an address names is opened. Without this module the form asks the server.

import { $, $$, show } from "../ui/dom.js";

const form = $("#docs-search");
const field = $("#q");
const nothing = $("#docs-nothing");
const sections = $$("[data-found]");
const entries = $$("[data-entry]").map((node) => ({ node, text: node.textContent.toLowerCase() }));

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { node, text } of entries) show(node, words.every((word) => text.includes(word)));
  let found = false;
  for (const section of sections) {
    const some = $$("[data-entry]", section).some((node) => !node.hidden);
    show(section, some);
    found ||= some;
  }
  show(nothing, !found);
}

function open() {
  const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}

// Found by the server, a part only is here: more of it is the server's to find again.
if (!new URLSearchParams(location.search).get("q")) {
  field.addEventListener("input", filter);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
  });
  if (field.value) filter(); // kept by the browser when one comes back
}
addEventListener("hashchange", open);
open();

// Keys of the console: space opens the next lot, G calls, H hammers. Never while typing, and never a repeated key:
// a finger resting on H must not sell the next lot as well.

import { $ } from "../ui/dom.js";

const KEYS = { " ": "#do-next", g: "#do-call", h: "#do-hammer" };

export function wireShortcuts() {
  addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
    // Space on a focused button is that button's own.
    if (event.key === " " && event.target.closest("button, a, [role=tab]")) return;
    const button = $(KEYS[event.key.toLowerCase()] ?? "#none");
    if (!button || button.closest("[hidden]")) return;
    event.preventDefault();
    button.click();
  });
}

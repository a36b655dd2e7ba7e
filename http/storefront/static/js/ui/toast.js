// Short notices that come and go by themselves. At most three at once; the oldest makes room.

import { h } from "./dom.js";

const TOASTS_MAX = 3;
const STAY_MS = 3600;

/** Shows a notice: `kind` is "", "win", "warn" or "bad". Its text is also announced (role=status on the container). */
export function toast(message, kind = "", stayMs = STAY_MS) {
  const box = document.getElementById("toasts");
  if (!box || !message) return;
  while (box.children.length >= TOASTS_MAX) box.firstChild.remove();
  const node = h(`p.toast${kind ? `.${kind}` : ""}`, {}, message);
  box.append(node);
  setTimeout(() => {
    node.classList.add("going");
    setTimeout(() => node.remove(), 260);
  }, stayMs);
}

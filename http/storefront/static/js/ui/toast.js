// Short notices that come and go by themselves. At most three at once; the oldest makes room.

import { h } from "./dom.js";

const TOASTS_MAX = 3;
const STAY_MS = 3600;

const LINK_STAY_MS = 9000; // long enough to be pressed

/** Shows a notice: `kind` is "", "win", "warn" or "bad". Its text is also announced (role=status on the container).
 *  `link` is `{href, label}` where there is something to do about it. */
export function toast(message, kind = "", link = null) {
  const box = document.getElementById("toasts");
  if (!box || !message) return;
  while (box.children.length >= TOASTS_MAX) box.firstChild.remove();
  const node = h(`p.toast${kind ? `.${kind}` : ""}`, {}, message, link && h("a", { href: link.href }, link.label));
  box.append(node);
  setTimeout(() => {
    node.classList.add("going");
    setTimeout(() => node.remove(), 260);
  }, link ? LINK_STAY_MS : STAY_MS);
}

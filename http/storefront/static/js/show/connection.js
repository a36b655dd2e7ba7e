// The thin bar that says how the connection is. Content stays; nothing is covered.

import { $, show, text } from "../ui/dom.js";
import { t } from "../ui/words.js";

const GRACE_MS = 700; // a reconnect this quick is nobody's business
const PLANNED_GRACE_MS = 1_500; // from a server that stops to another one: nothing is wrong
const DRAINING = new Set([1001, 1012, 4000]);
const SIGNED_OUT = new Set([4500, 4501]);

export function wireConnection(session) {
  const strip = $("#connection");
  let timer = 0;
  session.watch(() => {
    const { status, closeCode, planned } = session.socket;
    const fine = status === "open" || (status === "connecting" && !session.ready);
    document.documentElement.classList.toggle("cut", !fine);
    if (fine && !session.refused) {
      clearTimeout(timer);
      timer = 0;
      return show(strip, false);
    }
    text($("#connection-text"), session.refused?.message || say(status, closeCode));
    strip.classList.toggle("final", status === "closed");
    show($("#connection-reload"), status === "closed");
    const grace = planned ? PLANNED_GRACE_MS : GRACE_MS;
    timer ||= setTimeout(() => show(strip, true), status === "closed" ? 0 : grace);
  });
  addEventListener("offline", () => session.changed());
}

function say(status, closeCode) {
  if (status === "closed") return t(SIGNED_OUT.has(closeCode) ? "signedOut" : "closedForGood");
  if (!navigator.onLine) return t("offline");
  return t(DRAINING.has(closeCode) ? "draining" : "reconnecting");
}

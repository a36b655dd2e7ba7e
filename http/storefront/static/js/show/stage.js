// The stage: backdrop and picture of what is on sale, viewers, the host's last words, the countdown
// before a show and the summary after it. There is no video yet; the picture is the show.

import { parts } from "../live/clock.js";
import { $, flash, show, text } from "../ui/dom.js";
import { count, t } from "../ui/words.js";
import { isOpen } from "./bidding.js";

const WORDS_STAY_MS = 7000;
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export function wireStage(session, data) {
  const stage = $("#stage");
  const words = $("#host-words");
  let shown = "";
  let wordsTimer = 0;

  session.watch(draw);
  session.on("chat:new", (message, { fresh }) => {
    if (fresh && message.user.role === "host") speak(message.message);
  });
  if ($("#starts")) setInterval(countDown, 1000);
  countDown();

  function draw() {
    const lot = session.lot;
    const product = session.view.spotlight.product;
    const status = session.view.show.status ?? data.status;
    stage.dataset.status = status;
    document.documentElement.dataset.show = status;
    backdrop(isOpen(lot) ? lot.picture || data.picture : product?.picture || lot?.picture || data.picture);
    text($("#viewers"), session.viewers === null ? "" : compact.format(session.viewers));
    text($("#viewers-words"), session.viewers === null ? "" : count("viewers", session.viewers));
    show($("#viewers-box"), session.viewers !== null);
    show($("#live-badge"), status === "live");
    show($("#before"), status === "scheduled");
    show($("#after"), status === "ended");
  }

  /** Cross-fades two layers, so that a new lot arrives instead of blinking. */
  function backdrop(url) {
    if (!url || url === shown) return;
    shown = url;
    const image = new Image();
    image.onload = () => {
      if (shown !== url) return;
      for (const [spare, used] of [pair("blur"), pair("hero")]) {
        spare.src = url;
        spare.classList.add("on");
        used.classList.remove("on");
      }
    };
    image.src = url;
  }

  function pair(kind) {
    const layers = [$(`#${kind}-a`), $(`#${kind}-b`)];
    return layers[0].classList.contains("on") ? layers.reverse() : layers;
  }

  function speak(line) {
    text($("#host-words-text"), line);
    show(words, true);
    flash(words, "arrive");
    clearTimeout(wordsTimer);
    wordsTimer = setTimeout(() => show(words, false), WORDS_STAY_MS);
  }

  function countDown() {
    const box = $("#starts");
    if (!box || !data.scheduled_ts) return;
    const left = data.scheduled_ts - session.clock.serverNow();
    text($("#starts-label"), t(left > 0 ? "startsIn" : "startsNow"));
    show($("#starts-cells"), left > 0);
    for (const [name, value] of Object.entries(parts(left))) text($(`[data-part="${name}"]`, box), String(value).padStart(2, "0"));
  }
}

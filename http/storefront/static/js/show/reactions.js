// Reactions: one tap, a flower of emoji rising over the stage. Other people's arrive as counts and rise too, bounded.

import { $, $$, calm, h } from "../ui/dom.js";

const FLYING_MAX = 24; // more can't be told apart and cost frames on old phones
const A_BURST_MAX = 6;
const OWN_EVERY_MS = 150;

export function wireReactions(session) {
  const sky = $("#sky");
  let flying = 0;
  let lastOwn = 0;

  for (const button of $$("[data-react]")) {
    button.addEventListener("click", () => {
      if (performance.now() - lastOwn < OWN_EVERY_MS) return;
      lastOwn = performance.now();
      fly(button.dataset.react);
      // A reaction is not worth a retry, nor a message when it is refused.
      session.send("reaction:send", { emoji: button.dataset.react }, { lasting: false }).catch(() => undefined);
    });
  }
  session.on("reaction:burst", ({ counts }) => {
    for (const [emoji, n] of Object.entries(counts ?? {})) {
      for (let i = 0; i < Math.min(n, A_BURST_MAX); i += 1) setTimeout(() => fly(emoji), Math.random() * 600);
    }
  });

  function fly(emoji) {
    if (flying >= FLYING_MAX || document.hidden || calm()) return;
    flying += 1;
    const node = h("span.fly", { ariaHidden: "true" }, emoji);
    node.style.setProperty("--x", `${Math.round(Math.random() * 56 - 28)}px`);
    node.style.setProperty("--size", `${(1.3 + Math.random() * 0.8).toFixed(2)}rem`);
    node.addEventListener("animationend", () => {
      flying -= 1;
      node.remove();
    });
    sky.append(node);
  }
}

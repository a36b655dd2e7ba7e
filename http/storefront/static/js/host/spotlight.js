// Products that can be put on stage, and the one that is there now.

import { $, $$, show, text } from "../ui/dom.js";

export function wireSpotlight(session, data, act) {
  for (const button of $$(".spot-set")) {
    button.addEventListener("click", () => act(button, "spotlight:set", { product: button.closest("[data-product]").dataset.product }));
  }
  $("#spot-clear").addEventListener("click", (event) => act(event.currentTarget, "spotlight:clear"));
  session.watch(() => {
    const product = session.view.spotlight.product;
    show($("#on-stage"), Boolean(product));
    text($("#on-stage-title"), product?.title);
    if (product?.picture) $("#on-stage-picture").src = product.picture;
    for (const row of $$("#products [data-product]")) row.classList.toggle("shown", row.dataset.product === product?.id);
  });
}

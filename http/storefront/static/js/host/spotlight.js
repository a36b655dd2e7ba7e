// Products that can be put on stage, the one that is there now, and how many of it are left to sell.

import { $, $$, show, text } from "../ui/dom.js";
import { t } from "../ui/words.js";

const MORE_UNITS = 5; // what the button says

export function wireSpotlight(session, data, act) {
  for (const button of $$(".spot-set")) {
    button.addEventListener("click", () => act(button, "spotlight:set", { product: button.closest("[data-product]").dataset.product }));
  }
  $("#spot-clear").addEventListener("click", (event) => act(event.currentTarget, "spotlight:clear"));
  $("#spot-more").addEventListener("click", (event) => {
    const product = session.view.spotlight.product;
    if (product) act(event.currentTarget, "spotlight:set", { product: product.id, units: MORE_UNITS, limit: product.offer?.limit });
  });
  session.watch(() => {
    const product = session.view.spotlight.product;
    show($("#on-stage"), Boolean(product));
    show($("#spot-more"), Boolean(product));
    text($("#on-stage-title"), product?.title);
    text($("#on-stage-left"), product ? left(product.offer) : "");
    show($("#on-stage-picture"), Boolean(product?.picture));
    if (product?.picture) $("#on-stage-picture").src = product.picture;
    for (const row of $$("#products [data-product]")) row.classList.toggle("shown", row.dataset.product === product?.id);
  });
}

function left(offer) {
  if (!offer) return t("shownOnly");
  const remaining = offer.variants.reduce((sum, each) => sum + each.remaining, 0);
  return remaining ? t("onlyLeft", { n: remaining }) : t("soldOut");
}

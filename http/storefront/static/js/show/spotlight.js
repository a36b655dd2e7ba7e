// The spotlight card: what the host shows, and its one button while pieces are left. Who gets the last one the room says.

import { $, flash, h, show, text } from "../ui/dom.js";
import { money } from "../ui/money.js";
import { assertively, politely } from "../ui/announce.js";
import { toast } from "../ui/toast.js";
import { t } from "../ui/words.js";
import { isOpen } from "./bidding.js";
import { refusalLink } from "./orders.js";

const FEW = 5; // from here on what is left is said

export function wireSpotlight(session) {
  const card = $("#spot");
  const button = $("#spot-button");
  const choice = $("#spot-variant");
  let buying = false;
  let offered = ""; // which variants the choice lists
  let held = null; // what is under the thumb is what is bought, even if the host changes the card meanwhile

  session.watch(draw);
  session.on("product:highlighted", (payload, { fresh }) => fresh && payload.product && flash(card, "arrive"));
  session.on("product:claimed", (payload, { fresh }) => {
    if (!fresh) return;
    flash($("#spot-kicker"), "pop");
    if (payload.remaining === 0) politely(t("soldOutSpoken", { title: session.view.spotlight.product?.title ?? "" }));
  });
  choice?.addEventListener("change", () => session.changed());
  button?.addEventListener("pointerdown", () => (held = chosen()));
  for (const gone of ["pointercancel", "pointerleave"]) button?.addEventListener(gone, () => (held = null));
  button?.addEventListener("click", () => {
    const what = held ?? chosen();
    held = null;
    if (what && able(what) && !buying) buy(what);
  });

  /** What the button would buy: `{product, variant}` as documents, or null. */
  function chosen() {
    const product = session.view.spotlight.product;
    const variants = product?.offer?.variants ?? [];
    const variant = variants.find((each) => each.id === choice?.value) ?? variants.find((each) => each.remaining > 0) ?? variants[0];
    return variant ? { product, variant } : null;
  }

  function bought(product) {
    const mine = session.you.spotlight;
    return mine?.product === product.id ? mine.bought : 0;
  }

  function able({ product, variant }) {
    const status = session.view.show.status;
    return status === "live" && variant.remaining > 0 && bought(product) < product.offer.limit;
  }

  async function buy({ product, variant }) {
    buying = true;
    session.changed();
    try {
      const result = await session.send("spotlight:buy", { product: product.id, variant: variant.id, qty: 1 });
      session.you.spotlight = { product: product.id, bought: result.bought };
      const said = t("claimed", { title: product.title, amount: money(result.amount, result.currency) });
      toast(said, "win");
      assertively(said);
      navigator.vibrate?.([30, 40, 80]);
    } catch (refusal) {
      const said = refusal.code === "unconfirmed" ? t("buyUnconfirmed") : refusal.message || t("lostCommand");
      toast(said, refusal.code === "sold_out" ? "warn" : "bad", refusalLink(refusal));
      assertively(said);
    } finally {
      buying = false;
      session.changed();
    }
  }

  function draw() {
    const product = session.view.spotlight.product;
    const lot = session.lot;
    const same = product && isOpen(lot) && (lot.product === product.id || lot.title === product.title);
    show(card, Boolean(product) && !same);
    if (!product) return;
    text($("#spot-title"), product.title);
    show($("#spot-picture"), Boolean(product.picture));
    if (product.picture && $("#spot-picture").getAttribute("src") !== product.picture) $("#spot-picture").src = product.picture;
    $("#spot-link").href = product.id ? `/products/${encodeURIComponent(product.id)}` : "#";
    drawChoice(product);
    const what = chosen();
    const price = what?.variant.price ?? product.price;
    text($("#spot-price"), price === null || price === undefined ? "" : money(price, product.currency));
    show($("#spot-buy"), Boolean(what));
    text($("#spot-kicker"), kicker(what));
    if (what && button) drawButton(what, price);
    if (what) show($("#spot-sign-in"), what.variant.remaining > 0);
  }

  function kicker(what) {
    if (!what) return t("inSpotlight");
    const left = what.variant.remaining;
    return left === 0 ? t("soldOut") : left <= FEW ? t("onlyLeft", { n: left }) : t("fixedPrice");
  }

  function drawButton(what, price) {
    const can = able(what);
    button.setAttribute("aria-busy", String(buying));
    button.setAttribute("aria-disabled", String(!can));
    const full = bought(what.product) >= what.product.offer.limit;
    const label = what.variant.remaining === 0 ? t("soldOut") : full ? t("boughtAll") : t("buyNow", { amount: money(price, what.product.currency) });
    text($("#spot-label"), label);
  }

  function drawChoice(product) {
    const variants = product.offer?.variants ?? [];
    show(choice, variants.length > 1);
    const key = JSON.stringify([product.id, variants.map((each) => [each.id, each.label, each.remaining === 0])]);
    if (!choice || key === offered) return;
    offered = key;
    const before = choice.value;
    choice.replaceChildren(...variants.map((each) => h("option", { value: each.id, disabled: each.remaining === 0 }, each.remaining === 0 ? `${each.label} · ${t("soldOut")}` : each.label)));
    const first = variants.find((each) => each.id === before && each.remaining > 0) ?? variants.find((each) => each.remaining > 0);
    if (first) choice.value = first.id;
  }
}

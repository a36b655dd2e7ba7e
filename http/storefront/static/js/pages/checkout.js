// The payment page and the saved card's page: Stripe's own form where Stripe takes the card, and a look at the order until the
// payment has arrived. It never decides that something is paid; the order's own state does, which only the provider's message changes.

import { $ } from "../ui/dom.js";
import { getJson } from "../ui/api.js";
import { takeCards } from "./stripe.js";

const LOOK_EVERY_MS = 2000;
const LOOKS_MAX = 300; // ten minutes; then the page's own link is there

const payment = $("#payment");
const form = $("#stripe");
if (payment?.dataset.stage === "processing") lookUntilItMoves(payment.dataset);
if (form) takeCards(form);

/** Asks for the order until it is no longer in the state that the page was made with, and shows the page anew. */
function lookUntilItMoves({ order, state }) {
  let looks = 0;
  const timer = setInterval(async () => {
    if (document.hidden) return;
    if (++looks > LOOKS_MAX) return clearInterval(timer);
    const found = await getJson(`/api/v1/me/orders/${order}`);
    if (found && found.state !== state) {
      clearInterval(timer);
      location.reload();
    }
  }, LOOK_EVERY_MS);
}

// The payment page: Stripe's own form where Stripe takes the card, and a look at the order until the payment has arrived.
// It never decides that something is paid; the order's own state does, which only the provider's message changes.

import { $ } from "../ui/dom.js";
import { getJson } from "../ui/api.js";

const LOOK_EVERY_MS = 2000;
const LOOKS_MAX = 300; // ten minutes; then the page's own link is there

const state = $("#payment");
const form = $("#stripe");
if (state?.dataset.stage === "processing") lookUntilPaid(state.dataset.order);
if (form) takeCard(form).catch((error) => say(error.message));

/** Asks for the order until it no longer waits, and shows the page anew. */
function lookUntilPaid(order) {
  let looks = 0;
  const timer = setInterval(async () => {
    if (document.hidden) return;
    if (++looks > LOOKS_MAX) return clearInterval(timer);
    const found = await getJson(`/api/v1/me/orders/${order}`);
    if (found && found.state !== "awaiting_payment") {
      clearInterval(timer);
      location.reload();
    }
  }, LOOK_EVERY_MS);
}

async function takeCard(form) {
  if (document.readyState === "loading") await new Promise((done) => addEventListener("DOMContentLoaded", done, { once: true }));
  const { kind, key, order, csrf, next } = form.dataset;
  const button = form.querySelector("button");
  if (!globalThis.Stripe) throw new Error("The payment provider's form could not be loaded. Reload the page to try again.");
  const saving = kind === "card";
  const session = saving ? await ask("/api/v1/me/cards/setup", {}, csrf) : await ask("/api/v1/checkout/session", { order }, csrf);
  if (!saving && ["succeeded", "processing", "free"].includes(session.status)) return location.reload();
  const stripe = globalThis.Stripe(key);
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  const elements = stripe.elements({ clientSecret: session.client_secret, appearance: { theme: dark ? "night" : "stripe" } });
  const place = $("#stripe-form");
  place.replaceChildren();
  const element = elements.create("payment");
  element.on("ready", () => {
    place.removeAttribute("aria-busy");
    button.disabled = false;
  });
  element.mount(place);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("");
    const back = new URL(saving ? "/me/cards" : `/checkout/${order}`, location.href);
    if (saving && next) back.searchParams.set("next", next);
    const confirm = saving ? stripe.confirmSetup : stripe.confirmPayment;
    const { error } = await confirm({ elements, confirmParams: { return_url: back.href } });
    // Without an error the browser is already on its way to the bank or back to this page.
    if (error) {
      say(error.message);
      button.disabled = false;
    }
  });
}

/** Sends `body` under a key of its own; a problem becomes an error with its sentence. */
async function ask(path, body, csrf) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(answer.detail || answer.title || "That didn't get through. Try again.");
  return answer;
}

function say(message) {
  const place = $("#stripe-error");
  place.textContent = message;
  place.hidden = !message;
}

// Cards with Stripe's own form: its script, its frame, what it says when a card is declined or a bank asks. Card numbers stay in its
// frame, and what it answers is only a reason to show the page anew: the server asks Stripe itself.

import { $, show } from "../ui/dom.js";
import { t } from "../ui/words.js";

const SCRIPT = "https://js.stripe.com/v3/"; // never a copy of ours: Stripe's terms for cards ask for it
const SCRIPT_MAX_MS = 20_000; // it has some 200 KB; a network that swallows it says nothing at all
const OVER = new Set(["succeeded", "processing", "free"]);
const MOVED_ON = new Set(["payment_intent_unexpected_state", "setup_intent_unexpected_state"]);
const BANK_SAID_NO = new Set(["payment_intent_authentication_failure", "setup_intent_authentication_failure"]);

/** Opens the form; what keeps it from opening is said in its place, with a way to try again. */
export async function takeCards(form) {
  try {
    await open(form);
  } catch (error) {
    $("#stripe-form").replaceChildren();
    unavailable(form, error instanceof Said ? error.message : t("formUnavailable"));
    if (!(error instanceof Said)) throw error; // a mistake of ours: the console shall have it
  }
}

/** What keeps the form from opening, in words for people. */
class Said extends Error {}

async function open(form) {
  const saving = form.dataset.kind === "card";
  const [Stripe, session] = await Promise.all([script(), begin(form.dataset, saving)]);
  if (OVER.has(session.status)) return location.reload(); // another window was faster
  const stripe = Stripe(form.dataset.key);
  const secret = { clientSecret: session.client_secret };
  const elements = stripe.elements({ ...secret, appearance: { theme: isDark() ? "night" : "stripe" } });
  const card = elements.create("payment");
  const back = new URL(saving ? "/me/cards" : `/checkout/${form.dataset.order}`, location.href);
  if (form.dataset.next) back.searchParams.set("next", form.dataset.next);
  const ours = { redirect: "if_required", confirmParams: { return_url: back.href } };

  card.on("ready", () => {
    settled();
    $("button", form).disabled = false;
  });
  card.on("loaderror", () => {
    card.destroy();
    unavailable(form, t("formUnavailable"));
  });
  card.mount($("#stripe-form"));
  on(form, async () => (saving ? stripe.confirmSetup({ ...ours, elements }) : stripe.confirmPayment({ ...ours, elements })), back);

  const bank = $("#stripe-bank");
  if (!bank) return;
  const asked = bank.dataset.card; // a saved card that was charged without its owner; else the payment itself waits for the bank
  const confirmParams = { ...ours.confirmParams, payment_method: asked };
  on(bank, async () => (asked ? stripe.confirmPayment({ ...ours, ...secret, confirmParams }) : stripe.handleNextAction(secret)), back);
  $("button", bank).disabled = false;
}

/** Has a form's button carry something out with Stripe, once at a time. */
function on(form, carryOut, back) {
  const button = $("button", form);
  const label = button.textContent;
  const busy = (is) => {
    button.disabled = is;
    button.textContent = is ? t("askingBank") : label;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    busy(true);
    say(form, "");
    const { error, setupIntent } = await carryOut().catch((thrown) => ({ error: thrown }));
    if (!error) {
      if (setupIntent) back.searchParams.set("setup_intent", setupIntent.id);
      return location.replace(back);
    }
    // What the page was made for is over: paid in another window, or refused by the bank that was asked.
    if (MOVED_ON.has(error.code) || (BANK_SAID_NO.has(error.code) && form.id === "stripe-bank")) return location.reload();
    busy(false);
    say(form, sentence(error));
  });
}

function sentence({ type, code, message }) {
  if (BANK_SAID_NO.has(code)) return t("bankRefused");
  // Stripe words these two for buyers, and all others for programmers.
  return ["card_error", "validation_error"].includes(type) && message ? message : t("paymentUnclear");
}

/** Stripe's function, its script loaded where it is not there yet. */
function script() {
  if (globalThis.Stripe) return globalThis.Stripe;
  return new Promise((done, failed) => {
    const fail = () => failed(new Said(t("formUnavailable")));
    const node = Object.assign(document.createElement("script"), { src: SCRIPT, onerror: fail });
    node.onload = () => (globalThis.Stripe ? done(globalThis.Stripe) : fail());
    setTimeout(fail, SCRIPT_MAX_MS);
    document.head.append(node);
  });
}

/** What Stripe's form needs to know, from the server; a problem becomes an error with its sentence. */
async function begin({ order, csrf }, saving) {
  const reply = await fetch(saving ? "/api/v1/me/cards/setup" : "/api/v1/checkout/session", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify(saving ? {} : { order }),
  }).catch(() => null);
  const answer = (await reply?.json().catch(() => null)) ?? {};
  if (!reply?.ok) throw new Said(answer.detail || answer.title || t("lostCommand"));
  return answer;
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function unavailable(form, message) {
  settled();
  for (const one of [$("#stripe-bank"), form].filter(Boolean)) {
    show($("button", one), false);
    say(one, message);
  }
  show($("#stripe-again"), true);
}

function settled() {
  $("#stripe-form").removeAttribute("aria-busy");
  show($("#stripe-wait"), false);
}

function say(form, message) {
  const place = $("[role=alert]", form);
  place.textContent = message;
  place.hidden = !message;
}

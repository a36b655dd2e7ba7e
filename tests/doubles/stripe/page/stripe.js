// A Stripe.js for tests, written after its published reference: what a page sees of it, down to names, shapes of results, and frames.
// It takes no wallets and no other element than `payment`; what its bank frame looks like is made up.
(() => {
  const API = "https://api.stripe.com";
  const FORM = "https://js.stripe.com/v3/elements-inner-payment.html";
  const BANK = "https://hooks.stripe.com/bank.html";
  const REFUSED = "We are unable to authenticate your payment method. Please choose a different payment method and try again.";

  class IntegrationError extends Error {
    name = "IntegrationError";
  }

  const wrong = (what) => {
    throw new IntegrationError(what);
  };

  function intentOf(clientSecret) {
    const [, id, kind] = /^((pi|seti)_[^_]+)_secret/.exec(clientSecret) ?? wrong("Invalid value for clientSecret.");
    return { id, clientSecret, path: kind === "pi" ? "payment_intents" : "setup_intents", result: kind === "pi" ? "paymentIntent" : "setupIntent" };
  }

  /** A frame of theirs; `say` sends to it, `heard` gets what comes from it. */
  function frame(url, parent, heard) {
    const node = document.createElement("iframe");
    const { origin } = new URL(url);
    const hear = (event) => event.source === node.contentWindow && event.origin === origin && heard(event.data);
    addEventListener("message", hear);
    node.src = url;
    node.allow = "payment *";
    node.style.cssText = "border: 0; display: block; width: 100%";
    parent.append(node);
    return {
      node,
      say: (message) => node.contentWindow.postMessage(message, origin),
      remove: () => {
        removeEventListener("message", hear);
        node.remove();
      },
    };
  }

  globalThis.Stripe = (key) => {
    if (!/^pk_/.test(key)) wrong("Please call Stripe() with your publishable key.");

    async function retrieve({ id, path, clientSecret, result }) {
      const query = new URLSearchParams({ key, client_secret: clientSecret });
      const reply = await fetch(`${API}/v1/${path}/${id}?${query}`).catch(() => null);
      const body = reply ? await reply.json() : { error: { type: "api_connection_error", message: "The network connection failed." } };
      return body.error ? { error: body.error } : { [result]: body };
    }

    class PaymentElement {
      #intent;
      #theme;
      #listeners = {};
      #frame = null;
      #answers = [];

      constructor(intent, theme) {
        this.#intent = intent;
        this.#theme = theme;
      }

      on(event, handler) {
        (this.#listeners[event] ??= []).push(handler);
        return this;
      }

      mount(where) {
        const place = typeof where === "string" ? document.querySelector(where) : where;
        if (!place) wrong("The selector you specified applies to no DOM elements that are currently on the page.");
        if (place.childNodes.length) console.warn("This Element will be mounted to a DOM element that contains child nodes.");
        let late = 0;
        let loaded = false;
        this.#frame = frame(`${FORM}#${this.#theme}`, place, async ({ is, ...more }) => {
          if (!this.#frame) return;
          if (is === "loaded") {
            loaded = true;
            clearTimeout(late);
            this.#frame.node.style.height = `${more.height}px`;
            const { error, ...found } = await retrieve(this.#intent);
            const { status } = Object.values(found)[0] ?? {};
            if (error || ["succeeded", "canceled"].includes(status)) this.#tell("loaderror", { error: error ?? { type: "invalid_request_error" } });
            else this.#tell("ready", {});
          } else if (is === "changed") {
            this.#tell("change", { complete: more.complete, empty: more.empty });
          } else if (is === "answer") {
            this.#answers.shift()?.(more.body);
          }
        });
        // A frame that has loaded and says nothing is the browser's own page about an error.
        this.#frame.node.addEventListener("load", () => {
          if (!loaded) late = setTimeout(() => this.#tell("loaderror", { error: { type: "api_connection_error" } }), 1000);
        });
      }

      destroy() {
        this.#frame?.remove();
        this.#frame = null;
        this.#listeners = {};
      }

      #tell(event, more) {
        for (const handler of this.#listeners[event] ?? []) handler({ elementType: "payment", ...more });
      }

      ask(what, fields = {}) {
        return new Promise((done) => {
          this.#answers.push(done);
          this.#frame.say({ ask: what, api: API, fields, intent: this.#intent, key });
        });
      }
    }

    /** What is next for an intent that was confirmed: the bank's frame, the bank's own page, or nothing. */
    async function finish(intent, now, options) {
      if (now.status === "requires_action" && now.next_action.type === "redirect_to_url") {
        location.assign(now.next_action.redirect_to_url.url);
        return new Promise(() => {}); // the page is left
      }
      if (now.status === "requires_action") {
        const query = new URLSearchParams({ intent: intent.id, client_secret: intent.clientSecret, key });
        await new Promise((done) => {
          const bank = frame(`${BANK}?${query}`, document.body, () => {
            bank.remove();
            done();
          });
          bank.node.title = "The bank's question";
          bank.node.style.cssText += "; position: fixed; inset: 0; height: 100%; color-scheme: light; z-index: 2147483647";
        });
        const after = await retrieve(intent);
        if (after.error) return after;
        now = after[intent.result];
        if (now.status === "requires_payment_method") {
          const code = intent.result === "paymentIntent" ? "payment_intent_authentication_failure" : "setup_intent_authentication_failure";
          return { error: { type: "invalid_request_error", code, message: REFUSED, [intent.result === "paymentIntent" ? "payment_intent" : "setup_intent"]: now } };
        }
      }
      if (options.redirect !== "if_required" && options.confirmParams) {
        const back = new URL(options.confirmParams.return_url);
        const name = intent.result === "paymentIntent" ? "payment_intent" : "setup_intent";
        for (const [field, value] of [[name, intent.id], [`${name}_client_secret`, intent.clientSecret], ["redirect_status", now.status]])
          back.searchParams.set(field, value);
        location.assign(back);
        return new Promise(() => {});
      }
      return { [intent.result]: now };
    }

    async function confirm(options, result) {
      const { elements, clientSecret, confirmParams } = options;
      if (!confirmParams?.return_url) wrong("You must provide a return_url.");
      let intent, body;
      if (elements) {
        intent = elements.intent;
        body = await elements.getElement("payment").ask("confirm", { return_url: confirmParams.return_url });
      } else {
        intent = intentOf(clientSecret);
        const fields = { key, client_secret: clientSecret, ...confirmParams };
        const reply = await fetch(`${API}/v1/${intent.path}/${intent.id}/confirm`, { method: "POST", body: new URLSearchParams(fields) });
        body = await reply.json();
      }
      if (intent.result !== result) wrong("The clientSecret is of another kind of intent.");
      return body.error ? { error: body.error } : finish(intent, body, options);
    }

    return {
      elements({ clientSecret, appearance = {} }) {
        const intent = intentOf(clientSecret);
        let element = null;
        return {
          intent,
          create(type) {
            if (type !== "payment") wrong(`This double has no ${type} element.`);
            if (element) wrong("Can only create one Element of type payment.");
            return (element = new PaymentElement(intent, appearance.theme ?? "stripe"));
          },
          getElement: () => element,
          submit: () => element.ask("validate").then(({ error }) => (error ? { error } : {})),
        };
      },
      confirmPayment: (options) => confirm(options, "paymentIntent"),
      confirmSetup: (options) => confirm(options, "setupIntent"),
      retrievePaymentIntent: (clientSecret) => retrieve(intentOf(clientSecret)),
      async handleNextAction({ clientSecret }) {
        const intent = intentOf(clientSecret);
        const found = await retrieve(intent);
        if (found.error) return found;
        const now = found[intent.result];
        if (now.status !== "requires_action") wrong("handleNextAction: the Intent is not in the requires_action state.");
        return finish(intent, now, { redirect: "if_required" });
      },
    };
  };
})();

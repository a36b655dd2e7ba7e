// How the console sends: a button is busy until the server has answered, a refusal is said under the controls.
// Effects are never drawn here: they arrive as events, like for everybody.

import { $, text } from "../ui/dom.js";
import { assertively } from "../ui/announce.js";
import { t } from "../ui/words.js";

const NOTE_STAY_MS = 6000;

/** Returns `act(button, type, payload)`: resolves with the result, or null when refused (already said). */
export function wireActions(session) {
  const note = $("#desk-note");
  let timer = 0;

  function say(message) {
    text(note, message);
    if (message) assertively(message);
    clearTimeout(timer);
    timer = setTimeout(() => text(note, ""), NOTE_STAY_MS);
  }

  return async function act(button, type, payload = {}) {
    if (button?.getAttribute("aria-busy") === "true") return null;
    button?.setAttribute("aria-busy", "true");
    try {
      const result = await session.send(type, payload);
      text(note, "");
      return result;
    } catch (refusal) {
      say(refusal.message || t("lostCommand"));
      return null;
    } finally {
      button?.setAttribute("aria-busy", "false");
    }
  };
}

/** A button that asks once more before it does something that can't be undone: no dialog, it changes its own words. */
export function twice(button, question, work, waitMs = 4000) {
  const label = button.textContent;
  let armed = 0;
  const rest = () => {
    armed = 0;
    button.textContent = label;
    button.classList.remove("armed");
  };
  button.addEventListener("click", () => {
    if (armed) {
      clearTimeout(armed);
      rest();
      work();
      return;
    }
    button.textContent = question;
    button.classList.add("armed");
    armed = setTimeout(rest, waitMs);
  });
}

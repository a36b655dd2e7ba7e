// What every page does: theme, local times, faces' colours, dialogs that close, forms that are sent once.

import { $$, hue } from "./ui/dom.js";
import { wireTheme } from "./ui/theme.js";
import { localTimes } from "./ui/time.js";

wireTheme();
localTimes();
for (const node of $$("[data-face]")) node.style.setProperty("--hue", hue(node.dataset.face));

// A dialog closes by its button and by a tap beside it; Escape is the browser's.
for (const dialog of $$("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
}

// Twice pressed is once sent. The page that answers has fresh buttons; so has one that comes back from the history.
for (const form of $$('form[method="post"]')) {
  form.addEventListener("submit", () => {
    for (const button of $$('button[type="submit"]', form)) button.setAttribute("aria-busy", "true");
    setTimeout(() => $$("button", form).forEach((button) => (button.disabled = true)));
  });
}
addEventListener("pageshow", () => $$('form[method="post"] button').forEach((button) => (button.disabled = false)));

const top = document.querySelector(".top");
if (top) addEventListener("scroll", () => top.classList.toggle("stuck", scrollY > 8), { passive: true });

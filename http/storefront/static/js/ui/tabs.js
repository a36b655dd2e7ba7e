// Tabs by the ARIA pattern: arrows move, Home and End jump, one tab is in the tab order.

import { $, $$ } from "./dom.js";

export function wireTabs(list, onChange = () => {}) {
  if (!list) return;
  const tabs = $$('[role="tab"]', list);
  const choose = (tab, focus) => {
    for (const other of tabs) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      const panel = $(`#${other.getAttribute("aria-controls")}`);
      if (panel) panel.classList.toggle("off", !chosen);
    }
    if (focus) tab.focus();
    onChange(tab);
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) choose(tab, false);
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    choose(tabs.at(to % tabs.length), true);
  });
}

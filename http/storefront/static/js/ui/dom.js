// The few helpers that all modules build pages with. Text always goes in as text, never as markup.

/** First element that matches, or null. */
export const $ = (selector, root = document) => root.querySelector(selector);
/** All elements that match, as an array. */
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** `h("li.chip", { dataset: { id } }, "text", child)`: an element with classes, properties and children. */
export function h(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name === "dataset") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets text only when it changed: no needless layout, and a live region does not repeat itself. */
export function text(node, value) {
  const next = String(value ?? "");
  if (node && node.textContent !== next) node.textContent = next;
}

/** Shows or hides. */
export function show(node, visible) {
  if (node && node.hidden === visible) node.hidden = !visible;
}

/** An icon of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A round face: initial on a colour of its own for each name. */
export function face(name) {
  const node = h("span.face", { ariaHidden: "true" }, [...(name || "?")][0]);
  node.style.setProperty("--hue", hue(name ?? ""));
  return node;
}

/** A steady colour for a name, 0..359. */
export function hue(name) {
  let sum = 7;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  return (sum * 47) % 360;
}

/** The JSON that the server put into the page for its modules. */
export function pageData(id = "page-data") {
  const node = document.getElementById(id);
  return node ? JSON.parse(node.textContent) : {};
}

const FLASH_MS = 1600; // longer than any one-shot animation of ours
const flashes = new WeakMap(); // node -> class -> timer that takes the class away

/** Plays a one-shot animation by its class, from the start when it is still running. Without reading layout: a bidding
 *  war would otherwise lay the page out twice for every bid. */
export function flash(node, name) {
  if (!node) return;
  const timers = flashes.get(node) ?? {};
  flashes.set(node, timers);
  if (timers[name]) {
    clearTimeout(timers[name]);
    for (const animation of node.getAnimations({ subtree: true })) {
      if (animation.effect?.getTiming().iterations === 1) animation.currentTime = 0;
    }
  }
  node.classList.add(name);
  timers[name] = setTimeout(() => {
    node.classList.remove(name);
    timers[name] = 0;
  }, FLASH_MS);
}

/** True when the person asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

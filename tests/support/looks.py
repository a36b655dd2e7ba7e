"""What can be measured of a page's accessibility: names of controls, sizes of targets, contrast of texts, sideways scrolling.

Measures only, in the browser itself; the tests say what is enough. Contrast is measured on the pixels behind the text, as
gradients and pictures lie there.
"""

import base64
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Locator

from tests.support.browser import Window

_NAMED_ROLES = frozenset(
    "button link textbox searchbox combobox listbox checkbox radio switch slider spinbutton tab menuitem option "
    "dialog region img image progressbar".split()
)

_OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  const over = document.documentElement.scrollWidth - width;
  if (over <= 0) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((node) => node.getBoundingClientRect().right > width + 1);
  return wide.slice(-3).map((node) => node.outerHTML.slice(0, 120)).concat(`${over} px too wide`);
}"""

_SMALL = """(least) => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=tab], [tabindex='0']")]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".vh, .skip, [inert]") && node.type !== "hidden")
  .filter((node) => {
    // WCAG 2.5.8 leaves out links in a sentence; a label that is part of its control counts with it.
    const inSentence = node.matches("a") && getComputedStyle(node).display === "inline";
    const box = (node.matches("input[type=checkbox]") && node.closest("label") || node).getBoundingClientRect();
    return !inSentence && box.width > 0 && (box.width < least || box.height < least);
  })
  .map((node) => `${node.outerHTML.slice(0, 100)} ${Math.round(node.getBoundingClientRect().width)}x${Math.round(node.getBoundingClientRect().height)}`)"""

# Hides the words alone: what is left is what lies behind them.
_BARE = """(on) => {
  const bare = (globalThis.__bare ??= new CSSStyleSheet());
  bare.replaceSync(on ? `* { color: transparent !important; text-shadow: none !important; caret-color: transparent !important;
    transition: none !important; animation: none !important } svg { visibility: hidden !important }` : "");
  if (!document.adoptedStyleSheets.includes(bare)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, bare];
}"""

# Colours that change with the theme have arrived.
_AT_REST = """async () => {
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  const ending = document.getAnimations().filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime));
  await Promise.allSettled(ending.map((one) => one.finished));
}"""

# A text's look and place. Its own words where it has some beside its children, such as an icon.
_LOOK = """(node) => {
  const words = [...node.childNodes].filter((one) => one.nodeType === Node.TEXT_NODE && one.data.trim());
  const range = document.createRange();
  range.selectNodeContents(words[0] ?? node);
  // Words that are cut off with an ellipsis reach, by their range, over the edge.
  const [all, seen] = [range.getBoundingClientRect(), node.getBoundingClientRect()];
  const [x, y] = [Math.max(all.left, seen.left), Math.max(all.top, seen.top)];
  const [width, height] = [Math.min(all.right, seen.right) - x, Math.min(all.bottom, seen.bottom) - y];
  const style = getComputedStyle(node);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
  let opacity = 1;
  for (let one = node; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
  return { words: node.innerText.slice(0, 40), colour: style.color, opacity, large, x: x + scrollX, y: y + scrollY, width, height };
}"""

_RATIOS = """async ({ picture, texts }) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const light = (r, g, b) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  return texts.map(({ colour, opacity, x, y, width, height }) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const text = pen.getImageData(0, 0, 1, 1).data;
    pen.drawImage(image, 0, 0);
    const behind = pen.getImageData(x, y, Math.ceil(width), Math.ceil(height)).data;
    const share = opacity * text[3] / 255;
    const ratios = [];
    for (let i = 0; i < behind.length; i += 4) {
      const under = [behind[i], behind[i + 1], behind[i + 2]];
      const over = under.map((c, k) => c * (1 - share) + text[k] * share);
      const [a, b] = [light(...under), light(...over)];
      ratios.push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
    }
    ratios.sort((a, b) => a - b);
    return ratios[Math.floor(ratios.length * 0.05)];
  });
}"""


async def sideways(window: Window) -> list[str]:
    """What makes the page scroll sideways; nothing if it does not."""
    found: list[str] = await window.page.evaluate(_OVERFLOW)
    return found


async def small_targets(window: Window, least_px: int = 24) -> list[str]:
    """Controls that a finger can't hit well (WCAG 2.5.8)."""
    found: list[str] = await window.page.evaluate(_SMALL, least_px)
    return found


async def nameless(window: Window) -> list[str]:
    """Controls that a screen reader could not name, by Chromium's own accessibility tree."""
    session = await window.context.new_cdp_session(window.page)
    tree: dict[str, Any] = await session.send("Accessibility.getFullAXTree")
    found: list[str] = []
    for node in tree["nodes"]:
        role = node.get("role", {}).get("value", "")
        if node.get("ignored") or role not in _NAMED_ROLES or node.get("name", {}).get("value", "").strip():
            continue
        described = await session.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})
        element = described["node"]
        found.append(f"{role}: {element['nodeName'].lower()} {element.get('attributes', [])}")
    await session.detach()
    return found


async def low_contrast(window: Window, texts: Sequence[Locator]) -> list[str]:
    """Texts with less contrast than WCAG 1.4.3 asks for: 4.5, large ones 3.

    Of the pixels behind a text the worst twentieth is left out: edges and rounded corners.
    """
    scale: float = await window.page.evaluate("devicePixelRatio")
    assert scale == 1, "pictures are measured pixel by pixel"
    await window.page.evaluate(_AT_REST)
    looks: list[dict[str, Any]] = [await text.evaluate(_LOOK) for text in texts]
    await window.page.evaluate(_BARE, True)
    picture = base64.b64encode(await window.page.screenshot(full_page=True)).decode()
    await window.page.evaluate(_BARE, False)
    ratios: list[float] = await window.page.evaluate(_RATIOS, {"picture": picture, "texts": looks})
    return [
        f"{look['words']!r} {look['colour']}: {ratio:.2f}"
        for look, ratio in zip(looks, ratios, strict=True)
        if not ratio >= (3 if look["large"] else 4.5)
    ]

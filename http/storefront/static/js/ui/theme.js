// Light, dark, or as the device says: kept in a cookie so that the server renders the right one at once.

const YEAR_S = 31_536_000;

export function wireTheme(root = document.documentElement) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const say = () => button.setAttribute("aria-pressed", String(isDark()));
    say();
    dark.addEventListener("change", say);
    button.addEventListener("click", () => {
      const next = isDark() ? "light" : "dark";
      // Back to what the device says: no cookie, so that it follows the device again at dusk.
      const follows = (next === "dark") === dark.matches;
      if (follows) delete root.dataset.theme;
      else root.dataset.theme = next;
      document.cookie = `theme=${follows ? "" : next};path=/;max-age=${follows ? 0 : YEAR_S};samesite=lax`;
      say();
    });
  }
}

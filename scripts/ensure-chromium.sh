#!/usr/bin/env bash
# Makes sure that a Chromium for the browser tests is there; it never skips: it installs one or says what to run.
set -euo pipefail
bin="${1:-.venv/bin}"

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
playwright_has_one() {
    "$bin/python" - <<'PY'
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    sys.exit(not pathlib.Path(p.chromium.executable_path).exists())
PY
}
if playwright_has_one; then exit 0; fi
echo "==> installing Chromium for the browser tests"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    if (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/dev/null; then exit 0; fi
fi
if "$bin/playwright" install chromium; then exit 0; fi
echo "No Chromium could be installed. Run one of these, then make test again:" >&2
echo "    apt-get install chromium                 (Debian, as root)" >&2
echo "    $bin/playwright install --with-deps chromium" >&2
exit 1

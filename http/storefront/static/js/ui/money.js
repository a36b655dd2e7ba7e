// Money as people read and write it. Amounts are integer minor units everywhere else; no float ever holds one.

// ISO 4217, the same lists as liveserver/kernel/money.py.
const ZERO = new Set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(" "));
const THREE = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));
const formats = new Map();

/** How many decimals the currency's amounts have. */
export function decimals(currency) {
  return ZERO.has(currency) ? 0 : THREE.has(currency) ? 3 : 2;
}

/** `5800, "USD"` -> `$58`; `5850` -> `$58.50`. Locale from the page's language preferences. */
export function money(minor, currency, locale = undefined) {
  const digits = decimals(currency);
  const whole = minor % 10 ** digits === 0;
  return format(currency, whole ? 0 : digits, locale).format(minor / 10 ** digits);
}

/** Just the currency's sign, for the inside of an input. */
export function sign(currency, locale = undefined) {
  return format(currency, 0, locale).formatToParts(0).find((part) => part.type === "currency").value;
}

/** Reads `58`, `58.5`, `58,50` or `$1,200` into minor units; null when it is no such amount. */
export function parseAmount(text, currency) {
  const digits = decimals(currency);
  const bare = text.replace(/[^\d.,]/g, "");
  if (!/\d/.test(bare) || /[^\d.,\s$€£¥₹A-Za-z'\u00a0-]/.test(text) || text.includes("-")) return null;
  const cut = Math.max(bare.lastIndexOf("."), bare.lastIndexOf(","));
  const tail = cut < 0 ? "" : bare.slice(cut + 1);
  const isFraction = cut >= 0 && tail.length > 0 && tail.length <= digits;
  if (cut >= 0 && !isFraction && tail.length !== 3) return null;
  const whole = (isFraction ? bare.slice(0, cut) : bare).replace(/[.,]/g, "");
  const fraction = (isFraction ? tail : "").padEnd(digits, "0");
  const minor = Number((whole || "0") + fraction);
  return Number.isSafeInteger(minor) && minor <= 1e12 ? minor : null;
}

/** Minor units as plain text for an input: `5850` -> `58.50`. */
export function plain(minor, currency) {
  const digits = decimals(currency);
  return minor % 10 ** digits === 0 ? String(minor / 10 ** digits) : (minor / 10 ** digits).toFixed(digits);
}

function format(currency, digits, locale) {
  const key = `${currency}${digits}${locale}`;
  if (!formats.has(key)) {
    const options = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
    formats.set(key, new Intl.NumberFormat(locale, options));
  }
  return formats.get(key);
}

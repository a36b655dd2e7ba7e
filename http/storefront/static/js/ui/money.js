// Money as people read and write it. Amounts are integer minor units everywhere else; no float ever holds one.

// ISO 4217, the same lists as liveserver/kernel/money.py.
const ZERO = new Set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(" "));
const THREE = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));
const AMOUNT_MAX = 1e12; // the server's own largest amount
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

/** Reads `58`, `58.5`, `58,50` or `$1,200` into minor units; null when it is no such amount. Thousands may be grouped as
 *  the reader's locale groups them; what could be read in two ways is not read at all. */
export function parseAmount(text, currency, locale = undefined) {
  const digits = decimals(currency);
  const found = /^[^\d.,+-]*(\d[\d.,'\s]*)[^\d.,+-]*$/.exec(text.trim());
  if (!found) return null;
  const bare = found[1].replace(/['\s]/g, "");
  const group = groupSign(locale);
  const [, wholePart, fraction = ""] = /^(.*?)(?:[.,](\d*))?$/.exec(splitsOff(bare, digits, group) ? bare : `${bare}.`);
  const whole = /^\d+$/.test(wholePart) ? wholePart : ungroup(wholePart, group);
  if (whole === null || fraction.length > digits) return null;
  const minor = Number(whole + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(minor) && minor <= AMOUNT_MAX ? minor : null;
}

/** Whether the last sign separates a fraction: it does unless exactly three digits follow the locale's own grouping sign. */
function splitsOff(bare, digits, group) {
  const cut = Math.max(bare.lastIndexOf("."), bare.lastIndexOf(","));
  if (cut < 0) return false;
  return !(bare[cut] === group && bare.length - cut === 4 && digits < 3);
}

function ungroup(text, group) {
  const parts = text.split(group);
  const fits = parts.every((part, at) => (at ? /^\d{3}$/ : /^\d{1,3}$/).test(part));
  return fits ? parts.join("") : null;
}

function groupSign(locale) {
  return new Intl.NumberFormat(locale).formatToParts(12345).find((part) => part.type === "group")?.value ?? ",";
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

// The few REST calls of the pages: JSON with the session's cookie and CSRF token. Problems come back as a sentence.

import { t } from "./words.js";

/** Fetches a JSON document; null when that did not work out. */
export async function getJson(path) {
  try {
    const reply = await fetch(path, { headers: { Accept: "application/json" } });
    return reply.ok ? await reply.json() : null;
  } catch {
    return null; // no network: what is on the page stands
  }
}

/** Sends `body`; resolves with "" when it went well, else with a sentence for people. */
export async function sendJson(method, path, body, csrf) {
  try {
    const reply = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    });
    if (reply.ok) return "";
    const problem = await reply.json().catch(() => ({}));
    return problem.detail || problem.title || t("lostCommand");
  } catch {
    return t("lostCommand"); // no network: fetch says nothing more useful
  }
}

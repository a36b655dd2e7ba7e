// The operator's page, kept current: the same rows that the server draws, from GET /api/v1/admin/live every two seconds.

import { $, h, icon, show, text } from "../ui/dom.js";
import { politely } from "../ui/announce.js";
import { t } from "../ui/words.js";

const EVERY_MS = 2_000;
const WAIT_MAX_MS = 8_000; // an answer that takes longer is none
const SILENT_MS = 2_500; // as the server's own page (templates/admin_live.html)

const board = $("#ops");
const pause = $("#ops-pause");
let paused = false;
let alarms = null; // names last said to screen readers

show(pause, true);
pause.addEventListener("click", () => {
  paused = !paused;
  text(pause, t(paused ? "resumeUpdates" : "pauseUpdates"));
  if (!paused) look();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
setInterval(look, EVERY_MS);

let looking = false;
async function look() {
  if (paused || looking || document.hidden) return;
  looking = true;
  const live = await fetched();
  looking = false;
  if (paused) return;
  if (live) draw(live);
  else stale();
}

async function fetched() {
  try {
    const reply = await fetch("/api/v1/admin/live", {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(WAIT_MAX_MS),
    });
    return reply.ok ? await reply.json() : null;
  } catch {
    return null; // what is on the page stands, and says that it is old
  }
}

function stale() {
  text($("#ops-stale"), ` · ${t("noAnswer")}`);
  show($("#ops-stale"), true);
  for (const part of board.querySelectorAll("[data-live]")) part.dataset.stale = "";
}

function draw(live) {
  show($("#ops-stale"), false);
  const now = new Date(live.now_ms);
  $("#ops-time").dateTime = now.toISOString();
  text($("#ops-time"), now.toLocaleTimeString());
  const registry = $("#ops-registry");
  text(registry, live.registry ? "" : t("registryAway"));
  show(registry, !live.registry);
  put("figures", [
    figure("viewersHere", live.viewers),
    figure("connections", live.connections),
    figure("showsFollowed", live.shows.length + live.shows_more),
    figure("servingNodes", live.nodes.filter((node) => node.kind === "serving").length),
    figure("toBeRecorded", live.shows.reduce((sum, one) => sum + one.unrecorded, 0)),
  ]);
  put("alarms", live.alarms.length ? live.alarms.map(alarm) : [h("p.notice.good.calm", {}, icon("check"), t("noAlarm"))]);
  rows("shows", live.shows.map(showRow), t("noShows"));
  rows("nodes", live.nodes.map((node) => nodeRow(node, live.now_ms)), t("noNodes"));
  rows("engines", live.engines.map(engineRow), t("noEngines"));
  text($("#ops-more"), t("moreShows", { n: live.shows_more.toLocaleString() }));
  show($("#ops-more"), live.shows_more > 0);
  const names = live.alarms.map((one) => one.name).join(", ");
  if (alarms !== null && names !== alarms) politely(names ? t("alarmsNow", { names }) : t("noAlarm"));
  alarms = names;
}

/** Replaces a part's children, unless somebody's focus is on a link that stays where it is: then only what differs. */
function put(name, nodes) {
  const part = board.querySelector(`[data-live="${name}"]`);
  delete part.dataset.stale;
  nodes.forEach((node, index) => {
    const before = part.children[index];
    if (!before) part.append(node);
    else if (!before.isEqualNode(node)) swap(before, node);
  });
  while (part.children.length > nodes.length) part.lastElementChild.remove();
}

function swap(before, node) {
  const link = before.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  before.replaceWith(node);
  if (link) [...node.querySelectorAll("a")].find((one) => one.getAttribute("href") === link)?.focus({ preventScroll: true });
}

function rows(name, found, nothing) {
  const columns = board.querySelector(`[data-live="${name}"]`).closest("table").querySelectorAll("thead th").length;
  put(name, found.length ? found : [row("none", h("td", { role: "cell", colSpan: columns }, nothing))]);
}

const row = (classes, ...cells) => h(classes ? `tr.${classes}` : "tr", { role: "row" }, ...cells);
const head = (...parts) => h("th", { role: "rowheader", scope: "row" }, ...parts);
const cell = (label, ...parts) => h("td.nums", { role: "cell", dataset: { label: t(label) } }, h("span", {}, ...parts));
const state = (kind, word, more = "") =>
  h("td.state", { role: "cell", dataset: { label: t("state") } }, h("span", {}, h(`span.chip.${kind}`, {}, t(word)), more && " ", more && h("span.small", {}, more)));
const figure = (label, n) => h("div", {}, h("dt", {}, t(label)), h("dd", {}, n.toLocaleString()));

function showRow(one) {
  return row(
    "",
    head(h("a", { href: `/shows/${one.show}` }, one.title || one.show)),
    cell("viewersHere", one.viewers.toLocaleString()),
    cell("nodes", String(one.nodes)),
    cell("position", one.seq.toLocaleString()),
    cell("epoch", String(one.epoch)),
    cell("unrecorded", one.unrecorded.toLocaleString()),
    cell("oldest", one.unrecorded ? span(one.lag_ms) : "–"),
    one.halted ? state("bad", "halted", one.halted) : state("win", "well"),
  );
}

function nodeRow(node, nowMs) {
  const where = node.kind === "serving" ? node.origin : t("recordsOnly");
  return row(
    "",
    head(h("span.mono", {}, node.id), h("span.soft.small", {}, node.here ? `${where} · ${t("answersYou")}` : where)),
    cell("release", node.release),
    cell("upFor", span(Math.max(0, nowMs - node.started_ms))),
    cell("heard", span(node.silent_ms)),
    cell("connections", node.connections.toLocaleString()),
    cell("rooms", node.rooms.toLocaleString()),
    cell("cpu", `${node.cpu_percent} %`),
    cell("memory", `${Math.floor(node.memory_bytes / 1_048_576).toLocaleString()} MB`),
    cell("loopLate", span(node.late_ms)),
    node.draining ? state("warn", "leaving") : node.silent_ms > SILENT_MS ? state("bad", "silent") : state("win", "well"),
  );
}

function engineRow(engine) {
  return row(
    "",
    head(engine.name),
    cell("answers", t("someOf", { n: engine.answers, of: engine.asked })),
    cell("lastAnswer", `${engine.answer_ms.toFixed(1)} ms`),
    cell("clockAhead", `${engine.ahead_ms.toLocaleString()} ms`),
    cell("awaySoFar", engine.away_s ? span(Math.floor(engine.away_s * 1000)) : "–"),
    engine.answers < engine.asked ? state("bad", "away") : state("win", "well"),
  );
}

function alarm(one) {
  const critical = one.severity === "critical";
  const part = (label, words) => h("div", {}, h("dt", {}, t(label)), h("dd", {}, words));
  return h(
    `article.alarm.${one.severity}`,
    {},
    h("h3", {}, h(`span.chip.${critical ? "bad" : "warn"}`, {}, t(critical ? "critical" : "warning")), one.name),
    h("p.about", {}, one.about),
    h("p", {}, one.means),
    h("dl", {}, part("peopleNotice", one.people), part("whatToDo", one.todo)),
  );
}

/** `12 ms`, `3.4 s`, `5 min`, `7 h`, `3 d`. */
function span(ms) {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

// Chat: the list of messages (newest at the bottom), the pinned one, and the line to write in. Text goes in as text only.
// Refusals show under the line, and the person's words stay there.

import { $, $$, face, h, hue, show, text } from "../ui/dom.js";
import { t } from "../ui/words.js";

const SHOWN_MAX = 80; // nodes kept in the page: older ones are out of sight on every screen
const NEAR_END_PX = 60;

export function wireChat(session, data, { tools = null } = {}) {
  const list = $("#chat-list");
  const form = $("#chat-form");
  const input = $("#chat-input");
  const note = $("#chat-note");
  const nodes = new Map($$("[data-id]", list).map((row) => [row.dataset.id, row])); // the server drew the first ones
  let waitUntil = 0;
  let refusalText = "";
  let following = true;
  let drawnOnce = false;
  let height = 0;

  session.watch(draw);
  session.on("user:muted", (payload, { fresh }) => {
    if (fresh && payload.user.id === data.user?.id) chatOf(session).muted_until = payload.until_ts;
  });
  session.on("user:unmuted", ({ user }) => user.id === data.user?.id && (chatOf(session).muted_until = null));
  session.on("user:banned", ({ user }) => user.id === data.user?.id && (chatOf(session).banned = true));
  session.on("user:unbanned", ({ user }) => user.id === data.user?.id && (chatOf(session).banned = false));
  form?.addEventListener("submit", say);
  input?.addEventListener("input", () => {
    refusalText = "";
    drawNote();
  });
  list.addEventListener("scroll", () => {
    if (list.clientHeight !== height) return; // the page moved it, not the reader
    following = atEnd();
    if (following) show($("#chat-newer"), false);
  }, { passive: true });
  // A keyboard that opens, or a turned phone, must not leave the newest words below the edge.
  new ResizeObserver(() => {
    height = list.clientHeight;
    if (following) toEnd();
  }).observe(list);
  $("#chat-newer")?.addEventListener("click", toEnd);
  setInterval(drawNote, 1000);

  async function say(event) {
    event.preventDefault();
    const line = input.value.trim();
    if (!line || input.readOnly) return;
    input.value = "";
    toEnd();
    try {
      await session.send("chat:send", { text: line });
      const slow = session.view.chat.slow_ms;
      if (slow && !session.isStaff) waitUntil = Date.now() + slow;
    } catch (refusal) {
      if (!input.value) input.value = line;
      if (refusal.code === "slow_mode") waitUntil = Date.now() + (refusal.detail.wait_ms ?? 1000);
      else refusalText = refusal.message || t("lostCommand");
    }
    drawNote();
  }

  function draw() {
    const drawn = drawnOnce;
    drawnOnce = true;
    const messages = session.view.chat.messages.slice(-SHOWN_MAX);
    const ids = new Set(messages.map((message) => message.id));
    for (const [id, node] of nodes) {
      if (ids.has(id)) continue;
      node.remove();
      nodes.delete(id);
    }
    let added = 0;
    for (const message of messages) {
      if (nodes.has(message.id)) continue;
      const node = row(message);
      nodes.set(message.id, node);
      list.append(node);
      added += 1;
    }
    show($("#chat-empty"), session.ready && messages.length === 0);
    drawPinned();
    drawNote();
    if ((added || !drawn) && following) toEnd();
    else if (added) show($("#chat-newer"), true);
  }

  function row(message) {
    const { user } = message;
    const badge = { host: "host", moderator: "moderator", admin: "admin" }[user.role];
    const name = h("b.who", {}, user.name);
    name.style.setProperty("--hue", hue(user.name));
    const mine = user.id && user.id === data.user?.id;
    const node = h(`li.msg${badge ? `.${user.role}` : ""}${mine ? ".mine" : ""}`, { dataset: { id: message.id } },
      face(user.name), h("p", {}, name, badge ? h("span.badge", {}, t(badge)) : null, " ", h("span.said", {}, message.message)));
    if (tools) node.append(tools(message));
    return node;
  }

  function drawPinned() {
    const pinned = session.view.chat.pinned;
    show($("#pinned"), Boolean(pinned));
    if (pinned) {
      text($("#pinned-who"), pinned.user?.name);
      text($("#pinned-text"), pinned.message);
    }
  }

  function drawNote() {
    if (!input) return;
    const you = session.you.chat ?? {};
    const mutedMs = (you.muted_until ?? 0) - session.clock.serverNow();
    const waitMs = waitUntil - Date.now();
    const shut = you.banned || mutedMs > 0;
    input.readOnly = Boolean(shut);
    const slow = session.view.chat.slow_ms;
    const say =
      you.banned ? t("chatBanned")
      : mutedMs > 3_600_000 * 24 ? t("chatMutedLong")
      : mutedMs > 0 ? t("chatMuted", { time: clockText(mutedMs) })
      : waitMs > 0 ? t("chatWait", { seconds: Math.ceil(waitMs / 1000) })
      : refusalText || (slow && !session.isStaff && document.activeElement === input ? t("chatSlow", { seconds: Math.round(slow / 1000) }) : "");
    text(note, say);
    show(note, Boolean(say));
    input.placeholder = t("chatSay");
    form.classList.toggle("shut", Boolean(shut));
  }

  function atEnd() {
    return list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
  }

  function toEnd() {
    following = true;
    list.scrollTop = list.scrollHeight;
    show($("#chat-newer"), false);
  }
}

/** What concerns only this person in the chat: `{muted_until, banned}`. */
function chatOf(session) {
  return (session.you.chat ??= {});
}

function clockText(ms) {
  const seconds = Math.ceil(ms / 1000);
  return seconds > 90 ? `${Math.ceil(seconds / 60)} min` : `${seconds}s`;
}

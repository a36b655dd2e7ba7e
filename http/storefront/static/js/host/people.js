// Moderation: a row of actions under a message, slow mode, and the list of people who are muted or banned.

import { $, h, icon, show, text } from "../ui/dom.js";
import { toast } from "../ui/toast.js";
import { t } from "../ui/words.js";
import { twice } from "./actions.js";

const RANK = { viewer: 0, moderator: 1, host: 2, admin: 3 };

/** For wireChat: what stands beside each message. One tap opens the actions, in the list itself: nothing covers the lot. */
export function messageTools(session, data, act) {
  return (message) => {
    const more = h("button.iconbtn.msg-more", { type: "button", ariaLabel: t("moderate", { name: message.user.name }), ariaExpanded: "false" }, icon("dots"));
    const box = h("span.msg-tools");
    more.addEventListener("click", () => {
      const open = box.childElementCount > 0;
      more.setAttribute("aria-expanded", String(!open));
      box.replaceChildren(...(open ? [] : tools(message)));
      if (!open) box.scrollIntoView({ block: "nearest" });
    });
    const both = document.createDocumentFragment();
    both.append(more, box);
    return both;
  };

  function tools(message) {
    const { user } = message;
    const make = (label, type, payload, done) =>
      h("button.btn.tiny", { type: "button", onclick: async (event) => (await act(event.currentTarget, type, payload)) && toast(done) }, label);
    const list = [make(t("pin"), "chat:pin", { message: message.id }, t("pinned")), make(t("remove"), "chat:delete", { message: message.id }, t("deleted"))];
    if (user.id !== data.user?.id && (RANK[user.role] ?? 0) < (RANK[session.role] ?? 0)) {
      list.push(make(t("mute5"), "user:mute", { user: user.id, for_ms: 300_000 }, t("muted", { minutes: 5 })));
      const ban = h("button.btn.tiny.danger", { type: "button" }, t("ban"));
      twice(ban, t("banSure"), async () => (await act(ban, "user:ban", { user: user.id, reason: "" })) && toast(t("banned")));
      list.push(ban);
    }
    return list;
  }
}

export function wirePeople(session, data, act) {
  const slow = $("#slow");
  const held = new Map();
  let taken = null;
  let drawn = "";

  slow.addEventListener("change", () => act(null, "chat:slow", { interval_ms: Number(slow.value) }));
  $("#unpin").addEventListener("click", (event) => act(event.currentTarget, "chat:pin", { message: null }));
  session.on("user:muted", ({ user, until_ts }) => held.set(user.id, { user, until_ts }));
  session.on("user:banned", ({ user }) => held.set(user.id, { user, banned: true }));
  session.on("user:unmuted", ({ user }) => held.delete(user.id));
  session.on("user:unbanned", ({ user }) => held.delete(user.id));

  session.watch(() => {
    takeSnapshot(session.you.chat);
    const ms = String(session.view.chat.slow_ms);
    if (document.activeElement !== slow && [...slow.options].some((option) => option.value === ms)) slow.value = ms;
    draw();
  });

  function takeSnapshot(you) {
    if (!you || you === taken) return;
    taken = you;
    held.clear();
    for (const { user, until_ts } of you.muted ?? []) held.set(user.id, { user, until_ts });
    for (const { user } of you.bans ?? []) held.set(user.id, { user, banned: true });
  }

  function draw() {
    const now = session.clock.serverNow();
    const people = [...held.values()].filter((one) => one.banned || one.until_ts > now);
    const key = JSON.stringify(people);
    text($("#held-count"), people.length ? String(people.length) : "");
    show($("#held-empty"), people.length === 0);
    if (key === drawn) return;
    drawn = key;
    $("#held").replaceChildren(...people.map(row));
  }

  function row({ user, banned, until_ts }) {
    const button = h("button.btn.tiny.line", { type: "button" }, t(banned ? "unban" : "unmute"));
    button.addEventListener("click", () => act(button, banned ? "user:unban" : "user:unmute", { user: user.id }));
    const until = banned ? t("bannedShort") : t("mutedUntil", { time: new Date(until_ts).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" }) });
    return h("li", {}, h("b.clip", {}, user.name || user.id), h("span.soft.small", {}, until), button);
  }
}

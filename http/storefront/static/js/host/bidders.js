// Who bids on the running lot: latest first, the leader marked, bids counted. Maxima are nobody's, the host's neither.

import { $, face, h, show, text } from "../ui/dom.js";
import { count, t } from "../ui/words.js";
import { twice } from "./actions.js";

const SHOWN_MAX = 30;

export function wireBidders(session, data, act) {
  let lot = "";
  let people = new Map();
  let drawn = "";

  session.on("host:bid", (payload) => {
    turn(payload.lot);
    people.delete(payload.bidder.id);
    people.set(payload.bidder.id, { ...payload.bidder, bids: payload.bids });
  });
  session.on("host:void", (payload) => people.delete(payload.bidder.id));
  session.watch(() => {
    const current = session.lot;
    turn(current?.lot ?? "");
    // The snapshot's list stands until the first bid after it.
    const given = session.mine.bidders?.[lot];
    if (given && people.size === 0) people = new Map([...given].reverse().map((one) => [one.id, one]));
    draw(current);
  });

  function turn(to) {
    if (to === lot) return;
    lot = to;
    people = new Map();
  }

  function draw(current) {
    const latest = [...people.values()].reverse();
    const leader = latest.find((one) => one.name === current?.leader);
    const key = JSON.stringify([latest, leader?.id, current?.status]);
    if (key === drawn) return;
    drawn = key;
    text($("#bidders-count"), latest.length ? String(latest.length) : "");
    show($("#bidders-empty"), latest.length === 0);
    $("#bidders").replaceChildren(...latest.slice(0, SHOWN_MAX).map((one) => row(one, one === leader, current)));
  }

  function row(one, leads, current) {
    const node = h(`li.bidder${leads ? ".leads" : ""}`, {}, face(one.name), h("b.clip", {}, one.name), leads ? h("span.chip.win", {}, t("leading")) : null, h("span.soft.small.nums", {}, count("bids", one.bids)));
    if (current?.status === "open" && session.role !== "moderator") {
      const button = h("button.btn.tiny.quiet", { type: "button", ariaLabel: t("voidOf", { name: one.name }) }, t("voidBids"));
      twice(button, t("voidSure"), () => act(button, "lot:void", { lot: current.lot, user: one.id, reason: t("voidReason") }));
      node.append(button);
    }
    return node;
  }
}

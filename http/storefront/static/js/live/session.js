// A page's live connection to one show: socket, view and "you" together, with one redraw a frame for everybody who watches.
// It draws nothing itself. Show page and host console both stand on it.

import { now } from "./clock.js";
import { LiveSocket } from "./socket.js";
import { apply, blank, currentLot } from "./view.js";

const FRESH_MS = 6000; // events older than this (a long resume) change the view but are no moment to celebrate

export class ShowSession {
  view = blank();
  you = {};
  role = "guest";
  viewers = null;
  ready = false;
  refused = null;

  #watchers = [];
  #listeners = new Map();
  #drawing = false;

  constructor({ url, show, room = null, role = "guest" }) {
    this.role = role;
    this.show = show;
    this.socket = new LiveSocket(url);
    this.clock = this.socket.clock;
    this.socket.addEventListener("status", () => this.changed());
    this.room = this.socket.join(show, {
      snapshot: (snapshot, you, reply) => this.#start({ ...blank(), ...snapshot }, you, reply),
      resumed: (you, reply) => this.#start(this.view, you, reply),
      events: (events) => this.#apply(events),
      alone: (message) => this.#alone(message),
      refused: (refusal) => {
        this.refused = refusal;
        this.changed();
      },
    });
    if (room) this.#begin(room);
    addEventListener("pagehide", (event) => event.persisted || this.socket.close());
  }

  /** The lot on sale or decided last, or null. */
  get lot() {
    return currentLot(this.view.auction);
  }

  /** What concerns only this person in the auction: `{id, max: {lot: amount}, leading, won}`. */
  get mine() {
    return (this.you.auction ??= {});
  }

  get isStaff() {
    return ["moderator", "host", "admin"].includes(this.role);
  }

  /** True when this person leads (or has won) the lot. */
  leads(lot) {
    return Boolean(lot?.leader_id) && lot.leader_id === this.mine.id;
  }

  /** Calls `draw(session)` once a frame after anything changed, and once now. */
  watch(draw) {
    this.#watchers.push(draw);
    draw(this);
  }

  /** Calls `heard(payload, {fresh, ts, before})` for every event of a type; `before` is the lot as it was. */
  on(type, heard) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, []);
    this.#listeners.get(type).push(heard);
  }

  send(type, payload, options) {
    return this.room.send(type, payload, options);
  }

  /** Asks for a redraw. A hidden tab gets no animation frames, but its title must still change. */
  changed() {
    if (this.#drawing) return;
    this.#drawing = true;
    const draw = () => {
      this.#drawing = false;
      for (const watcher of this.#watchers) watcher(this);
    };
    if (document.hidden) setTimeout(draw, 100);
    else requestAnimationFrame(draw);
  }

  /** Starts from the room as it was when the page was made: the first paint is right, and the join brings only what is new. */
  #begin(room) {
    Object.assign(this.room, { epoch: room.epoch, seq: room.seq });
    if (room.server_now) this.clock.sample(now(), room.server_now);
    this.clock.reset(); // the page's own sample is seconds old: any answer of the socket is better
    this.#start({ ...blank(), ...room.snapshot }, room.you ?? {}, room);
  }

  #start(view, you, reply) {
    this.view = view;
    this.you = you;
    this.role = reply.role ?? this.role;
    this.ready = true;
    this.refused = null;
    this.changed();
  }

  #apply(events) {
    const serverNow = this.clock.serverNow();
    for (const event of events) {
      const lot = this.view.auction.lots[event.payload?.lot];
      const before = lot ? { ...lot } : null;
      apply(this.view, event);
      this.#tell(event.type, event.payload ?? {}, { fresh: serverNow - event.ts < FRESH_MS, ts: event.ts, before });
    }
    this.changed();
  }

  #alone({ type, ts, payload }) {
    if (type === "viewer:count") this.viewers = payload.count;
    this.#tell(type, payload ?? {}, { fresh: true, ts, before: null });
    this.changed();
  }

  #tell(type, payload, about) {
    for (const heard of this.#listeners.get(type) ?? []) heard(payload, about);
  }
}

/** The socket's address beside this page. */
export function socketUrl(path = "/ws") {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

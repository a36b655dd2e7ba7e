// One WebSocket to the server, kept alive: hello, joins, resume, commands that survive a cut.
// It does not know what events mean (live/view.js does) and draws nothing.
//
//   const socket = new LiveSocket(url);
//   const room = socket.join("show-id", { snapshot(state, you, reply) {}, events(list) {}, alone(message) {} });
//   await room.send("bid:place", { lot, amount });   // resolves with the ok payload, throws Refusal
//   socket.addEventListener("status", () => socket.status);   // connecting | open | waiting | closed

import { ServerClock, now } from "./clock.js";
import { delayMs, isFinal, isSentAway, spreadOf } from "./retry.js";

const COMMANDS_MAX = 64; // unanswered commands kept for resending; a person never has that many
const COMMAND_KEEP_MS = 15_000; // a bid nobody answered for so long must not be placed by surprise later
const QUIET_FACTOR = 2.5; // heartbeats missed before we stop believing in the connection
const SYNC_EVERY_MS = 20_000;

/** A command's refusal: `code` is stable, `message` for people, `detail` what helps to do better (`min_next`). */
export class Refusal extends Error {
  constructor({ code, message, retryable = false, detail = {} }) {
    super(message);
    Object.assign(this, { code, retryable, detail: detail ?? {} });
  }
}

export class LiveSocket extends EventTarget {
  status = "connecting";
  user = null;
  clock = new ServerClock();
  closeCode = 0;
  planned = false; // on the way from a server that stops to another one
  retryAt = 0;

  #url;
  #token;
  #ws = null;
  #greeted = false;
  #attempt = 0;
  #number = 0;
  #waiting = new Map(); // id -> unanswered command
  #rooms = new Map(); // show -> Room
  #heartbeatMs = 20_000;
  #heardAt = 0;
  #timers = new Set();
  #retryTimer = 0;
  // New for every page load and the same over its reconnects: a duplicated tab copies sessionStorage and would
  // otherwise be answered with the verdicts of its twin.
  #client = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

  constructor(url, { token = null } = {}) {
    super();
    this.#url = url;
    this.#token = token;
    this.#every(1000, () => this.#watch());
    this.#every(SYNC_EVERY_MS, () => this.#sync());
    globalThis.addEventListener?.("online", () => this.#hurry());
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    this.#connect();
  }

  /** Joins a show, now and after every reconnect. One Room a show. */
  join(show, handlers) {
    const room = new Room(show, handlers, this);
    this.#rooms.set(show, room);
    if (this.#greeted) this.#enter(room);
    return room;
  }

  /** Sends a command; it is sent again with the same id after a reconnect until answered or `COMMAND_KEEP_MS` old. */
  send(type, payload, { lasting = true } = {}) {
    if (this.status === "closed") return Promise.reject(lost("closed"));
    if (this.#waiting.size >= COMMANDS_MAX) return Promise.reject(lost("busy"));
    const id = `c${++this.#number}`;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { frame: { type, id, payload }, sentAt: now(), lasting, resolve, reject });
      if (this.#greeted || type === "hello") this.#write({ type, id, payload });
    });
  }

  /** Ends it for good (page left). */
  close() {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#retryTimer);
    this.#setStatus("closed");
    this.#ws?.close(1000);
  }

  #connect() {
    this.#setStatus(this.#attempt || this.planned ? "waiting" : "connecting");
    const ws = new WebSocket(this.#url, ["live.v1.json"]);
    this.#ws = ws;
    this.#heardAt = now();
    ws.onopen = () => this.#greet(ws);
    ws.onmessage = ({ data }) => this.#ws === ws && this.#read(data);
    ws.onclose = ({ code, reason }) => this.#ws === ws && this.#dropped(code, reason);
  }

  async #greet(ws) {
    const asked = now();
    const hello = { client: this.#client, ...(this.#token ? { token: this.#token } : {}) };
    let reply;
    try {
      reply = await this.send("hello", hello, { lasting: false });
    } catch {
      return ws.close(); // the server said why with its close code, or the next attempt will tell
    }
    if (this.#ws !== ws) return;
    this.user = reply.user ?? null;
    this.limits = reply.limits ?? {};
    this.#heartbeatMs = reply.heartbeat_ms || this.#heartbeatMs;
    if (reply.server_now) this.clock.sample(asked, reply.server_now);
    this.#greeted = true;
    this.#attempt = 0;
    this.planned = false;
    this.#setStatus("open");
    for (const room of this.#rooms.values()) this.#enter(room);
    for (const [id, command] of this.#waiting) if (command.lasting) this.#write({ ...command.frame, id });
    this.#sync();
  }

  async #enter(room) {
    const after = room.epoch === null ? {} : { after: { epoch: room.epoch, seq: room.seq } };
    const asked = now();
    room.joining = true;
    try {
      const reply = await this.send("room:join", { show: room.show, ...after }, { lasting: false });
      if (reply.server_now) this.clock.sample(asked, reply.server_now);
      room.joined(reply);
    } catch (refusal) {
      room.joining = false;
      if (refusal.code !== "cut") room.handlers.refused?.(refusal);
    }
  }

  /** A gap or a new epoch: ask for what is missing. Called by the room. */
  rejoin(room) {
    if (this.#greeted && !room.joining) this.#enter(room);
  }

  #read(data) {
    this.#heardAt = now();
    const message = JSON.parse(data);
    if (message.type === "ok" || message.type === "error") return this.#answer(message);
    const room = this.#rooms.get(message.show);
    if (message.type === "events") room?.batch(message);
    else if (room) room.handlers.alone?.(message);
  }

  #answer({ type, id, payload }) {
    const command = this.#waiting.get(id);
    if (!command) return;
    this.#waiting.delete(id);
    if (type === "ok") command.resolve(payload ?? {});
    else command.reject(new Refusal(payload));
  }

  #dropped(code, reason) {
    const sentAway = isSentAway(code, this.#greeted);
    this.#ws = null;
    this.#greeted = false;
    this.closeCode = code;
    for (const [id, command] of this.#waiting) {
      if (command.lasting) continue;
      this.#waiting.delete(id);
      command.reject(lost("cut"));
    }
    if (this.status === "closed") return;
    if (isFinal(code)) return this.#giveUp();
    const wait = delayMs(this.#attempt, this.#attempt ? 0 : spreadOf(reason));
    if (sentAway) this.planned = true;
    else this.#attempt += 1; // should nobody answer elsewhere yet, the waits begin short
    this.retryAt = Date.now() + wait;
    this.#setStatus("waiting");
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), wait);
  }

  #giveUp() {
    for (const command of this.#waiting.values()) command.reject(lost("closed"));
    this.#waiting.clear();
    this.#setStatus("closed");
  }

  /** The network or the tab came back: do not sit out the rest of a long wait. */
  #hurry() {
    if (this.status !== "waiting" || this.#ws) return this.#sync();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), Math.random() * 500);
  }

  #watch() {
    for (const [id, command] of this.#waiting) {
      if (now() - command.sentAt < COMMAND_KEEP_MS) continue;
      this.#waiting.delete(id);
      command.reject(lost("unconfirmed"));
    }
    // A browser hides pings from scripts; our own clock:sync answers prove life instead.
    if (this.#ws && now() - this.#heardAt > Math.max(this.#heartbeatMs, SYNC_EVERY_MS) * QUIET_FACTOR) {
      const ws = this.#ws;
      this.#dropped(1006, "");
      ws.close();
    }
  }

  async #sync() {
    if (!this.#greeted) return;
    const asked = now();
    try {
      const { server_now } = await this.send("clock:sync", { t0: Math.round(asked) }, { lasting: false });
      this.clock.sample(asked, server_now);
    } catch {
      // A refused or cut sample changes nothing: the older ones stand.
    }
  }

  #write(frame) {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(frame));
  }

  #every(ms, work) {
    this.#timers.add(setInterval(work, ms));
  }

  #setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    this.dispatchEvent(new Event("status"));
  }
}

/** Our place in one show's order of events: `{epoch, seq}`, and what to do when a batch does not fit it. */
export class Room {
  epoch = null;
  seq = 0;
  joining = false;

  constructor(show, handlers, socket) {
    Object.assign(this, { show, handlers, socket });
  }

  send(type, payload = {}, options) {
    return this.socket.send(type, { show: this.show, ...payload }, options);
  }

  joined(reply) {
    this.joining = false;
    this.epoch = reply.epoch;
    this.role = reply.role ?? this.role;
    if (reply.snapshot) {
      this.seq = reply.seq;
      this.handlers.snapshot(reply.snapshot, reply.you ?? {}, reply);
      return;
    }
    this.handlers.resumed?.(reply.you ?? {}, reply);
    this.#take(reply.events ?? []);
    this.seq = Math.max(this.seq, reply.seq);
  }

  batch({ epoch, from, to, events }) {
    if (this.joining) return; // the join's answer covers it; a batch after the answer comes after it on the wire
    if (epoch !== this.epoch || from > this.seq) return this.socket.rejoin(this);
    if (to <= this.seq) return;
    this.#take(events);
    this.seq = to;
  }

  #take(events) {
    const fresh = events.filter((event) => event.seq > this.seq);
    if (fresh.length) this.handlers.events(fresh);
  }
}

function lost(code) {
  return new Refusal({ code, message: "", retryable: code !== "closed" });
}

// The socket over bad networks: what is asked again, what is sent again, and what is not. The server is a double in the page.

import { LiveSocket } from "/static/js/live/socket.js";
import { between, equal } from "./check.js";

class Wire {
  static all = [];
  static OPEN = 1;
  readyState = 0;
  sent = [];

  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
    Wire.all.push(this);
    Wire.opened?.(this);
  }

  send(text) {
    const frame = JSON.parse(text);
    this.sent.push(frame);
    this.answer?.(frame);
  }

  opens() {
    this.readyState = 1;
    this.onopen();
  }

  says(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  close() {}

  breaks(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose({ code, reason });
  }

  last(type) {
    return this.sent.filter((frame) => frame.type === type).at(-1);
  }

  ok(frame, payload = {}) {
    this.says({ type: "ok", id: frame.id, payload });
  }
}

const turn = () => new Promise((done) => setTimeout(done));

/** A socket in a show, greeted and joined at seq 10, and everything its room was told. */
async function joined() {
  Wire.all = [];
  globalThis.WebSocket = Wire;
  const told = [];
  const socket = new LiveSocket("ws://pages.test/ws");
  const room = socket.join("show_1", {
    snapshot: (snapshot) => told.push(["snapshot", snapshot]),
    resumed: () => told.push(["resumed"]),
    events: (events) => told.push(["events", ...events.map((event) => event.seq)]),
    alone: (message) => told.push([message.type]),
    refused: (refusal) => told.push(["refused", refusal.code]),
  });
  const wire = await greeted();
  wire.ok(wire.last("room:join"), { epoch: 1, seq: 10, snapshot: { show: {} }, server_now: 5 });
  await turn();
  return { socket, room, wire, told };
}

async function greeted() {
  const wire = Wire.all.at(-1);
  wire.opens();
  await turn();
  wire.ok(wire.last("hello"), { user: { id: "u_1" }, server_now: 5, heartbeat_ms: 20_000 });
  await turn();
  return wire;
}

/** Waits for the socket to connect anew, as long as its back-off takes. */
async function again(count) {
  while (Wire.all.length < count) await new Promise((done) => (Wire.opened = done));
  return greeted();
}

const batch = (from, to, epoch = 1) => {
  const events = Array.from({ length: to - from }, (_, i) => ({ type: "chat:new", seq: from + 1 + i, ts: 1, payload: {} }));
  return { type: "events", show: "show_1", epoch, from, to, events };
};

export const checks = {
  async "hello comes first, then the join without a place"() {
    const { wire, told, socket } = await joined();
    equal(wire.protocols, ["live.v1.json"]);
    equal(wire.sent.slice(0, 2).map((frame) => frame.type), ["hello", "room:join"]);
    equal(wire.sent[1].payload, { show: "show_1" });
    equal(/^[0-9a-f]{24}$/.test(wire.sent[0].payload.client), true);
    equal(told, [["snapshot", { show: {} }]]);
    socket.close();
  },
  async "batches in order are told, a gap is asked for"() {
    const { wire, told, socket } = await joined();
    wire.says(batch(10, 12));
    wire.says(batch(14, 15)); // 13 and 14 are missing
    await turn();
    equal(wire.last("room:join").payload, { show: "show_1", after: { epoch: 1, seq: 12 } });
    wire.says(batch(15, 16)); // covered by the answer that comes
    wire.ok(wire.last("room:join"), { epoch: 1, seq: 16, recovered: true, events: batch(12, 16).events });
    await turn();
    wire.says(batch(16, 17));
    equal(told.slice(1), [["events", 11, 12], ["resumed"], ["events", 13, 14, 15, 16], ["events", 17]]);
    socket.close();
  },
  async "what came twice is told once"() {
    const { wire, told, socket } = await joined();
    wire.says(batch(10, 12));
    wire.says(batch(10, 12));
    wire.says(batch(11, 13));
    equal(told.slice(1), [["events", 11, 12], ["events", 13]]);
    socket.close();
  },
  async "a new epoch is a new snapshot"() {
    const { wire, told, socket, room } = await joined();
    wire.says(batch(10, 11, 2));
    await turn();
    wire.ok(wire.last("room:join"), { epoch: 2, seq: 3, recovered: false, snapshot: { show: { status: "live" } } });
    await turn();
    equal([room.epoch, room.seq, told.at(-1)], [2, 3, ["snapshot", { show: { status: "live" } }]]);
    socket.close();
  },
  async "an unanswered bid is sent again with its id after a cut, an answered one is not"() {
    const { wire, room, socket } = await joined();
    const first = room.send("bid:place", { lot: "l", amount: 100 });
    wire.ok(wire.last("bid:place"), { leading: true });
    equal(await first, { leading: true });
    const second = room.send("bid:place", { lot: "l", amount: 200 });
    const id = wire.last("bid:place").id;
    wire.breaks();
    const later = room.send("chat:send", { text: "still here" });
    const next = await again(2);
    equal(next.sent[0].payload.client, wire.sent[0].payload.client, "client");
    equal(next.last("room:join").payload.after, { epoch: 1, seq: 10 });
    const bids = next.sent.filter((frame) => frame.type === "bid:place");
    equal(bids.map((frame) => [frame.id, frame.payload.amount]), [[id, 200]]);
    next.ok(bids[0], { leading: false });
    next.ok(next.last("chat:send"));
    equal(await second, { leading: false });
    await later;
    const numbers = next.sent.map((frame) => Number(frame.id.slice(1)));
    equal(new Set(numbers).size, numbers.length, "ids");
    socket.close();
  },
  async "a refusal carries its code and detail"() {
    const { wire, room, socket } = await joined();
    const bid = room.send("bid:place", { lot: "l", amount: 1 }).catch((refusal) => refusal);
    const payload = { code: "bid_too_low", message: "Too low.", retryable: false, detail: { min_next: 300 } };
    wire.says({ type: "error", id: wire.last("bid:place").id, payload });
    const refusal = await bid;
    equal([refusal.code, refusal.message, refusal.detail.min_next], ["bid_too_low", "Too low.", 300]);
    socket.close();
  },
  async "after a final code nobody comes back, and what waited is told so"() {
    const { wire, room, socket } = await joined();
    const bid = room.send("bid:place", { lot: "l", amount: 1 }).catch((refusal) => refusal.code);
    wire.breaks(4500, "signed_out");
    equal([await bid, socket.status, socket.closeCode], ["closed", "closed", 4500]);
    equal(await room.send("chat:send", { text: "x" }).catch((refusal) => refusal.code), "closed");
    equal(Wire.all.length, 1);
  },
  async "sent away by a server that stops, it comes back within the spread, and refused there it tries on"() {
    const { wire, room, socket } = await joined();
    const bid = room.send("bid:place", { lot: "l", amount: 200 });
    wire.breaks(4000, "draining 20");
    equal([socket.status, socket.planned], ["waiting", true]);
    between(socket.retryAt - Date.now(), -5, 21, "within the spread");
    while (Wire.all.length < 2) await new Promise((done) => (Wire.opened = done));
    Wire.all[1].opens();
    Wire.all[1].breaks(4000, "draining 20"); // the same one again: not greeted
    equal([socket.status, socket.planned], ["waiting", true]);
    between(socket.retryAt - Date.now(), -5, 21, "soon once more");
    while (Wire.all.length < 3) await new Promise((done) => (Wire.opened = done));
    Wire.all[2].breaks(1006);
    between(socket.retryAt - Date.now(), 195, 801, "then with back-off");
    const next = await again(4);
    equal([socket.status, socket.planned], ["open", false]);
    next.ok(next.last("bid:place"), { leading: true });
    equal(await bid, { leading: true });
    socket.close();
  },
  async "private and latest-value messages reach their room"() {
    const { wire, told, socket } = await joined();
    wire.says({ type: "viewer:count", show: "show_1", ts: 1, payload: { count: 3 } });
    wire.says({ type: "viewer:count", show: "another", ts: 1, payload: { count: 9 } });
    equal(told.slice(1), [["viewer:count"]]);
    socket.close();
  },
};

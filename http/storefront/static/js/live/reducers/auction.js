// How lot events change the auction's part of a view. Mirror of liveserver/client/reducers/auction.py; pure.

const LOTS_MAX = 50; // as many as the server keeps in a snapshot; older results are on the results page

// What each event says about its lot, taken over as it is: every event carries absolute values, never differences.
const FIELDS = new Set(
  ("price leader leader_id bids min_next ends_at hard_ends_at reserve extensions head calls status provisional reason " +
    "window_ms extend_ms hammer_ms").split(" "),
);
const STATUS = { "lot:sold": "sold", "lot:passed": "passed" };

export function reduce(state, { type, payload }) {
  if (type === "lot:opened") {
    const { server_now: _, ...lot } = payload.lot && typeof payload.lot === "object" ? payload.lot : payload;
    const id = lot.id ?? lot.lot;
    state.lots[id] = { ...lot, id };
    trim(state.lots);
    return;
  }
  const lot = state.lots[payload?.lot];
  if (!lot) return;
  if (type === "bid:accepted" || type === "lot:voided") lot.calls = 0;
  if (type === "bid:accepted" && lot.status !== "open") lot.status = "open"; // a soft close reopened
  for (const [name, value] of Object.entries(payload)) if (FIELDS.has(name)) lot[name] = value;
  if (STATUS[type]) lot.status = STATUS[type];
}

function trim(lots) {
  const ids = Object.keys(lots);
  if (ids.length <= LOTS_MAX) return;
  ids.sort((a, b) => lots[a].opened_at - lots[b].opened_at);
  for (const id of ids.slice(0, ids.length - LOTS_MAX)) delete lots[id];
}

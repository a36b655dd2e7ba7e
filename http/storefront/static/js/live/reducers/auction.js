// How lot events change the auction's part of a view. Mirror of liveserver/client/reducers/auction.py; pure.

// What each event says about its lot, taken over as it is: every event carries absolute values, never differences.
const SAYS = {
  "bid:accepted": "price leader leader_id bids min_next reserve status ends_at extensions head",
  "lot:extended": "ends_at extensions head",
  "lot:called": "calls ends_at head",
  "lot:closing": "status ends_at head",
  "lot:sold": "status price leader leader_id bids ends_at head",
  "lot:passed": "status reason ends_at head",
  "lot:voided": "price leader leader_id bids min_next reserve calls ends_at head",
};
const FIELDS = Object.fromEntries(Object.entries(SAYS).map(([type, names]) => [type, names.split(" ")]));

export function reduce(state, { type, payload }) {
  if (type === "lot:opened") {
    const { server_now: _, ...lot } = payload;
    state.lots[lot.lot] = lot;
    state.current = lot.lot;
    trim(state);
    return;
  }
  const lot = FIELDS[type] && state.lots[payload.lot];
  if (!lot) return;
  for (const name of FIELDS[type]) if (name in payload) lot[name] = payload[name];
  if (type === "bid:accepted") lot.calls = 0; // a bid resets the host's calls
}

/** The oldest decided lots go first, as on the server. */
function trim(state) {
  const most = state.lots_max ?? 50;
  for (const [id, lot] of Object.entries(state.lots)) {
    if (Object.keys(state.lots).length <= most) return;
    if (lot.status === "sold" || lot.status === "passed") delete state.lots[id];
  }
}

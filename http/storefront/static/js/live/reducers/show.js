// How the show's own events change its part of a view: started, ended. Pure.

export function reduce(state, { type, ts, payload }) {
  if (type === "show:started") Object.assign(state, payload, { status: "live", started_ts: payload?.started_ts ?? ts });
  else if (type === "show:ended") Object.assign(state, payload, { status: "ended", ended_ts: payload?.ended_ts ?? ts });
}

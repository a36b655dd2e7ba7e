// How the show's own events change its part of a view: started, ended. Pure.

const SAID = new Set(["show:started", "show:ended"]);

export function reduce(state, { type, payload }) {
  if (SAID.has(type)) Object.assign(state, payload);
}

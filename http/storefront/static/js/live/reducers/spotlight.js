// How spotlight events change the spotlight's part of a view. Pure.

export function reduce(state, { type, payload }) {
  if (type === "product:highlighted") state.product = payload.product ?? null;
}

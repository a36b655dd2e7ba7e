// How spotlight events change the spotlight's part of a view: the card, and what is left of it. Pure.

export function reduce(state, { type, payload }) {
  if (type === "product:highlighted") state.product = payload.product ?? null;
  if (type === "product:claimed" && state.product?.id === payload.product) {
    const variant = state.product.offer?.variants.find((each) => each.id === payload.variant);
    if (variant) variant.remaining = payload.remaining;
  }
}

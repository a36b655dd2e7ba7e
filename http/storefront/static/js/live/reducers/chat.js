// How chat events change the chat's part of a view. Mirror of liveserver/client/reducers/chat.py; pure.

const MESSAGES_MAX = 50; // what a snapshot carries

export function reduce(state, { type, payload }) {
  if (type === "chat:new") {
    state.messages.push(payload);
    if (state.messages.length > MESSAGES_MAX) state.messages.splice(0, state.messages.length - MESSAGES_MAX);
  } else if (type === "chat:deleted") {
    // A ban names the person instead of one message: whatever is still shown of theirs goes.
    const gone = new Set(payload.ids);
    state.messages = state.messages.filter((message) => !gone.has(message.id) && message.user.id !== payload.user);
  } else if (type === "chat:pinned") {
    state.pinned = payload.message ?? null;
  } else if (type === "chat:slow") {
    state.slow_ms = payload.interval_ms;
  }
}

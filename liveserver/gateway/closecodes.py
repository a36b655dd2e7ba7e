"""Why the server closes a connection: each code with its cause and the client's duty. 4000-4499: come back; 4500-4999: don't.

The close frame's reason is the code's name, followed by a number of milliseconds where clients must spread out:
`draining 5000` means "wait a random time up to 5 s". docs/PROTOCOL.md shows this table; a test proves it current.
"""

import msgspec

REASON_BYTES_MAX = 123
"""RFC 6455, 5.5: a control frame holds 125 bytes, two of which are the code."""


class CloseCode(msgspec.Struct, frozen=True):
    """One code. `resume`: joining with `after` will bring what was missed. `spread_ms`: 0 for "at once, with back-off"."""

    code: int
    name: str
    cause: str
    duty: str
    resume: bool = False
    spread_ms: int = 0

    @property
    def reconnect(self) -> bool:
        """Whether a client should come back by itself."""
        return self.code < 4500

    def reason(self, spread_ms: int | None = None) -> str:
        """The reason as it stands in the close frame; `spread_ms` overrides the code's own."""
        spread = self.spread_ms if spread_ms is None else spread_ms
        return f"{self.name} {spread}" if spread else self.name


DRAINING = CloseCode(
    4000,
    "draining",
    "The server stops or is being updated.",
    "Wait a random time up to the spread, reconnect, join with `after`; closed so again before `hello` was answered, back off.",
    resume=True,
    spread_ms=5_000,
)
TOO_SLOW = CloseCode(
    4001,
    "too_slow",
    "More bytes waited for this client than the server keeps (`unsent_bytes_max`).",
    "Reconnect and join with `after`; what was missed comes in one piece.",
    resume=True,
    spread_ms=1_000,
)
HELLO_LATE = CloseCode(
    4002, "hello_late", "No accepted `hello` came in time.", "Reconnect and send `hello` at once."
)
SILENT = CloseCode(
    4003,
    "silent",
    "Nothing was heard for two and a half heartbeats, not even a pong.",
    "Reconnect and join with `after`.",
    resume=True,
)
FULL = CloseCode(
    4004,
    "full",
    "The server has as many connections as it may have.",
    "Wait a random time up to the spread, then try again.",
    resume=True,
    spread_ms=30_000,
)
JOINS_BUSY = CloseCode(
    4005,
    "joins_busy",
    "More viewers are joining than the server admits a second, and its waiting list is full.",
    "Wait a random time up to the spread, reconnect, join again.",
    resume=True,
    spread_ms=10_000,
)
MESSAGE_LATE = CloseCode(
    4006,
    "message_late",
    "A message was begun and not completed in time.",
    "Reconnect and join with `after`; send messages whole.",
    resume=True,
)
INTERNAL = CloseCode(
    4007,
    "internal",
    "The server failed in a way it did not expect; its log says how.",
    "Reconnect with back-off and join with `after`.",
    resume=True,
    spread_ms=5_000,
)
ELSEWHERE = CloseCode(
    4008,
    "elsewhere",
    "This server process can't follow the show any more; others can.",
    "Wait a random time up to the spread, reconnect (to another process, behind the same address), join with `after`.",
    resume=True,
    spread_ms=2_000,
)
SIGNED_OUT = CloseCode(
    4500,
    "signed_out",
    "The session was signed out, here or elsewhere.",
    "Forget the token. Connect again only as a guest or after signing in.",
)
TOKEN_EXPIRED = CloseCode(
    4501, "token_expired", "The token given in `hello` has expired.", "Get a new token, then connect again."
)
BAD_MESSAGES = CloseCode(
    4502,
    "bad_messages",
    "Too many messages that could not be understood.",
    "Mend the client: each was answered with the field and what was expected.",
)
FLOOD = CloseCode(
    4503,
    "flood",
    "More frames a second than `frames_per_s`, pings and pongs included.",
    "Do not come back by yourself; send less.",
)
FRAGMENTS = CloseCode(
    4504,
    "fragments",
    "A message in more fragments than `fragments_max`.",
    "Do not come back by yourself; send messages whole.",
)

CODES: tuple[CloseCode, ...] = (
    DRAINING,
    TOO_SLOW,
    HELLO_LATE,
    SILENT,
    FULL,
    JOINS_BUSY,
    MESSAGE_LATE,
    INTERNAL,
    ELSEWHERE,
    SIGNED_OUT,
    TOKEN_EXPIRED,
    BAD_MESSAGES,
    FLOOD,
    FRAGMENTS,
)
"""All codes of our own, in order."""

UNSUPPORTED_DATA = 1003
"""RFC 6455, 7.4.1: a binary frame on a text protocol, or the reverse."""
INVALID_DATA = 1007
"""RFC 6455, 7.4.1: a text frame that is not UTF-8."""

STANDARD: tuple[tuple[int, str, str], ...] = (
    (1000, "Answer to the client's own close.", "As the client wishes."),
    (1002, "A frame broke RFC 6455.", "Do not come back by yourself; mend the client."),
    (1003, "Binary frames on `live.v1.json`, or text frames on `live.v1.msgpack`.", "As 1002."),
    (1007, "Text that is not valid UTF-8.", "As 1002."),
    (1009, "A message larger than `frame_bytes_max`.", "As 1002; send less in one message."),
    (1006, "(never sent) The connection broke.", "Reconnect with back-off and join with `after`."),
)
"""Codes of RFC 6455 that clients see as well: code, cause, duty."""

"""What is said to every peer: one chat message for fan-out, one bid for the lot.

The wrapping (Socket.IO's event, NATS' PUB) is each peer's; the content is the same, so that all carry the same bytes.
"""

from benchmarks.peers.model import STAMP

CHAT = (
    '{"type":"chat:message","user":"ana","text":"TS={ts} does the blue one come in a smaller size as well?"}'
)
"""About a hundred bytes: less than liveserver's event of the same text carries (author, ids), which is in the peers' favour."""

CHAT_BYTES = len(CHAT.replace(STAMP, "0" * 16))
"""Its size once stamped: the stamp's width never changes, so a protocol may announce the length beforehand."""

BID = '{"id":"TS={ts}","amount":{n}}'
"""Amounts rise with every bid sent, so that nearly all of them are accepted."""

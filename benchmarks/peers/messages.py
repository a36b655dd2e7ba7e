"""What is said to every peer: one chat message for fan-out, one bid for the lot.

The content is the same for all, so that all carry the same bytes; how it is wrapped (NATS' PUB) is a peer's affair, but for Socket.IO,
whose protocol two of them speak.
"""

from benchmarks.peers.model import STAMP, Frame, Speech

CHAT = (
    '{"type":"chat:message","user":"ana","text":"TS={ts} does the blue one come in a smaller size as well?"}'
)
"""About a hundred bytes: less than liveserver's event of the same text carries (author, ids), which is in the peers' favour."""

CHAT_BYTES = len(CHAT.replace(STAMP, "0" * 16))
"""Its size once stamped: the stamp's width never changes, so a protocol may announce the length beforehand."""

BID = '{"id":"TS={ts}","amount":{n}}'
"""Amounts rise with every bid sent, so that nearly all of them are accepted."""

SOCKET_IO = Speech(
    path="/socket.io/?EIO=4&transport=websocket",
    hello=(Frame("40"),),
    # Whoever speaks before this answer is thrown out.
    ready='40{"sid"',
    say=Frame(f'42["message",{CHAT}]'),
)
"""Socket.IO 5 over Engine.IO 4, as its clients speak it: join the main namespace, then events."""

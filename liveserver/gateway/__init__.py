"""The WebSocket edge: from bytes on the one port to commands for a room, and from a room's events to everybody's sockets.

Read in this order: `frontdoor` (who gets a connection), `connection` (one socket), `codecs` and `routing` (what a message
means), `fanout` and `lanes` (what people are told), `server` (all of it put together). It decides nothing about a show.
"""

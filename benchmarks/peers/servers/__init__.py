"""The Python servers under comparison, each the way its library's documentation writes such a server, one module each.

They are programs: `python -m benchmarks.peers.servers.NAME PORT`. Nothing here imports anything of liveserver.

Common to all: compression off; uvloop; no keepalive pings, because the load generator answers none and would be thrown out
in the middle of a run (a ping every 20 s costs next to nothing beside the messages); listen queues of 2,048, uvicorn's own
default, so that none is measured by refused connections.
"""

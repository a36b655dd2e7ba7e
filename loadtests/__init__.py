"""Load on a liveserver of this machine, driven by locust. Not installed with the server; see README.md."""

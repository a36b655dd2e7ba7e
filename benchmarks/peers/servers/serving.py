"""How the Python servers here are run: the address and the port they are given."""

import sys

HOST = "127.0.0.1"
BACKLOG = 2_048
PUBLISH_PATH = "/publish"


def port() -> int:
    """The port named on the command line."""
    return int(sys.argv[1])

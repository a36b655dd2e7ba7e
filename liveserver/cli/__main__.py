"""`python -m liveserver.cli`: the same as the command `liveserver`, for where that is not on the path."""

from liveserver.cli.main import main

main(prog_name="liveserver")

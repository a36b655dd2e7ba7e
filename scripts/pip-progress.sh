#!/usr/bin/env bash
# Turns pip's many lines into one line a package, so that a first start shows that it moves.
set -euo pipefail
exec awk '
    /^Collecting / { printf "    %s\n", $2; fflush(); next }
    /^Requirement already satisfied/ { next }
    /^Successfully installed/ { print "    installed"; fflush(); next }
    /ERROR|WARNING/ { print; fflush() }'

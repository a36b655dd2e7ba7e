"""A show's log and the rooms that follow it: deterministic replicas, recording, recovery. Knows no feature by name."""

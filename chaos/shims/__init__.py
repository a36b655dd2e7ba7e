"""Libraries that are preloaded into engines and nodes, so that their clock or their disk can be made wrong from outside."""

"""The load generator and the raw-send server (C), and what builds, runs and reads them."""

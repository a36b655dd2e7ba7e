"""liveserver: a self-hosted server for live shows that sell.

This package's top holds only the version; start reading at docs/ARCHITECTURE.md.
"""

__version__ = "0.1.0"

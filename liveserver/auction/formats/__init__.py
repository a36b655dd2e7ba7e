"""The auction formats this release knows: one module each, in the explicit list below.

A format is a pure rule: who leads at which price. Clocks, calls and people are the lot's, the same for every format.
A rule that must change gets a new number beside the old one, which stays as long as open lots or recorded ones may
name it.
"""

from liveserver.auction.formats import english

FORMATS = {("english", 1): english}
"""Rules by (format, version)."""
RULES_VERSION = 1
"""The version that a lot opened now pins."""

"""What a show consists of: the one list of features, of their wire messages, and of what the recorder writes from their facts.

A new feature is a package of its own and its lines here. Order matters for `FEATURES`: it is the order in which guards and
the passing of time take effect, and changing it between releases would decide old logs differently.
"""

from liveserver.auction.feature import Auction
from liveserver.chat.feature import ChatFeature
from liveserver.rooms.lifecycle import Lifecycle
from liveserver.rooms.model import Feature
from liveserver.spotlight.feature import SpotlightFeature

FEATURES: tuple[Feature, ...] = (Lifecycle(), ChatFeature(), SpotlightFeature(), Auction())

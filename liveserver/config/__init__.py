"""One frozen settings object, read and validated once at start: flags win over environment, over file, over default.

Nothing here is read again while the server runs, and nothing below the command line looks at the environment by itself.
`settings` says which settings there are, `fields` how one is declared and read, `load` where their values come from.
"""

from liveserver.config.fields import Problem, Setting
from liveserver.config.load import Loaded, Source, Unknown, load, read
from liveserver.config.settings import SETTINGS, Settings

__all__ = ["SETTINGS", "Loaded", "Problem", "Setting", "Settings", "Source", "Unknown", "load", "read"]

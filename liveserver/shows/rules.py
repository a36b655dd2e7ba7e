"""The rules about shows: who is what in a show. Pure: no I/O, no clock."""

from liveserver.accounts.model import Identity
from liveserver.shows.model import Show, ShowRole


def role_in(show: Show, identity: Identity) -> ShowRole:
    """What this person is in this show. The operator is `admin` in every show but their own, where they are the host.

    Being a host elsewhere counts for nothing here.
    """
    if identity.role == "guest":
        return "guest"
    if identity.id == show.host:
        return "host"
    if identity.role == "admin":
        return "admin"
    return "moderator" if identity.id in show.moderators else "viewer"

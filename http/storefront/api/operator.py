"""`/admin`: what operators see of the running deployment. For administrators only; it changes nothing."""

from storefront.api.registry import ADMINS, Call, operation
from storefront.operating import OPERATING, LiveDocument


@operation("GET", "/admin/live", tag="operator", who=ADMINS)
async def admin_live(call: Call) -> LiveDocument:
    """The deployment now: nodes, shows, engines, alarms. At most a second or two old; ask again every two seconds."""
    return await call.request.app[OPERATING].look(call.services)

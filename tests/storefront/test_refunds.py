"""A refund over the API whose answer was never kept: asked for again, it is not a second one."""

from tests.support.orders import sell
from tests.support.storefront import Shop

CLAIMS_FORGOTTEN = "UPDATE http_idempotency SET status = NULL, body = NULL, created_ts = created_ts - 60001"
"""As if the process had ended between the commit and keeping the answer, a minute ago."""


async def test_a_process_that_ended_before_it_had_answered_has_refunded_once(shop: Shop):
    ana, hana = await shop.person("Ana"), await shop.person("Hana", "host")
    order = await sell(shop.services.pool, ana, hana)
    path, key = f"/seller/orders/{order.id}/refunds", {"Idempotency-Key": "one"}
    first = await (await hana.api("POST", path, json={"amount": 2_000}, headers=key)).json()
    await shop.services.pool.execute(CLAIMS_FORGOTTEN)
    again = await hana.api("POST", path, json={"amount": 2_000}, headers=key)
    assert (again.status, "Idempotency-Replayed" in again.headers) == (201, False)
    assert (await again.json())["id"] == first["id"]
    told = await (await hana.api("GET", f"/seller/orders/{order.id}")).json()
    assert (told["refunded"], told["refundable"]) == (2_000, 3_413)
    asked = [step for step in told["history"] if step["kind"] == "refund_requested"]
    assert [set(step["detail"]) for step in asked] == [{"amount", "reason"}]

"""A seller's money over HTTP: balances, statement, payouts and account as API and pages; commissions and books for the operator.

On the built-in test provider, as a server without keys has it.
"""

import re
from typing import Any

import pytest

from liveserver.cli.paying import Paying, paying_of
from liveserver.infra.database import transaction
from liveserver.jobs.worker import Work, Worker
from liveserver.kernel.ids import UserId
from liveserver.ledger.model import Rates
from liveserver.mail.model import MailJob
from liveserver.orders import moves
from liveserver.orders.model import Captured, Draft, Line, Order
from liveserver.payouts import store
from liveserver.payouts.model import Difference, Report
from tests.support.storefront import Person, Shop, form_token


async def _nothing(job: object) -> None:
    pass


class Till:
    """Sells for a seller, and does the jobs."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        services = shop.services
        self.paying: Paying = paying_of(services.settings, services.pool, services.clock)
        self._sold = 0

    async def sells(self, seller: Person, price: int = 5_000, currency: str = "USD") -> Order:
        """A sale that is paid and delivered."""
        self._sold += 1
        ts = self.shop.services.clock.now_ms()
        draft = Draft(
            origin=f"lot:{seller.id}:{self._sold}", source="auction", buyer=UserId("user_bea"), buyer_name="Bea",
            seller=UserId(seller.id), seller_name=seller.name, currency=currency, lines=(Line(title="Halden 35", price=price),),
            shipping=413, rates=Rates(), due_ts=ts + 900_000, test=True,
        )  # fmt: skip
        async with transaction(self.shop.services.pool) as on:
            order = await moves.place(on, draft, ts)
            assert isinstance(order, Order), order
            charge = Captured(f"pi_{self._sold}", f"ch_{self._sold}", order.total, currency)
            for move, given in (
                (moves.paid, (charge,)),
                (moves.ship, (seller.id, "Post", "RR1")),
                (moves.deliver, (seller.id,)),
            ):
                done = await move(on, order.id, *given, ts)  # type: ignore[operator] # each takes what it is given
                assert isinstance(done, Order), done
        await self.works()
        return done

    async def works(self) -> None:
        others = [Work("mail.send", MailJob, _nothing)]
        await Worker(self.shop.services.pool, [*self.paying.works, *others]).drain()


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


async def document(answer: Any, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json(content_type=None)


async def opens(seller: Person, till: Till) -> None:
    made = await document(await seller.api("POST", "/seller/payout-account", json={"country": "DE"}), 201)
    assert made == {"ready": True, "wants": [], "test": True}
    await till.works()


async def test_from_the_sale_to_the_bank_over_the_api(shop: Shop, till: Till):
    hana = await shop.person("Hana", "host")
    assert (await document(await hana.api("GET", "/seller/balance")))["items"] == []
    assert (await hana.api("GET", "/seller/payout-account")).status == 404
    await opens(hana, till)
    order = await till.sells(hana)
    (balance,) = (await document(await hana.api("GET", "/seller/balance")))["items"]
    assert (balance["available"], balance["held"], balance["currency"], balance["test"]) == (
        4_413,
        0,
        "USD",
        True,
    )
    asked = {"currency": "USD", "amount": 4_000}
    headers = {"Idempotency-Key": "one"}
    payout = await document(await hana.api("POST", "/seller/payouts", json=asked, headers=headers), 201)
    again = await document(await hana.api("POST", "/seller/payouts", json=asked, headers=headers), 201)
    assert again["id"] == payout["id"]
    await till.works()
    (shown,) = (await document(await hana.api("GET", "/seller/payouts")))["items"]
    assert (shown["status"], shown["amount"]) == ("in_transit", 4_000)
    assert (await hana.api("POST", f"/seller/payouts/{payout['id']}/cancel")).status == 409
    lines = (await document(await hana.api("GET", "/seller/statement?currency=USD")))["items"]
    assert [(one["kind"], one["amount"], one["balance"], one["order"]) for one in lines] == [
        ("payout_requested", -4_000, 413, None),
        ("released", 4_413, 4_413, order.id),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"currency": "USD", "amount": 4_414}, "over_payout"),
        ({"currency": "EUR", "amount": 1_000}, "over_payout"),
        ({"currency": "USD", "amount": 5}, "payout_too_small"),
        ({"currency": "USD", "amount": 0}, "invalid"),
        ({"currency": "usd", "amount": 100}, "invalid"),
    ],
)
async def test_what_is_not_paid_out(shop: Shop, till: Till, body: dict[str, object], code: str):
    hana = await shop.person("Hana", "host")
    await opens(hana, till)
    await till.sells(hana)
    problem = await document(await hana.api("POST", "/seller/payouts", json=body), 422)
    assert problem["code"] == code
    assert problem["errors"][0]["field"] in {"amount", "currency"}


async def test_a_statement_as_pages_and_as_a_file(shop: Shop, till: Till):
    hana = await shop.person("Hana", "host")
    for price in (1_000, 2_000, 3_000):
        await till.sells(hana, price)
    seen: list[int] = []
    cursor = ""
    for _ in range(2):
        page = await document(
            await hana.api("GET", f"/seller/statement?currency=USD&limit=2&cursor={cursor}")
        )
        seen += [one["balance"] for one in page["items"]]
        cursor = page["next"]
    assert cursor is None
    answer = await hana.api("GET", "/seller/statement.csv?currency=USD")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="statement-usd.csv"'
    rows = (await answer.text()).removeprefix("\ufeff").splitlines()
    assert rows[0] == "line,time,kind,object,order,amount,balance,currency"
    assert [row.split(",")[6] for row in rows[1:]] == [f"{cents / 100:.2f}" for cents in seen]
    assert len(rows) == 4
    assert (await hana.api("GET", "/seller/statement?currency=USD&cursor=nonsense")).status == 400


async def test_a_payout_of_another_seller_is_not_there(shop: Shop, till: Till):
    hana, hugo = await shop.person("Hana", "host"), await shop.person("Hugo", "host")
    await opens(hana, till)
    await till.sells(hana)
    made = await document(
        await hana.api("POST", "/seller/payouts", json={"currency": "USD", "amount": 100}), 201
    )
    assert (await hugo.api("GET", f"/seller/payouts/{made['id']}")).status == 404
    assert (await hugo.api("POST", f"/seller/payouts/{made['id']}/cancel")).status == 404
    assert (await document(await hugo.api("GET", "/seller/payouts")))["items"] == []
    done = await document(await hana.api("POST", f"/seller/payouts/{made['id']}/cancel"))
    assert done["status"] == "cancelled"


async def test_the_page_from_nothing_to_a_payout(shop: Shop, till: Till):
    hana = await shop.person("Hana", "host")
    empty = await (await hana.browser.get("/studio/money")).text()
    assert "Your first sale shows up here" in empty
    assert "Test provider." in empty
    wrong = await hana.post("/studio/money/account", {"country": "Germany"})
    assert wrong.status == 422
    assert "two letters" in await wrong.text()
    assert (await hana.post("/studio/money/account", {"country": "de"})).status == 303
    onward = await hana.browser.get("/studio/money/onboarding", allow_redirects=False)
    assert (onward.status, onward.headers["Location"].endswith("/studio/money/back")) == (303, True)
    assert (await hana.browser.get("/studio/money/back", allow_redirects=False)).status == 303
    await till.works()
    await till.sells(hana)
    page = await (await hana.browser.get("/studio/money")).text()
    assert "$44.13" in page
    form = {"currency": "USD", "amount": "40,13", "key": "k1", "csrf": form_token(page)}
    refused = await hana.post("/studio/money/payouts", {**form, "amount": "50"})
    assert refused.status == 422
    assert "More would be paid out than is available." in await refused.text()
    for _ in range(2):
        assert (await hana.post("/studio/money/payouts", form)).headers[
            "Location"
        ] == "/studio/money?done=asked"
    assert await shop.services.pool.fetchval("SELECT count(*) FROM payouts") == 1
    payout = await shop.services.pool.fetchval("SELECT id FROM payouts")
    assert (await hana.post(f"/studio/money/payouts/{payout}/cancel")).status == 303
    after = await (await hana.browser.get("/studio/money")).text()
    assert "Taken back" in after
    assert "$44.13" in after


async def test_several_currencies_have_a_statement_each(shop: Shop, till: Till):
    hana = await shop.person("Hana", "host")
    for currency in ("USD", "JPY", "KWD"):
        await till.sells(hana, 50_000, currency)
    page = await (await hana.browser.get("/studio/money?currency=JPY")).text()
    assert "¥" in page
    assert "KWD" in page
    assert (await hana.browser.get("/studio/money?cursor=nonsense")).status == 400


async def test_commissions_are_the_operator_s(shop: Shop):
    ada, hana = await shop.person("Ada", "admin"), await shop.person("Hana", "host")
    assert (await hana.browser.get("/admin/money")).status == 403
    assert (
        await hana.api("POST", "/admin/rates", json={"category": "cards", "commission_bp": 0})
    ).status == 403
    made = await document(
        await ada.api("POST", "/admin/rates", json={"seller": hana.id, "commission_bp": 650}), 201
    )
    assert (made["commission_bp"], made["actor"]) == (650, ada.id)
    form = {"seller": hana.account.email, "category": "", "percent": "5.5 %", "note": "since June"}
    assert (await ada.post("/admin/money/rates", form)).status == 303
    page = await (await ada.browser.get("/admin/money")).text()
    for text in ("5.50 %", "since June", "6.50 %", "Hana"):
        assert text in page
    (rate,) = (await document(await ada.api("GET", "/admin/rates")))["items"]
    assert rate["commission_bp"] == 550
    assert len((await document(await ada.api("GET", "/admin/rates/history")))["items"]) == 2


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"seller": "nobody@example.com", "percent": "5"}, "There is nobody"),
        ({"percent": "5"}, "for which seller or category"),
        ({"category": "cards", "percent": "101"}, "between 0 and 100"),
        ({"category": "cards", "percent": "five"}, "Write a percentage"),
        ({"category": "cards", "percent": ""}, "This is the rate already."),
    ],
)
async def test_a_commission_that_can_not_be(shop: Shop, form: dict[str, str], text: str):
    ada = await shop.person("Ada", "admin")
    answer = await ada.post("/admin/money/rates", form)
    assert answer.status in (409, 422)
    assert text in await answer.text()


async def test_differences_are_marked_as_seen_and_open_ones_stand_first(shop: Shop, till: Till):
    ada, hana = await shop.person("Ada", "admin"), await shop.person("Hana", "host")
    await till.sells(hana)
    pool = shop.services.pool

    async def compared(*facts: str) -> str:
        lost = Difference(
            kind="missing_here",
            type="charge",
            object="ch_lost",
            order="",
            currency="USD",
            here=None,
            there=54,
            ts=1,
        )
        report = Report(
            provider="test", since_ts=0, until_ts=1, made_ts=1, transactions=2, matched=1, posted=0, found=1 + len(facts),
            differences=(lost,), unsound=facts, pending_ts=None, complete=True,
        )  # fmt: skip
        return str((await store.add_report(pool, report)).id)

    async def page() -> str:
        return await (await ada.browser.get("/admin/money")).text()

    first = await compared("escrow of order_1 holds 3")
    shown = await page()
    key = re.findall(r'name="difference" value="([0-9a-f]{64})"', shown)[0]
    assert shown.index("ch_lost") < shown.index("escrow of order_1")
    form = {"report": first, "difference": key, "note": "Asked Stripe, see ticket 7", "seen": "1"}
    assert (await hana.post("/admin/money/differences", form)).status == 403
    silent = await ada.post("/admin/money/differences", {**form, "note": " "})
    assert silent.status == 422
    assert "what you found" in await silent.text()
    assert (await ada.post("/admin/money/differences", {**form, "difference": "0" * 64})).status == 404
    assert (await ada.post("/admin/money/differences", {**form, "report": "77"})).status == 404
    assert (await ada.post("/admin/money/differences", form)).status == 303
    shown = await page()
    assert shown.index("escrow of order_1") < shown.index("ch_lost"), "open ones first"
    for words in ("Asked Stripe, see ticket 7", "Ada", "1 open.", "2 things differ."):
        assert words in shown
    # The next night finds the same, and an own fact with other figures.
    second = await compared("escrow of order_1 holds 4")
    assert "1 open." in await page()
    assert (
        await ada.post("/admin/money/differences", {**form, "report": second, "seen": "0", "note": "Not so"})
    ).status == 303
    shown = await page()
    assert "opened again" in shown
    assert "1 open." not in shown
    kept = await pool.fetch("SELECT seen, note, actor FROM difference_notes ORDER BY id")
    assert [tuple(row.values()) for row in kept] == [
        (True, "Asked Stripe, see ticket 7", ada.id),
        (False, "Not so", ada.id),
    ]


async def test_the_books_are_compared_on_demand_and_shown(shop: Shop, till: Till):
    ada, hana = await shop.person("Ada", "admin"), await shop.person("Hana", "host")
    assert "Never compared yet" in await (await ada.browser.get("/admin/money")).text()
    await till.sells(hana)
    ts = shop.services.clock.now_ms()
    # Its charge was never made with the provider; an hour later that is a difference.
    await shop.services.pool.execute(
        "UPDATE ledger_balances SET balance = balance + 1 WHERE account = 'seller_payable'"
    )
    assert (await ada.post("/admin/money/compare")).headers["Location"] == "/admin/money?asked=1"
    await till.works()
    (report,) = (await document(await ada.api("GET", "/admin/reconciliations")))["items"]
    assert report["found"] == 1
    assert report["until_ts"] < ts
    page = await (await ada.browser.get("/admin/money")).text()
    assert "1 thing differs" in page
    assert "seller_payable of" in page
    assert (await ada.api("POST", "/admin/reconciliations", json={"since_ts": 0})).status == 204
    await till.works()
    assert len((await document(await ada.api("GET", "/admin/reconciliations")))["items"]) == 2

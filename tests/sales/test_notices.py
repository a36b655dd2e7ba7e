"""Word of a changed order reaches buyer and seller on every connection they have, and costs nothing when neither is here."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from liveserver.gateway import ordernews
from liveserver.gateway.ordernews import OrderNews
from liveserver.infra.database import Pool
from liveserver.kernel.clock import VirtualClock
from liveserver.orders.model import Order
from liveserver.orders.telling import CHANNEL, Notice
from liveserver.sales.notices import OrderNotices
from liveserver.sales.telling import document
from tests.sales.conftest import Stage, claimed
from tests.support.orders import order

WAIT_S = 5.0


async def test_what_is_committed_is_heard_and_can_be_read(stage: Stage):
    heard: asyncio.Queue[Notice] = asyncio.Queue()
    missed: list[bool] = []
    cards: asyncio.Queue[str] = asyncio.Queue()
    notices = OrderNotices(stage.pool)
    notices.on_card(cards.put_nowait)
    notices.on_changed(heard.put_nowait)
    notices.on_missed(lambda: missed.append(True))
    await notices.start()
    try:
        with capture_logs() as logs:
            await stage.pool.execute("SELECT pg_notify($1, 'strange')", CHANNEL)
            await stage.records(claimed("c1"))
            async with asyncio.timeout(WAIT_S):
                notice = await heard.get()
                await stage.pool.execute("SELECT pg_notify('cards', 'u_ana')")
                assert await cards.get() == "u_ana"
        assert (notice.buyer, notice.seller, notice.state) == ("u_ana", "u_hana", "awaiting_payment")
        (read,) = await notices.read([notice.order])
        assert read.origin == "claim:show_1:c1"
        assert missed == [True]
        assert "notice_not_understood" in [line["event"] for line in logs]
    finally:
        await notices.aclose()


async def test_a_lost_connection_is_listened_on_again_and_said(pool: Pool):
    missed = asyncio.Queue[bool]()
    notices = OrderNotices(pool)
    notices.on_missed(lambda: missed.put_nowait(True))
    await notices.start()
    try:
        async with asyncio.timeout(WAIT_S):
            await missed.get()
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query ILIKE 'LISTEN%' AND datname = current_database()"
            )
            await missed.get()
    finally:
        await notices.aclose()


class Codec:
    """Frames that can be read."""

    def frame(self, document: dict[str, Any]) -> bytes:
        return msgspec.json.encode(document)


class Socket:
    """A connection in some rooms."""

    codec = Codec()

    def __init__(self, *rooms: str) -> None:
        self.rooms = dict.fromkeys(rooms)
        self.sent: list[dict[str, Any]] = []

    def send(self, frame: bytes) -> None:
        self.sent.append(msgspec.json.decode(frame))


class House:
    """People with their connections, and the record."""

    def __init__(self, *orders: Order, **people: list[Socket]) -> None:
        self.people = people
        self.orders = {each.id: each for each in orders}
        self.reads: list[list[str]] = []
        self.news = OrderNews(self.read, self.connections, VirtualClock())  # pyright: ignore[reportArgumentType]  # sockets are doubles

    async def read(self, orders: Sequence[str]) -> list[Order]:
        self.reads.append(list(orders))
        return [self.orders[each] for each in orders if each in self.orders]  # pyright: ignore[reportArgumentType]  # ids

    def connections(self, user: str) -> list[Socket]:
        return self.people.get(user, [])

    async def hears(self, *orders: Order) -> None:
        for each in orders:
            self.news.changed(
                Notice(each.id, each.number, each.buyer, each.seller, each.show, each.state, "", "", "")
            )
        if self.news._telling is not None:
            await self.news._telling


WON = order(origin="lot:show_1:lot_7", source="auction", show="show_1", state="awaiting_payment")


async def test_buyer_and_seller_are_told_what_concerns_them():
    phone, desk, elsewhere, console = (
        Socket("show_1"),
        Socket("show_2", "show_1"),
        Socket("show_9"),
        Socket("show_1"),
    )
    house = House(WON, user_ana=[phone, desk, elsewhere], user_hana=[console], user_ben=[Socket("show_1")])
    await house.hears(WON)
    for socket, show in ((phone, "show_1"), (desk, "show_1"), (elsewhere, "show_9")):
        (told,) = socket.sent
        assert (told["type"], told["show"]) == ("order:updated", show)
        assert told["payload"]["lot"] == "lot_7"
        assert told["payload"]["role"] == "buyer"
        assert told["payload"]["total"] == WON.total
        assert "buyer" not in told["payload"]
    (told,) = console.sent
    assert (told["payload"]["role"], told["payload"]["buyer"]) == ("seller", "Ana")
    assert house.people["user_ben"][0].sent == []


async def test_nobody_is_told_addresses_and_mail():
    console = Socket("show_1")
    house = House(WON, user_hana=[console])
    await house.hears(WON)
    said = msgspec.json.encode(console.sent).decode()
    assert WON.address is not None
    for secret in ("user_ana", WON.buyer_email, WON.address.line1, WON.address.city):
        assert secret not in said


@pytest.mark.parametrize(
    ("origin", "lot", "claim"),
    [("lot:show_1:lot_7", "lot_7", None), ("claim:show_1:c9-ab", None, "c9-ab"), ("cart:x", None, None)],
)
def test_where_an_order_came_from(origin: str, lot: str | None, claim: str | None):
    told = document(order(origin=origin), "buyer")
    assert (told["lot"], told["claim"]) == (lot, claim)


async def test_changes_of_one_moment_are_read_once_and_nothing_is_read_for_nobody():
    house = House(WON, user_ana=[Socket("show_1")])
    await house.hears(order(buyer="user_zoe", seller="user_yan"))
    assert house.reads == []
    await house.hears(WON, WON, WON)
    assert house.reads == [[WON.id]]
    assert len(house.people["user_ana"][0].sent) == 1


async def test_news_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ordernews, "WAITING_MAX", 2)
    many = [order(id=f"order_{i}") for i in range(5)]
    house = House(*many, user_ana=[Socket("show_1")])
    await house.hears(*many)
    assert house.reads == [["order_3", "order_4"]]


async def test_who_is_in_no_room_is_not_told():
    house = House(WON, user_ana=[Socket()])
    await house.hears(WON)
    assert house.people["user_ana"][0].sent == []

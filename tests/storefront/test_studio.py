"""The studio's forms: what a host types becomes shows, lots and products, or a message beside the field."""

import datetime as dt

import pytest

from liveserver.catalog.model import VariantDraft
from storefront.bodies import FormData
from storefront.problems import Refused
from storefront.web import fields
from tests.support.storefront import Shop


async def test_a_show_is_planned_and_changed(shop: Shop):
    host = await shop.person("Hanna", "host")
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).replace(second=0, microsecond=0, tzinfo=None)
    made = await host.post(
        "/studio/shows",
        {
            "title": "Cameras",
            "currency": "EUR",
            "scheduled": soon.isoformat(timespec="minutes"),
            "tz_offset_min": "-120",
        },
    )
    assert made.status == 303
    path = made.headers["Location"]
    show = await shop.services.shows.get(path.rpartition("/")[2])
    local = dt.datetime.fromtimestamp(show.scheduled_ts / 1000, dt.UTC).replace(tzinfo=None)
    assert local == soon - dt.timedelta(hours=2), "the reader is two hours east of UTC"
    changed = await host.post(
        path,
        {
            "title": "Cameras & lenses",
            "currency": "EUR",
            "scheduled": local.isoformat(timespec="minutes"),
            "links": "1",
            "blocked_words": "spam\n\nscam",
            "slow_s": "5",
        },
    )
    assert changed.status == 303, await changed.text()
    now = await shop.services.shows.get(show.id)
    assert (now.title, now.scheduled_ts) == ("Cameras & lenses", show.scheduled_ts)
    assert (now.chat.links, now.chat.blocked_words, now.chat.slow_ms) == (True, ("spam", "scam"), 5_000)
    assert "Cameras &amp; lenses" in await (await host.browser.get("/studio")).text()


@pytest.mark.parametrize(
    ("form", "status"),
    [({"title": ""}, 422), ({"title": "x" * 101}, 422), ({"title": "A", "scheduled": "yesterday"}, 422),
     ({"title": "A", "scheduled": "2001-01-01T10:00"}, 422), ({"title": "A", "picture": "javascript:alert(1)"}, 422),
     ({"title": "A", "currency": "dollars"}, 422)],
)  # fmt: skip
async def test_a_refused_show_comes_back_with_what_was_typed(shop: Shop, form: dict[str, str], status: int):
    host = await shop.person("Hanna", "host")
    answer = await host.post("/studio/shows", {"description": "All about shutters", **form})
    assert answer.status == status
    text = await answer.text()
    assert "All about shutters" in text
    assert 'aria-invalid="true"' in text
    assert await shop.services.pool.fetchval("SELECT count(*) FROM shows") == 0


async def test_lots_are_added_edited_ordered_and_removed(shop: Shop):
    host = await shop.person("Hanna", "host")
    show = await shop.show(host)
    path = f"/studio/shows/{show.id}"
    await host.post(f"{path}/lots", {"title": "Halden", "start": "12.50", "reserve": "1,000", "exact": "1"})
    await host.post(f"{path}/lots", {"title": "Norda", "start": "9", "preset": "sudden-death"})
    first, second = await shop.services.shows.queue(show.id)
    assert (first.start, first.reserve, first.exact) == (1_250, 100_000, True)
    assert (second.start, second.reserve, second.preset) == (900, None, "sudden-death")
    shown = await (await host.browser.get(f"{path}?lot={first.id}")).text()
    assert 'value="12.50"' in shown
    await host.post(f"/studio/lots/{first.id}", {"title": "Halden 35", "start": "10"})
    order = await host.browser.post(
        f"{path}/lots/order",
        data=[("csrf", host.csrf), ("lots", second.id), ("lots", first.id)],
        allow_redirects=False,
    )
    assert order.status == 303
    queue = await shop.services.shows.queue(show.id)
    assert [(lot.title, lot.start, lot.reserve, lot.exact) for lot in queue] == [
        ("Norda", 900, None, False),
        ("Halden 35", 1_000, None, False),
    ]
    await host.post(f"/studio/lots/{second.id}/delete")
    assert [lot.id for lot in await shop.services.shows.queue(show.id)] == [first.id]


async def test_a_lot_s_variant_is_chosen_in_the_queue_s_form_and_by_the_api(shop: Shop):
    host = await shop.person("Hanna", "host")
    show = await shop.show(host)
    colours = (VariantDraft("B", "Black", stock=2), VariantDraft("S", "Silver", stock=1))
    camera = await shop.product(host, variants=colours)
    black, silver = (one.id for one in camera.variants)
    path = f"/studio/shows/{show.id}"
    page = await (await host.browser.get(path)).text()
    assert f'value="{camera.id}/{silver}"' in page
    assert "Silver · 1 in stock · Halden 35" in page
    assert (await host.post(f"{path}/lots", {"product": f"{camera.id}/{silver}", "start": "5"})).status == 303
    (lot,) = await shop.services.shows.queue(show.id)
    assert (lot.title, lot.variant) == ("Halden 35, Silver", silver)
    shown = await (await host.browser.get(f"{path}?lot={lot.id}")).text()
    assert f'value="{camera.id}/{silver}" selected' in shown
    refused = await host.post(f"{path}/lots", {"product": f"{camera.id}/none", "start": "5"})
    assert refused.status == 422
    assert "The product has no such variant." in await refused.text()
    assert (
        await host.post(
            f"/studio/lots/{lot.id}", {"product": f"{camera.id}/{black}", "start": "5", "title": lot.title}
        )
    ).status == 303
    lots = f"/seller/livestreams/{show.id}/lots"
    (told,) = (await (await host.api("GET", lots)).json())["items"]
    assert (told["title"], told["variant"]) == ("Halden 35, Black", black)
    edited = await host.api("PATCH", f"{lots}/{lot.id}", json={"variant": None})
    assert (await edited.json())["variant"] is None
    added = await host.api("POST", lots, json={"product": camera.id, "variant": silver, "start": 100})
    assert (added.status, (await added.json())["variant"]) == (201, silver)


async def test_a_product_is_added(shop: Shop):
    host = await shop.person("Hanna", "host")
    done = await host.post(
        "/studio/products",
        {
            "title": "Halden",
            "price": "185",
            "currency": "USD",
            "category": "cameras",
            "stock": "3",
            "image": "/media/generated/camera/halden.svg",
        },
    )
    assert done.status == 303, await done.text()
    (product,) = (await shop.services.catalog.by_seller(host.account.id)).items
    assert (product.price, product.variants[0].stock, product.category) == (18_500, 3, "cameras")
    refused = await host.post("/studio/products", {"title": "Halden", "price": "a lot"})
    assert refused.status == 422
    assert "Write an amount in USD" in await refused.text()


async def test_reminders_are_set_and_taken_back(shop: Shop):
    host, vera = await shop.person("Hanna", "host"), await shop.person("Vera")
    show = await shop.show(host)
    path = f"/shows/{show.id}/remind"
    page = vera.browser.make_url(f"/shows/{show.id}")
    done = await vera.post(path, {"wanted": "1"}, headers={"Referer": str(page)})
    assert (done.status, done.headers["Location"]) == (303, f"/shows/{show.id}")
    assert await shop.services.shows.reminders(vera.account.id) == (show.id,)
    assert (await vera.post(path, {"wanted": "0"})).headers["Location"] == "/"
    assert await shop.services.shows.reminders(vera.account.id) == ()


def form(**values: str) -> FormData:
    return FormData(list(values.items()))


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.50", "USD", 1_250), ("12,50", "USD", 1_250), ("1,250", "USD", 125_000), ("1,250.75", "USD", 125_075),
     ("1 250", "USD", 125_000), ("500", "JPY", 500), ("1,250", "JPY", 1_250), ("1.250", "KWD", 1_250), ("0.5", "EUR", 50)],
)  # fmt: skip
def test_amounts_as_people_type_them(text: str, currency: str, minor: int):
    assert fields.amount(form(start=text), "start", currency) == minor


@pytest.mark.parametrize("text", ["", "-1", "abc", "1.234", "1e9999", "NaN", "٣٤", "9" * 40, "12.5.0"])
def test_amounts_that_cant_be_read(text: str):
    with pytest.raises(Refused) as refused:
        fields.amount(form(start=text), "start", "USD")
    assert refused.value.rejected.detail == {"field": "start"}


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2026-13-01T10:00", "0"),
        ("soon", "0"),
        ("2026-11-21T10:00", "99999"),
        ("9999-12-31T23:59", "900"),
        ("2026-11-21T10:00", "x"),
    ],
)
def test_times_that_cant_be_read(text: str, offset: str):
    with pytest.raises(Refused):
        fields.moment(form(scheduled=text, tz_offset_min=offset), "scheduled")

"""Guests, and the door: they see everything, sign in and are back in the show; mistakes keep what was typed; signing out ends it."""

import re

import pytest
from playwright.async_api import Locator, expect

from liveserver.client import LiveClient, Refused
from tests.browser.conftest import Open
from tests.support.browser import PHONE
from tests.support.house import PASSWORD, House, email_of, register, token_of
from tests.support.server import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_guest_sees_everything_signs_in_to_bid_and_is_back(
    house: House, hana: Person, open_window: Open
) -> None:
    show = await _with_a_running_lot(house, hana, "Rolleiflex")
    ana = await house.person("Ana")
    async with LiveClient(house.server.socket_url, ana.token) as client:
        room = await client.join(show)
        await room.chat("First!")
        guest = await open_window(viewport=PHONE)
        await guest.go(f"/shows/{show}")
        await expect(guest.at("#lot-title")).to_have_text("Rolleiflex")
        await expect(guest.at("#price")).to_have_text("$20")
        await expect(guest.at("#clock")).to_have_text(re.compile(r"^\d+:\d\d$"))
        await expect(guest.at("#chat-list .said")).to_have_text(["First!"])
        assert await guest.at("#bid, #bid-more, #chat-form").count() == 0
        await room.bid(room.view["auction"]["current"], 2_000)
        await expect(guest.at("#state")).to_have_text("Ana leads")

    email = email_of("Gil")
    await house.server.post("/auth/register", {"name": "Gil", "email": email, "password": PASSWORD})
    await guest.page.get_by_role("link", name="Sign in to bid").tap()
    page = guest.page
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill("not my password")
    guest.forgive("status of 4")
    await page.get_by_role("button", name="Sign in").tap()
    await expect(guest.at("main .error, main .notice")).to_contain_text("password")
    await expect(page.get_by_label("E-mail")).to_have_value(email)
    await expect(page.get_by_label("Password")).to_have_value("")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").tap()

    await expect(page).to_have_url(f"{house.origin}/shows/{show}")
    await page.get_by_role("button", name="Bid $21").tap()
    await expect(guest.at("#state")).to_have_text("You're winning")


async def test_mistakes_stand_beside_their_fields_and_keep_what_was_typed(
    house: House, open_window: Open
) -> None:
    await house.person("Zoe")
    window = await open_window(viewport=PHONE)
    window.forgive("status of 4")
    await window.go("/register?next=/docs")
    page = window.page
    name, email, password = (page.get_by_label(label) for label in ("Display name", "E-mail", "Password"))
    join = page.get_by_role("button", name="Join", exact=True)

    await name.fill("<script>alert(1)</script>")
    await email.fill("zara@example.com")
    await password.fill("short")
    await join.tap()
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_value("<script>alert(1)</script>")
    await expect(email).to_have_value("zara@example.com")
    await _expect_error(name, "letters, digits")

    await name.fill("zoe")
    await password.fill(PASSWORD)
    await join.tap()
    await _expect_error(name, "Somebody has this name")
    await name.fill("Zara")
    await password.fill("short")
    await join.tap()
    await _expect_error(password, "10 characters")
    await expect(name).to_have_value("Zara")
    await expect(name).not_to_have_attribute("aria-invalid", "true")
    await expect(password).to_have_value("")

    await password.fill(PASSWORD)
    await join.tap()
    await expect(page).to_have_url(f"{house.origin}/docs")


async def test_signing_out_in_one_tab_ends_the_rights_of_the_other(
    house: House, hana: Person, open_window: Open
) -> None:
    show = await _with_a_running_lot(house, hana, "Box camera")
    window = await open_window()
    await window.go(f"/register?next=/shows/{show}")
    await register(window, "Sam")
    await expect(window.page.get_by_role("button", name="Bid $20")).to_be_enabled()
    token = await token_of(window)

    other = await window.context.new_page()
    await other.goto("/me")
    await other.get_by_role("main").get_by_role("button", name="Sign out").click()
    await expect(other).to_have_url(f"{house.origin}/")

    await expect(window.at("#connection-text")).to_have_text("You were signed out. Reload to sign in again.")
    await window.page.get_by_role("button", name="Bid $20").click()
    await expect(window.at("#announce-assertive")).not_to_be_empty()
    await expect(window.at("#state")).to_have_text("No bids yet · starts at $20")
    await window.at("#connection-reload").click()
    await expect(window.page.get_by_role("link", name="Sign in to bid")).to_be_visible()
    assert all(one.get("name") != "liveserver" for one in await window.context.cookies())
    # The token itself is worth nothing any more.
    with pytest.raises(Refused, match="session_ended"):
        async with LiveClient(house.server.socket_url, token):
            pass


async def _with_a_running_lot(house: House, host: Person, title: str) -> str:
    show = await house.show(host, f"{title} night")
    lot = await house.lot(host, show, title, duration_ms=120_000)
    await house.start(host, show)
    async with LiveClient(house.server.socket_url, host.token) as client:
        room = await client.join(show)
        await room.open_lot(lot=lot)
    return show


async def _expect_error(field: Locator, words: str) -> None:
    """The words stand under the field, and a screen reader is led to them."""
    await expect(field).to_have_accessible_description(re.compile(words))

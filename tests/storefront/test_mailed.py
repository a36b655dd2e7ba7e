"""Where mails lead: confirming an address and choosing a new password, with a browser and over the API."""

import re
from email.message import EmailMessage

import pytest

from liveserver.accounts import proofs
from liveserver.jobs.worker import Worker
from liveserver.kernel.clock import SystemClock
from liveserver.mail.sending import Mailer
from tests.support.storefront import PASSWORD, Shop, form_token

SAME = {"Sec-Fetch-Site": "same-origin"}
NEW = "harbour-violet-nine"


class Letterbox:
    """Takes the mails, and gives their links."""

    def __init__(self, shop: Shop) -> None:
        self._links: list[str] = []
        pool = shop.services.pool
        clock = SystemClock()
        mailer = Mailer(self, clock, origin="https://live.example", sender="shop@live.example")
        self._worker = Worker(pool, proofs.works(pool, clock, mailer))

    async def hand_over(self, message: EmailMessage) -> None:
        text = message.get_body(("plain",))
        assert text is not None
        self._links += re.findall(r"https://live\.example(/\S+)", text.get_content())

    async def links(self) -> list[str]:
        """Of the mails that were waiting."""
        self._links.clear()
        await self._worker.drain()
        return list(self._links)


@pytest.fixture
def letterbox(shop: Shop) -> Letterbox:
    return Letterbox(shop)


async def sends(browser, path: str, **fields: str):
    """Fills in the form of a page and sends it."""
    page = await (await browser.get(path)).text()
    data = {"csrf": form_token(page), **fields}
    return await browser.post(path, data=data, headers=SAME, allow_redirects=False)


async def joined(shop: Shop, name: str = "Ana"):
    browser = shop.browser()
    done = await sends(browser, "/register", name=name, email=f"{name}@example.com", password=PASSWORD)
    assert done.status == 303
    return browser


async def test_the_welcome_mail_s_link_confirms_the_address(shop: Shop, letterbox: Letterbox):
    ana = await joined(shop)
    assert 'href="/verify"' in await (await ana.get("/me")).text()
    (link,) = await letterbox.links()
    scanner = shop.browser()
    for _ in range(2):
        looked = await scanner.get(link)
        assert looked.status == 200, "a mail program that opens links to look at them uses nothing up"
        assert "Ana@example.com" in await looked.text()
    done = await sends(shop.browser(), link)
    assert (done.status, done.headers["Location"]) == (303, "/verify?done=1")
    assert "Confirmed." in await (await ana.get("/verify")).text()
    assert 'href="/verify"' not in await (await ana.get("/me")).text()
    assert (await scanner.get(link)).status == 404


async def test_another_mail_can_be_asked_for_by_who_is_signed_in(shop: Shop, letterbox: Letterbox):
    ana = await joined(shop)
    await letterbox.links()
    done = await sends(ana, "/verify")
    assert done.headers["Location"] == "/verify?sent=1"
    assert "Look into your mail" in await (await ana.get("/verify?sent=1")).text()
    assert len(await letterbox.links()) == 1
    guest = shop.browser()
    assert "/sign-in?next=/verify" in await (await guest.get("/verify")).text()
    page = await (await guest.get("/reset")).text()
    refused = await guest.post(
        "/verify", data={"csrf": form_token(page)}, headers=SAME, allow_redirects=False
    )
    assert refused.status == 401


async def test_a_forgotten_password_is_replaced(shop: Shop, letterbox: Letterbox):
    ana = await joined(shop)
    await letterbox.links()
    stranger = shop.browser()
    assert 'href="/reset"' in await (await stranger.get("/sign-in")).text()
    assert (await sends(stranger, "/reset", email="ana@EXAMPLE.com")).headers["Location"] == "/reset?sent=1"
    (link,) = await letterbox.links()
    weak = await sends(stranger, link, password="short")
    assert weak.status == 422
    assert 'aria-invalid="true"' in await weak.text()
    done = await sends(stranger, link, password=NEW)
    assert done.headers["Location"] == "/reset?done=1"
    assert (await ana.get("/me", allow_redirects=False)).status != 200, "signed out everywhere"
    signed = await sends(shop.browser(), "/sign-in", email="Ana@example.com", password=NEW, next="/me")
    assert signed.headers["Location"] == "/me"
    assert (await stranger.get(link)).status == 404


async def test_the_answer_does_not_tell_who_has_an_account(shop: Shop, letterbox: Letterbox):
    await joined(shop)
    await letterbox.links()
    answers = []
    for email in ("Ana@example.com", "nobody@example.com"):
        done = await sends(shop.browser(), "/reset", email=email)
        api = await shop.browser().post("/api/v1/auth/password-reset", json={"email": email})
        answers.append(
            (done.status, done.headers["Location"], await done.read(), api.status, await api.read())
        )
    assert answers[0] == answers[1]
    assert answers[0][3] == 204
    assert len(await letterbox.links()) == 2
    wrong = await sends(shop.browser(), "/reset", email="nonsense")
    assert wrong.status == 422


async def test_tokens_in_addresses_do_not_get_anywhere_else(shop: Shop, letterbox: Letterbox):
    await joined(shop)
    links = await letterbox.links()
    await sends(shop.browser(), "/reset", email="Ana@example.com")
    links += await letterbox.links()
    assert {link.split("/")[1] for link in links} == {"verify", "reset"}
    for link in links:
        page = await shop.browser().get(link)
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Cache-Control"] == "no-store"
        text = await page.text()
        token = link.rsplit("/", 1)[1]
        leading = [
            address for address in re.findall(r'(?:href|action|src)="([^"]*)"', text) if token in address
        ]
        assert all(address.endswith(link) for address in leading), leading
        assert len(leading) <= 1, "its own canonical address at most"
        assert not re.findall(r'(?:href|src)="https?://(?!127\.0\.0\.1)', text)


async def test_another_site_cannot_send_these_forms(shop: Shop, letterbox: Letterbox):
    ana = await joined(shop)
    (link,) = await letterbox.links()
    for path in (link, "/verify", "/reset"):
        foreign = await ana.post(
            path, data={"csrf": "x", "email": "Ana@example.com"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert foreign.status == 403, path
    assert (await shop.browser().get(link)).status == 200


async def test_the_same_over_the_api(shop: Shop, letterbox: Letterbox):
    browser = shop.browser()
    made = await browser.post(
        "/api/v1/auth/register", json={"name": "Ana", "email": "ana@example.com", "password": PASSWORD}
    )
    signed = await made.json()
    assert signed["user"]["email_verified"] is False
    bearer = {"Authorization": f"Bearer {signed['token']}"}
    assert (await browser.post("/api/v1/auth/verify-email/resend", headers=bearer)).status == 204
    first, second = [link.rsplit("/", 1)[1] for link in await letterbox.links()]
    assert (await browser.post("/api/v1/auth/verify-email", json={"token": first})).status == 204
    assert (await (await browser.get("/api/v1/me", headers=bearer)).json())["email_verified"] is True
    used = await browser.post("/api/v1/auth/verify-email", json={"token": second})
    assert (used.status, (await used.json())["code"]) == (422, "link_expired")
    again = await browser.post("/api/v1/auth/verify-email/resend", headers=bearer)
    assert (again.status, (await again.json())["code"]) == (409, "already_verified")
    await browser.post("/api/v1/auth/password-reset", json={"email": "ana@example.com"})
    (link,) = await letterbox.links()
    body = {"token": link.rsplit("/", 1)[1], "password": NEW}
    assert (await browser.post("/api/v1/auth/password-reset/confirm", json=body)).status == 204
    assert (await browser.get("/api/v1/me", headers=bearer)).status == 401

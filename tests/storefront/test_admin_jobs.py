"""The operator's page of jobs: what waits, what died, and what can be done about it; for admins only."""

import msgspec
import pytest

from liveserver.infra.database import transaction
from liveserver.jobs.queue import enqueue
from liveserver.jobs.worker import Hopeless, Work, Worker
from storefront.operating import OPERATING
from tests.support.storefront import Person, Shop


class About(msgspec.Struct, frozen=True):
    name: str


async def hopeless(_about: About) -> None:
    raise Hopeless("the address <b>does not</b> exist")


async def adds(shop: Shop, name: str, *, after_ms: int = 0, once: str = "") -> None:
    async with transaction(shop.services.pool) as on:
        await enqueue(on, "test.do", About(name), after_ms=after_ms, once=once)


async def dies(shop: Shop, name: str = "a", *, once: str = "") -> int:
    await adds(shop, name, once=once)
    await Worker(shop.services.pool, [Work("test.do", About, hopeless)]).drain()
    return await shop.services.pool.fetchval("SELECT max(id) FROM pgqueuer WHERE status = 'failed'")


async def page_of(person: Person) -> str:
    answer = await person.browser.get("/admin/jobs")
    assert answer.status == 200
    return await answer.text()


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.person("Olga", "admin")


async def test_nothing_waits_and_nothing_is_dead(admin: Person):
    page = await page_of(admin)
    assert "Nothing waits." in page
    assert "No job is dead." in page


async def test_a_dead_job_is_shown_with_its_error_as_text(shop: Shop, admin: Person):
    await dies(shop)
    await adds(shop, "later", after_ms=60_000)
    page = await page_of(admin)
    assert "the address &lt;b&gt;does not&lt;/b&gt; exist" in page
    assert "<b>does not" not in page
    assert "{&#34;name&#34;:&#34;a&#34;}" in page
    assert "JobsDead" in await (await admin.browser.get("/admin/live")).text()


async def test_it_is_tried_again_or_dropped(shop: Shop, admin: Person):
    job = await dies(shop)
    done = await admin.post(f"/admin/jobs/{job}/retry")
    assert (done.status, done.headers["Location"]) == (303, "/admin/jobs")
    assert "No job is dead." in await page_of(admin)
    await Worker(shop.services.pool, [Work("test.do", About, hopeless)]).drain()
    assert (await admin.post(f"/admin/jobs/{job}/drop")).status == 303
    assert "Nothing waits." in await page_of(admin)
    gone = await admin.post(f"/admin/jobs/{job}/drop")
    assert gone.status == 404
    assert "somebody has seen to it already" in await gone.text()


async def test_one_that_is_not_needed_any_more_says_so(shop: Shop, admin: Person):
    job = await dies(shop, once="k")
    await adds(shop, "b", once="k")
    refused = await admin.post(f"/admin/jobs/{job}/retry")
    assert refused.status == 409
    assert "Drop it." in await refused.text()


@pytest.mark.parametrize("job", ["x", "-1", "9" * 30, "1.5", "٣"])
async def test_what_is_no_job_is_not_found(admin: Person, job: str):
    assert (await admin.post(f"/admin/jobs/{job}/drop")).status == 404


@pytest.mark.parametrize("role", ["viewer", "host"])
async def test_others_see_and_do_nothing(shop: Shop, role: str):
    job = await dies(shop)
    person = await shop.person("Vic", role)
    assert (await person.browser.get("/admin/jobs")).status == 403
    for what in ("retry", "drop"):
        assert (await person.post(f"/admin/jobs/{job}/{what}")).status == 403
    assert await shop.services.pool.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'failed'") == 1


async def test_a_form_of_another_site_changes_nothing(shop: Shop, admin: Person):
    job = await dies(shop)
    for form in ({"csrf": "x"}, {}):
        answer = await admin.browser.post(f"/admin/jobs/{job}/drop", data=form)
        assert answer.status == 403
    assert await shop.services.pool.fetchval("SELECT count(*) FROM pgqueuer") == 1


async def test_a_queue_that_stands_still_is_an_alarm(shop: Shop, admin: Person):
    await adds(shop, "a")
    assert "JobsStandStill" not in await (await admin.browser.get("/admin/live")).text()
    await shop.services.pool.execute("UPDATE pgqueuer SET execute_after = now() - interval '3 minutes'")
    shop.server.app[OPERATING]._kept = None  # what was seen a moment ago is kept for a second
    page = await (await admin.browser.get("/admin/live")).text()
    assert "JobsStandStill" in page
    assert "the oldest has been due for 18" in page

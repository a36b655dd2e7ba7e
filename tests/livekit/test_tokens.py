"""Who gets a token for a show's video, what it lets them do, and that LiveKit's own SDK reads it."""

import time

import pytest

from liveserver.kernel.ids import UserId
from tests.livekit.conftest import Sdk
from tests.support.livekit import KEY, SECRET, URL
from tests.support.storefront import Person, Shop

ON_STAGE = ["camera", "microphone", "screen_share", "screen_share_audio"]


async def asked(shop: Shop, who: Person | None, show: str):
    if who is not None:
        return await who.api("POST", "/livekit/token", json={"show": show})
    return await shop.browser().post("/api/v1/livekit/token", json={"show": show})


async def refused(shop: Shop, who: Person | None, show: str) -> tuple[int, str]:
    answer = await asked(shop, who, show)
    assert answer.content_type == "application/problem+json"
    return answer.status, (await answer.json())["code"]


async def test_livekits_own_sdk_reads_what_we_sign(stage: Shop, sdk: Sdk):
    host, ana = await stage.person("Hanna", "host"), await stage.person("Ana")
    show = await stage.live_show(host)
    for who, publishes, role in ((host, True, "host"), (ana, False, "viewer")):
        answer = await asked(stage, who, show.id)
        assert answer.status == 200
        document = await answer.json()
        assert (document["url"], document["canPublish"]) == (URL, publishes)
        claims = sdk.ask(verify=document["token"])["claims"]
        assert (claims["iss"], claims["sub"], claims["name"]) == (KEY, who.id, who.name)
        assert claims["metadata"] == f'{{"role":"{role}"}}'
        assert claims["exp"] * 1000 == document["expires_ts"]
        assert 590 <= claims["exp"] - time.time() <= 600
        video = claims["video"]
        assert (video["room"], video["roomJoin"], video["canSubscribe"]) == (show.id, True, True)
        assert (video["canPublish"], video["canPublishData"]) == (publishes, False)
        assert video.get("canPublishSources", []) == (ON_STAGE if publishes else [])
        assert not any(video.get(name) for name in ("roomAdmin", "roomCreate", "roomList", "roomRecord"))


async def test_the_sdk_refuses_tokens_of_another_secret_or_changed_ones(stage: Shop, sdk: Sdk):
    host = await stage.person("Hanna", "host")
    show = await stage.show(host)
    token = (await (await asked(stage, host, show.id)).json())["token"]
    assert "refused" in sdk.ask(verify=token, secret="another secret, also long enough for it")
    head, body, mark = token.split(".")
    assert "refused" in sdk.ask(verify=f"{head}.{body[:-4]}AAAA.{mark}")


async def test_a_co_host_is_on_stage_until_the_host_says_otherwise(stage: Shop):
    host, cody = await stage.person("Hanna", "host"), await stage.person("Cody")
    show = await stage.show(host)
    assert not (await (await asked(stage, cody, show.id)).json())["canPublish"]
    named = await host.api("PUT", f"/seller/livestreams/{show.id}/co-hosts/{cody.id}")
    assert (await named.json())["co_hosts"] == [cody.id]
    assert (await (await asked(stage, cody, show.id)).json())["canPublish"]
    await host.api("DELETE", f"/seller/livestreams/{show.id}/co-hosts/{cody.id}")
    assert not (await (await asked(stage, cody, show.id)).json())["canPublish"]


async def test_co_hosts_are_named_by_the_shows_own_host_and_are_people_we_know(stage: Shop):
    host, hugo = await stage.person("Hanna", "host"), await stage.person("Hugo", "host")
    show = await stage.show(host)
    path = f"/seller/livestreams/{show.id}/co-hosts"
    assert (await hugo.api("PUT", f"{path}/{hugo.id}")).status == 404
    assert (await host.api("PUT", f"{path}/{host.id}")).status == 422
    assert (await host.api("PUT", f"{path}/usr_nobody")).status == 404
    assert (await host.api("PUT", f"{path}/ext:carla")).status == 200
    names = [f"ext:{number}" for number in range(9)]
    assert [(await host.api("PUT", f"{path}/{name}")).status for name in names] == [200] * 9
    assert await refused_by(host, f"{path}/ext:one-more") == (409, "too_many_co_hosts")


async def refused_by(who: Person, path: str) -> tuple[int, str]:
    answer = await who.api("PUT", path)
    return answer.status, (await answer.json())["code"]


async def test_moderators_and_other_hosts_only_watch(stage: Shop):
    host, hugo, mo = await stage.person("Hanna", "host"), await stage.person("Hugo", "host"), await stage.person("Mo")  # fmt: skip
    show = await stage.show(host)
    await stage.services.shows.add_moderator(host.identity, show.id, UserId(mo.id))
    for who in (hugo, mo):
        assert not (await (await asked(stage, who, show.id)).json())["canPublish"]


async def test_a_guest_watches_as_the_same_person_each_time(stage: Shop, sdk: Sdk):
    host = await stage.person("Hanna", "host")
    show = await stage.live_show(host)
    browser = stage.browser()
    await browser.get("/sign-in")  # gives the browser its guest's cookie
    subjects = set()
    for _ in range(2):
        answer = await browser.post("/api/v1/livekit/token", json={"show": show.id})
        document = await answer.json()
        assert not document["canPublish"]
        subjects.add(sdk.ask(verify=document["token"])["claims"]["sub"])
    assert len(subjects) == 1
    assert subjects.pop().startswith("guest:")


async def test_tokens_are_kept_by_no_cache_and_sent_to_nobody(stage: Shop):
    host = await stage.person("Hanna", "host")
    answer = await asked(stage, host, (await stage.show(host)).id)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_who_is_banned_gets_none(stage: Shop):
    host, troll = await stage.person("Hanna", "host"), await stage.person("Troll")
    show = await stage.live_show(host)
    from storefront.rooms import act

    await act(stage.services, show, host.identity, "user:ban", {"user": troll.id})
    assert await refused(stage, troll, show.id) == (403, "banned")


async def test_ended_and_unknown_shows_have_none(stage: Shop):
    host = await stage.person("Hanna", "host")
    show = await stage.live_show(host)
    await host.api("POST", f"/seller/livestreams/{show.id}/end")
    await stage.recorded(show)
    assert await refused(stage, host, show.id) == (409, "show_ended")
    assert await refused(stage, host, "show_nowhere") == (404, "show_not_found")
    assert await refused(stage, host, "no id at all") == (404, "show_not_found")


@pytest.mark.parametrize("lacking", ["livekit_url", "livekit_api_key", "livekit_api_secret", "all"])
async def test_a_server_without_video_says_so(with_settings, shop_with, lacking: str):
    given = {"livekit_url": URL, "livekit_api_key": KEY, "livekit_api_secret": SECRET}
    shop = await shop_with(with_settings(**{name: "" if lacking in (name, "all") else value for name, value in given.items()}))  # fmt: skip
    host = await shop.person("Hanna", "host")
    show = await shop.show(host)
    answer = await asked(shop, host, show.id)
    assert (answer.status, (await answer.json())["code"]) == (503, "livekit_not_configured")


async def test_guests_are_asked_to_sign_in_unless_the_operator_lets_them_watch(with_settings, shop_with):
    shop = await shop_with(with_settings(livekit_url=URL, livekit_api_key=KEY, livekit_api_secret=SECRET))
    host = await shop.person("Hanna", "host")
    show = await shop.show(host)
    assert await refused(shop, None, show.id) == (401, "sign_in_first")
    assert (await asked(shop, await shop.person("Ana"), show.id)).status == 200

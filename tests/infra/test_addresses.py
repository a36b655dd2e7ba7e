"""Addresses of Redis servers: several in one, another host with the same credentials, nothing secret in what is told."""

import pytest

from liveserver.infra.addresses import each, place_of, url_at, without_database


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("redis://a:1/0", ["redis://a:1/0"]),
        ("redis://u:p@a:1, b:2/0", ["redis://u:p@a:1/0", "redis://u:p@b:2/0"]),
        ("rediss://:p%40@a,b:2", ["rediss://:p%40@a", "rediss://:p%40@b:2"]),
        ("unix://u:p@/run/a,b.sock?db=0", ["unix://u:p@/run/a,b.sock?db=0"]),
    ],
)
def test_one_address_may_name_several_members(url: str, addresses: list[str]):
    assert each(url) == addresses


@pytest.mark.parametrize(
    ("url", "place", "other"),
    [
        ("redis://u:p@a:1/0", "a:1", "redis://u:p@10.0.0.7:6380/0"),
        ("rediss://a", "a:6379", "rediss://10.0.0.7:6380"),
        ("redis://:p@[::1]:7/0?x=1", "::1:7", "redis://:p@10.0.0.7:6380/0?x=1"),
    ],
)
def test_another_member_is_reached_with_the_same_credentials(url: str, place: str, other: str):
    assert place_of(url) == place
    assert url_at(url, "10.0.0.7:6380") == other
    assert url_at(url, "::2:6380") == other.replace("10.0.0.7", "[::2]")


def test_a_socket_is_told_by_its_path():
    assert place_of("unix://u:secret@/run/valkey.sock?db=0") == "/run/valkey.sock"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("redis://a:1/3", "redis://a:1"),
        ("redis://a:1/0", "redis://a:1/0"),
        ("redis://a:1", "redis://a:1"),
        ("unix:///run/a.sock?db=3", "unix:///run/a.sock?db=3"),
    ],
)
def test_a_cluster_is_asked_without_a_database_s_number(url: str, asked: str):
    assert without_database(url) == asked

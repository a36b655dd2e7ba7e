"""Load is for this machine only: which addresses are taken, and that nobody dials before the rule was asked."""

import pytest

from loadtests.loopback import NotThisMachine, target


@pytest.mark.parametrize(
    ("url", "socket_url"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
        ("http://127.8.9.10:1", "ws://127.8.9.10:1/ws"),
        ("http://localhost:8080/", "ws://127.0.0.1:8080/ws"),
        ("ws://LOCALHOST:8080/ws", "ws://127.0.0.1:8080/ws"),
        ("http://[::1]:8080", "ws://[::1]:8080/ws"),
        ("http://127.0.0.1", "ws://127.0.0.1:80/ws"),
    ],
)
def test_this_machine_is_taken_by_its_number(url: str, socket_url: str):
    assert target(url).socket_url == socket_url


@pytest.mark.parametrize(
    "url",
    [
        "https://live.example.com",
        "http://192.168.0.7:8080",
        "http://10.0.0.1:8080",
        "http://[2001:db8::1]:8080",
        "http://0.0.0.0:8080",  # all addresses is no address of this machine
        "http://127.0.0.1@live.example.com:8080",  # the first part is a user's name
        "http://live.example.com/?127.0.0.1",
        "http://live.example.com#@127.0.0.1",
        "http://localhost.example.com:8080",
        "http://127.0.0.1.example.com",
        "http://127.1:8080",  # forms that only some resolvers understand
        "http://2130706433:8080",
        "http://0x7f.1:8080",
        "http://127.0.0.1:99999",
        "http://[::1",
        "live.example.com",
        "",
        None,
    ],
)
def test_everything_else_is_refused(url: str | None):
    with pytest.raises(NotThisMachine):
        target(url)


def test_tls_is_somebody_elses():
    with pytest.raises(NotThisMachine, match="without TLS"):
        target("https://127.0.0.1:8443")

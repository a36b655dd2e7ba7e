"""Settings: which value wins, what is refused and how it is said, what is printed and what never is."""

import re
from pathlib import Path

import pytest

from liveserver.config import SETTINGS, Problem, load
from liveserver.config.settings import is_loopback

FILE = 'port = 7003\norigins = ["https://file.example"]\nunlimited = false\n'


def loaded(tmp_path: Path, *, flags=None, env=None, file: str = ""):
    if file:
        (tmp_path / "liveserver.toml").write_text(file)
    return load(flags or {}, env or {}, tmp_path)


@pytest.mark.parametrize(
    ("flags", "env", "file", "port", "source"),
    [
        ({}, {}, "", 8080, "default"),
        ({}, {}, FILE, 7003, "file"),
        ({}, {"LIVESERVER_PORT": "7002"}, FILE, 7002, "environment"),
        ({"port": 7001}, {"LIVESERVER_PORT": "7002"}, FILE, 7001, "flag"),
        ({"port": None}, {"LIVESERVER_PORT": "7002"}, FILE, 7002, "environment"),
        ({"port": 0}, {"LIVESERVER_PORT": "7002"}, FILE, 0, "flag"),
        ({}, {"LIVESERVER_PORT": ""}, FILE, 7003, "file"),
        ({}, {"LIVESERVER_PORT": ""}, "", 8080, "default"),
    ],
)
def test_flags_win_over_environment_over_file_over_default(tmp_path, flags, env, file, port, source):
    got = loaded(tmp_path, flags=flags, env=env, file=file)
    assert got.settings.port == port
    assert got.sources["port"].kind == source


def test_every_setting_is_said_once_with_a_sentence_and_has_an_environment_name():
    assert SETTINGS["database_url"].env == "LIVESERVER_DATABASE_URL"
    for about in SETTINGS.values():
        assert about.doc.endswith((".", ";")), about.name
        assert about.env == f"LIVESERVER_{about.name.upper()}"


@pytest.mark.parametrize("name", list(SETTINGS))
def test_every_setting_can_be_given_in_the_environment(tmp_path, name):
    about = SETTINGS[name]
    texts = {"integer": f"{about.low or 1:g}", "number": "2.5", "switch": "false"}
    texts |= {"url": "redis://h", "origin": "https://a.example", "proxy": "10.0.0.0/8"}
    texts |= {"smtp": "smtp://h", "mailbox": "shop@a.example"}
    if name == "processing_fixed_by_currency":  # a list with a form of its own, checked with the others
        texts["list"] = "JPY=40"
    text = about.choices[-1] if about.choices else texts.get(about.form) or texts.get(about.kind, "x" * 40)
    got = loaded(tmp_path, env={about.env: text})
    assert got.sources[name].where == about.env
    assert got.settings != loaded(tmp_path).settings or text in ("false", str(about.default))


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"LIVESERVER_PORT": "99999"}, "LIVESERVER_PORT must be at most 65535."),
        (
            {"LIVESERVER_REDIS_URL": "redis://a:6379,b:x"},
            "must have a number from 0 to 65535 after a host's colon",
        ),
        ({"LIVESERVER_PORT": "80.5"}, "LIVESERVER_PORT must be a whole number."),
        ({"LIVESERVER_PORT": "\u0661\u0662"}, "LIVESERVER_PORT must be a whole number."),
        ({"LIVESERVER_HEARTBEAT_MS": "5"}, "LIVESERVER_HEARTBEAT_MS must be at least 100 ms."),
        ({"LIVESERVER_BIDS_PER_S": "nan"}, "must be a number"),
        ({"LIVESERVER_UNLIMITED": "maybe"}, "must be true or false"),
        ({"LIVESERVER_LOG_LEVEL": "loud"}, "must be one of debug, info, warning, error"),
        ({"LIVESERVER_ORIGINS": "https://a.example/path"}, "is no origin"),
        ({"LIVESERVER_TRUSTED_PROXIES": "10.0.0.0/99"}, "neither an IP address nor a network"),
        ({"LIVESERVER_DATABASE_URL": "localhost:5432"}, "must be an address with a scheme"),
        ({"LIVESERVER_SMTP_URL": "imap://mail.example"}, "must be smtps://"),
        ({"LIVESERVER_SMTP_URL": "smtps://"}, "with a host"),
        ({"LIVESERVER_MAIL_FROM": "nobody"}, "is no e-mail address"),
        ({"LIVESERVER_MAIL_FROM": "a@b.example, c@d.example"}, "is no e-mail address"),
        ({"LIVESERVER_JWT_SECRET": "short"}, "less than 32 bytes"),
        ({"LIVESERVER_UNLIMITED": "1", "LIVESERVER_HOST": "192.0.2.1"}, "only for load tests"),
        ({"LIVESERVER_WORKERS": "2", "LIVESERVER_PORT": "0"}, "port can't be 0"),
        ({"LIVESERVER_CONFIG": "nowhere.toml"}, "can't be read"),
    ],
)
def test_wrong_values_are_refused_with_a_cure(tmp_path, env, says):
    with pytest.raises(Problem) as caught:
        loaded(tmp_path, env=env)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ('port = "x"', "port (in"),
        ("port = true", "must be a whole number"),
        ("port = = 1", "is not valid TOML"),
        ("origins = [1]", "must be a text"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, file, says):
    with pytest.raises(Problem) as caught:
        loaded(tmp_path, file=file)
    assert says in str(caught.value)
    assert "liveserver.toml" in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(Problem) as caught:
        loaded(tmp_path, env={"LIVESERVER_PORT": "x", "LIVESERVER_WORKERS": "0"})
    assert len(caught.value.lines) == 2


@pytest.mark.parametrize(
    ("env", "file", "name", "meant"),
    [
        ({"LIVESERVER_PROT": "1"}, "", "LIVESERVER_PROT", "LIVESERVER_PORT"),
        ({"LIVESERVER_REDIS": "1"}, "", "LIVESERVER_REDIS", "LIVESERVER_REDIS_URL"),
        ({"LIVESERVER_ELEPHANTS": "1"}, "", "LIVESERVER_ELEPHANTS", ""),
        ({}, "heartbeat = 5\n", "heartbeat", "heartbeat_ms"),
    ],
)
def test_unknown_names_are_reported_with_what_was_meant(tmp_path, env, file, name, meant):
    (stray,) = loaded(tmp_path, env=env, file=file).unknown
    assert (stray.name, stray.meant) == (name, meant)


def test_secrets_and_passwords_are_never_shown(tmp_path):
    env = {
        "LIVESERVER_JWT_SECRET": "s3cret" * 8,
        "LIVESERVER_DATABASE_URL": "postgresql://shop:s3cret@db/live?sslpassword=s3cret",
    }
    settings = loaded(tmp_path, env=env).settings
    shown = [about.show(getattr(settings, name)) for name, about in SETTINGS.items()]
    assert "postgresql://shop:***@db/live?sslpassword=***" in shown
    assert not any("s3cret" in text for text in shown)
    with pytest.raises(Problem) as caught:
        loaded(tmp_path, env={"LIVESERVER_JWT_SECRET": "s3cret"})
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(settings)


def test_unlimited_lifts_rates_and_nothing_else(tmp_path):
    settings = loaded(tmp_path, flags={"unlimited": True, "host": "127.0.0.1"}).settings
    assert all(getattr(settings, name) == 0 for name, about in SETTINGS.items() if about.rate)
    assert settings.frame_bytes_max == SETTINGS["frame_bytes_max"].default


@pytest.mark.parametrize(
    ("host", "port", "public", "origin"),
    [
        ("127.0.0.1", 8080, "", "http://127.0.0.1:8080"),
        ("0.0.0.0", 80, "", "http://127.0.0.1:80"),
        ("::", 80, "", "http://[::1]:80"),
        ("shop.lan", 80, "https://shop.example", "https://shop.example"),
    ],
)
def test_the_servers_own_origin(tmp_path, host, port, public, origin):
    settings = loaded(tmp_path, flags={"host": host, "port": port, "public_url": public}).settings
    assert settings.origin() == origin
    assert settings.secure == public.startswith("https")


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("localhost.evil.example", False),
    ],
)
def test_what_counts_as_loopback(host, is_it):
    assert is_loopback(host) is is_it


def test_every_setting_is_read_by_some_part_and_promises_nothing_in_vain():
    root = Path(__file__).resolve().parents[2]
    sources = [*(root / "liveserver").rglob("*.py"), *(root / "http").rglob("*.py")]
    code = "\n".join(p.read_text() for p in sources if (root / "liveserver" / "config") not in p.parents)
    words = set(re.findall(r"\w+", code))
    assert [name for name in SETTINGS if name not in words] == []

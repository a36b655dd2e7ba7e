"""The command line as people and scripts meet it: help, version, settings, and errors in words instead of tracebacks."""

import json

import pytest
from click.testing import CliRunner

from liveserver import __version__
from liveserver.cli.main import main
from liveserver.config import SETTINGS


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Runs a command in this process, in an empty folder, with no settings but those given."""
    monkeypatch.chdir(tmp_path)
    for name in [*SETTINGS]:
        monkeypatch.delenv(SETTINGS[name].env, raising=False)

    def run(*args: str, **env: str):
        return CliRunner().invoke(main, args, env=env, catch_exceptions=False)

    return run


def test_help_names_every_command_and_says_what_to_try_first(cli):
    result = cli("--help")
    assert result.exit_code == 0
    for command in ("serve", "demo", "replay", "doctor", "config", "migrate", "verify", "version"):
        assert f"\n  {command} " in result.output
        assert cli(command, "--help").exit_code == 0
    assert "demo" in result.output.split("Commands:")[0]


def test_version(cli):
    assert cli("version").output.strip() == __version__


def test_config_says_each_value_and_where_it_came_from(cli, tmp_path):
    (tmp_path / "liveserver.toml").write_text("workers = 2\n")
    document = json.loads(
        cli("config", "--json", LIVESERVER_PORT="9000", LIVESERVER_JWT_SECRET="s3cret" * 8).stdout
    )
    by_name = {row["name"]: row for row in document["settings"]}
    assert set(by_name) == set(SETTINGS)
    assert (by_name["port"]["value"], by_name["port"]["where"]) == ("9000", "LIVESERVER_PORT")
    assert by_name["workers"]["source"] == "file"
    assert by_name["host"]["source"] == "default"
    assert "s3cret" not in json.dumps(document)


def test_config_for_people_and_with_its_documentation(cli):
    result = cli("config", LIVESERVER_PORT="9000")
    assert "LIVESERVER_PORT" in result.output
    assert "environment LIVESERVER_PORT" in result.output
    assert SETTINGS["port"].doc not in result.output
    assert SETTINGS["port"].doc in cli("config", "--docs").output


def test_config_with_mistakes_lists_the_settings_and_names_the_mistakes(cli):
    result = cli("config", LIVESERVER_PROT="1", LIVESERVER_PORT="x")
    assert result.exit_code == 2
    assert "Did you mean LIVESERVER_PORT?" in result.stderr
    assert "must be a whole number" in result.stderr
    assert "LIVESERVER_HOST" in result.stdout


@pytest.mark.parametrize(
    ("args", "env", "says"),
    [
        (("serve", "--port", "99999"), {}, "--port must be at most 65535"),
        (("serve", "--unlimited", "--host", "0.0.0.0"), {}, "only for load tests on this machine"),
        (("serve", "--unlimited"), {"LIVESERVER_HOST": "::"}, "only for load tests on this machine"),
        (("serve", "--workers", "2", "--port", "0"), {}, "port can't be 0"),
        (("migrate",), {"LIVESERVER_PORT": "x"}, "LIVESERVER_PORT must be a whole number"),
        (("verify", "show_1"), {"LIVESERVER_CONFIG": "nowhere.toml"}, "can't be read"),
    ],
)
def test_wrong_settings_end_a_command_in_words(cli, args, env, says):
    result = cli(*args, **env)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_what_nobody_can_reach_is_said_with_a_cure(cli, tmp_path):
    nowhere = {
        "LIVESERVER_DATABASE_URL": f"postgresql://a:s3cret@/b?host={tmp_path}",
        "LIVESERVER_REDIS_URL": "unix:///nowhere",
    }
    result = cli("migrate", **nowhere)
    assert result.exit_code == 1
    assert "mend:" in result.stderr
    assert "s3cret" not in result.output


async def test_migrate_says_what_it_did_and_does_it_once(ask, empty_database_url, redis_url):
    urls = {"LIVESERVER_DATABASE_URL": empty_database_url, "LIVESERVER_REDIS_URL": redis_url}
    code, out, _ = await ask("migrate", "--check", **urls)
    assert code == 1
    assert "pending pre  0001_log" in out
    code, out, _ = await ask("migrate", **urls)
    assert code == 0
    assert "applied 0001_log" in out
    code, out, _ = await ask("migrate", **urls)
    assert (code, out.splitlines()) == (0, ["0 applied; the database has this release's tables."])
    code, out, _ = await ask("migrate", "--check", "--post", **urls)
    assert (code, out.splitlines()) == (0, ["0 pending, 0 of them for this command; nothing was changed."])

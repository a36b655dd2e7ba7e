"""Compiled templates are kept for the next start, and never stand in its way."""

import tempfile
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from storefront.web.compiled import kept


@pytest.fixture
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def how(tmp: Path) -> Path:
    """The file that says how templates are compiled."""
    (tmp / "render.py").write_text("as always")
    (tmp / "page.html").write_text("Hello {{ name }}")
    return tmp / "render.py"


class Start(Environment):
    """The templates of one start, and how many it had to compile."""

    def __init__(self, how: Path) -> None:
        super().__init__(loader=FileSystemLoader(how.parent), bytecode_cache=kept([how]))
        self.compiled = 0

    def _compile(self, source: str, filename: str):
        self.compiled += 1
        return super()._compile(source, filename)

    def says(self, name: str) -> str:
        return self.get_template("page.html").render(name=name)


def cached(tmp: Path) -> list[Path]:
    return sorted(tmp.glob("_jinja2-cache-*/*.cache"))


def test_the_second_start_compiles_nothing(how: Path):
    first, second = Start(how), Start(how)
    assert (first.says("Ana"), second.says("Bo")) == ("Hello Ana", "Hello Bo")
    assert (first.compiled, second.compiled) == (1, 0)


def test_a_changed_template_is_compiled_anew(how: Path):
    Start(how).says("Ana")
    how.with_name("page.html").write_text("Bye {{ name }}")
    assert Start(how).says("Ana") == "Bye Ana"


def test_with_another_way_to_compile_all_are(how: Path, tmp: Path):
    Start(how).says("Ana")
    how.write_text("with other extensions")
    later = Start(how)
    later.says("Ana")
    assert later.compiled == 1
    assert len(cached(tmp)) == 2


@pytest.mark.parametrize("left", [0, 3, 20, 60])
def test_one_that_was_cut_short_is_compiled_anew(how: Path, tmp: Path, left: int):
    Start(how).says("Ana")
    (file,) = cached(tmp)
    whole = file.read_bytes()
    file.write_bytes(whole[:left])
    assert Start(how).says("Ana") == "Hello Ana"
    assert file.read_bytes() == whole


def test_a_folder_that_others_may_enter_is_made_ours_or_not_used(how: Path, tmp: Path):
    Start(how).says("Ana")
    (folder,) = tmp.glob("_jinja2-cache-*")
    folder.chmod(0o777)
    assert Start(how).says("Ana") == "Hello Ana"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_without_a_folder_each_start_compiles(how: Path, tmp: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp / "gone"))
    starts = [Start(how), Start(how)]
    assert [(start.says("Ana"), start.compiled) for start in starts] == [("Hello Ana", 1)] * 2


def test_what_can_not_be_written_is_not_kept(how: Path, tmp: Path):
    start = Start(how)
    (folder,) = tmp.glob("_jinja2-cache-*")
    folder.rmdir()  # as a cleaner of temporary files does
    assert start.says("Ana") == "Hello Ana"
    assert cached(tmp) == []

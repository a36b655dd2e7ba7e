"""`liveserver config`: every setting, its value, and where it came from. Changes nothing, prints no secret."""

import json
import sys

import click

from liveserver.cli.say import EXIT_USAGE, fail
from liveserver.config import SETTINGS, Loaded, read


def run(*, as_json: bool, docs: bool) -> None:
    """Prints the settings; exits with 2 when something is wrong or a name is no setting's."""
    loaded = read()
    if as_json:
        click.echo(json.dumps(as_document(loaded), indent=2))
    else:
        for line in lines(loaded, docs=docs):
            click.echo(line)
    strays = [*loaded.wrong, *map(str, loaded.unknown)]
    for stray in strays:
        fail(stray)
    if strays:
        sys.exit(EXIT_USAGE)


def as_document(loaded: Loaded) -> dict[str, object]:
    """The settings for programs: shown values are texts, as the environment would hold them."""
    return {
        "file": str(loaded.file) if loaded.file else None,
        "settings": [
            {
                "name": name,
                "env": about.env,
                "section": about.section,
                "value": about.show(getattr(loaded.settings, name)),
                "default": about.show(about.default),
                "source": loaded.sources[name].kind,
                "where": loaded.sources[name].where,
                "unit": about.unit,
                "bounds": about.bounds(),
                "doc": about.doc,
            }
            for name, about in SETTINGS.items()
        ],
        "wrong": list(loaded.wrong),
        "unknown": [{"name": s.name, "where": s.where, "meant": s.meant} for s in loaded.unknown],
    }


def lines(loaded: Loaded, *, docs: bool) -> list[str]:
    """The settings for people, by section; what was changed from its default stands out."""
    wide = max(len(about.env) for about in SETTINGS.values())
    section, out = "", list[str]()
    for name, about in SETTINGS.items():
        if about.section != section:
            out += ([""] if section else []) + [click.style(about.section, bold=True)]
            section = about.section
        source = loaded.sources[name]
        value = about.show(getattr(loaded.settings, name))
        unit = f" {about.unit}" if about.unit and value else ""
        told = f"{value or '(empty)'}{unit}"
        row = f"  {about.env:<{wide}}  {told:<24}  {source}".rstrip()
        out.append(row if source.kind == "default" else click.style(row, fg="green"))
        if docs:
            bounds = f" [{about.bounds()}]" if about.bounds() else ""
            out.append(click.style(f"  {'':<{wide}}  {about.doc}{bounds}", dim=True))
    if loaded.file:
        out += ["", f"Settings file: {loaded.file}"]
    return out

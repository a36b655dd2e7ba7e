"""Static files under addresses that contain a hash of their content: cached for ever, compressed once at start.

There is no bundler: modules import each other by their plain paths, and the page's import map leads each to its hashed
address. A plain address works as well, with an ETag, for programs and for what style sheets refer to.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec
from aiohttp import web

FILE_BYTES_MAX = 2_000_000
"""Static files are kept in memory; a larger one is a mistake and stops the start."""
FOR_EVER = "public, max-age=31536000, immutable"
_SQUEEZED = (".css", ".js", ".svg", ".json", ".webmanifest", ".txt", ".html", ".map")
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
_IMPORT = re.compile(
    r"""(?:^|[;\s}])(?:import|export)\s*(?:[\w*{}\s,$]*?\bfrom\s*)?["'](?P<path>\.{1,2}/[^"']+)["']""",
    re.MULTILINE,
)

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("image/svg+xml", ".svg")
mimetypes.add_type("font/woff2", ".woff2")


class Asset(msgspec.Struct, frozen=True):
    """One static file."""

    path: str
    """As templates write it: `css/site.css`."""
    url: str
    """With the hash: `/static/css/site.0123456789.css`."""
    body: bytes
    squeezed: bytes | None
    """The gzip form where it is smaller."""
    content_type: str
    etag: str
    imports: tuple[str, ...]
    """Paths of the modules that this one imports by itself."""


class Assets:
    """All static files, read once."""

    def __init__(self, folder: Path) -> None:
        self._by_path = {asset.path: asset for asset in _read(folder)}
        self._by_name = {asset.url: (asset, FOR_EVER) for asset in self._by_path.values()}
        self._by_name |= {f"/static/{a.path}": (a, "no-cache") for a in self._by_path.values()}

    def url(self, path: str) -> str:
        """The hashed address of `css/site.css`. Raises KeyError for a file that isn't there: a template's mistake."""
        return self._by_path[path].url

    def at(self, path: str) -> Asset:
        """The file of that path. Raises KeyError when there is none."""
        return self._by_path[path]

    def __contains__(self, path: str) -> bool:
        return path in self._by_path

    def text(self, path: str) -> str:
        """A style sheet to be put into the page itself, without its comments. Raises KeyError as `url`."""
        return _COMMENT.sub("", self._by_path[path].body.decode()).strip()

    def import_map(self) -> dict[str, dict[str, str]]:
        """The import map: plain addresses of modules, and `@/…` for `js/…`, to hashed addresses."""
        imports: dict[str, str] = {}
        for path, asset in self._by_path.items():
            if path.endswith(".js"):
                imports[f"/static/{path}"] = asset.url
                imports["@/" + path.removeprefix("js/")] = asset.url
        return {"imports": imports}

    def needed_by(self, path: str) -> list[str]:
        """The hashed addresses of all modules that a module imports, so that the browser can fetch them at once."""
        found: dict[str, None] = {}
        waiting = [path]
        while waiting:
            for needed in self._by_path[waiting.pop()].imports:
                if needed in self._by_path and needed not in found and needed != path:
                    found[needed] = None
                    waiting.append(needed)
        return [self._by_path[needed].url for needed in found]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handler of `/static/{name}`."""
        found = self._by_name.get(request.path)
        if found is None:
            raise web.HTTPNotFound
        asset, caching = found
        return send(request, asset.body, asset.squeezed, asset.content_type, asset.etag, caching)


def send(
    request: web.Request,
    body: bytes,
    squeezed: bytes | None,
    content_type: str,
    etag: str,
    caching: str,
) -> web.Response:
    """An answer from memory: 304 when the client has it, compressed when the client can read that."""
    headers = {"Cache-Control": caching, "ETag": f'"{etag}"'}
    if squeezed is not None:
        headers["Vary"] = "Accept-Encoding"
    held = request.headers.get("If-None-Match", "")
    # Weak comparison (RFC 9110, 13.1.2): a proxy may have marked the tag as weak.
    if etag in {tag.strip().removeprefix("W/").strip('"') for tag in held.split(",")}:
        return web.Response(status=304, headers=headers)
    if squeezed is not None and accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        body = squeezed
    headers["Content-Type"] = content_type
    return web.Response(body=body, headers=headers)


def accepts_gzip(request: web.Request) -> bool:
    """Whether Accept-Encoding lists gzip and does not rule it out."""
    for offer in request.headers.get("Accept-Encoding", "").split(","):
        coding, _, weight = offer.strip().partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def squeeze(body: bytes) -> bytes | None:
    """The gzip form if it saves anything worth it. Without a time in it: equal files give equal bytes."""
    small = gzip.compress(body, 9, mtime=0)
    return small if len(small) < len(body) * 0.95 else None


def _read(folder: Path) -> Iterator[Asset]:
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.name.startswith("."):
            continue
        body = file.read_bytes()
        assert len(body) <= FILE_BYTES_MAX, f"{file.name} is too large to be kept in memory"
        path = file.relative_to(folder).as_posix()
        digest = hashlib.sha256(body).hexdigest()[:12]
        stem, dot, ending = path.rpartition(".")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind in {"application/json", "application/manifest+json"}:
            kind += "; charset=utf-8"
        yield Asset(
            path,
            f"/static/{stem}.{digest}{dot}{ending}",
            body,
            squeeze(body) if file.suffix in _SQUEEZED else None,
            kind,
            digest,
            tuple(_imports(path, body.decode())) if file.suffix == ".js" else (),
        )


def _imports(path: str, text: str) -> Iterator[str]:
    """The paths of a module's static imports, as `js/live/view.js`."""
    for found in _IMPORT.finditer(text):
        parts: list[str] = []
        for part in (PurePosixPath(path).parent / found.group("path")).parts:
            if part == ".." and parts:
                parts.pop()
            elif part != ".":
                parts.append(part)
        yield "/".join(parts)

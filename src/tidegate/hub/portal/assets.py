"""The portal's built files, read once at start: nothing a request says becomes a path."""

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Where the build puts the files; not there in a checkout that was never built."""

INDEX = "/index.html"

_HASHED = re.compile(r"/assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+")
"""Names that change with their content may be kept for ever."""

_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    gzipped: bytes | None
    """The same, compressed by the build; None where that saves nothing."""
    media_type: str
    hashed: bool


def load_assets(folder: Path) -> dict[str, Asset]:
    """Return the files below `folder` by the path they are asked for; none if it was not built."""
    if not (folder / INDEX.lstrip("/")).is_file():
        return {}
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        f"/{path.relative_to(folder).as_posix()}": _load(path, folder)
        for path in files
        if path.suffix != ".gz" and not path.name.startswith(".")
    }


def _load(path: Path, folder: Path) -> Asset:
    gzipped = path.with_name(path.name + ".gz")
    name = f"/{path.relative_to(folder).as_posix()}"
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return Asset(
        body=path.read_bytes(),
        gzipped=gzipped.read_bytes() if gzipped.is_file() else None,
        media_type=media_type or "application/octet-stream",
        hashed=_HASHED.fullmatch(name) is not None,
    )

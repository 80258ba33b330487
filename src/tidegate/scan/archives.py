"""Lists the Java archives in an OCI layout: run confined, beside the scanner.

Started as `python -I -S archives.py LAYOUT OUTPUT`, a script of its own. Trivy leaves archives out
that it does not know; this list shows which. Names come from the layers' tar headers, with
whiteouts applied (image-spec, "Layer", "Whiteouts").
"""

import json
import pathlib
import sys
import tarfile

SUFFIXES = (".jar", ".war", ".ear", ".par")
MAX_NAMES = 100_000
"""Archives listed of one image."""


def main(layout: pathlib.Path, output: pathlib.Path) -> None:
    """Write the archives of the one image in `layout` to `output`, as JSON."""
    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads(_blob(layout, index["manifests"][0]["digest"]).read_bytes())
    found: set[str] = set()
    unread = 0
    for layer in manifest["layers"]:
        try:
            _apply(_blob(layout, layer["digest"]), found)
        except (tarfile.TarError, OSError, EOFError):
            unread += 1  # of a packing that is not known here, or broken: said, not hidden
    names = sorted(found)[:MAX_NAMES]
    output.write_text(json.dumps({"archives": names, "unread_layers": unread}))


def _blob(layout: pathlib.Path, digest: str) -> pathlib.Path:
    algorithm, _, encoded = digest.partition(":")
    return layout / "blobs" / algorithm / encoded


def _apply(layer: pathlib.Path, found: set[str]) -> None:
    removed: set[str] = set()
    added: set[str] = set()
    with tarfile.open(layer, "r|*") as archive:
        for entry in archive:
            path = entry.name.removeprefix("./").strip("/")
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                removed.add(folder)
            elif name.startswith(".wh."):
                removed.add(f"{folder}/{name[4:]}".strip("/"))
            elif entry.isreg() and name.lower().endswith(SUFFIXES):
                added.add(path)
            archive.members.clear()  # type: ignore[attr-defined]  # headers of a large layer pile up
    gone = {p for p in found if any(p == r or p.startswith(f"{r}/") for r in removed)}
    found -= gone
    found |= added


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

"""Makes databases for Trivy and Grype from OSV records: `databases.py OUT PROGRAMS SOURCE…`.

`OUT/trivy` becomes a cache folder for Trivy, `OUT/grype` one for Grype. Both tools fetch theirs
from the internet; with these the real programs run without it, and know what the records say.
`PROGRAMS` holds the built `trivydb` and `grypedb`; a source is a folder of records, a file or an
OSV dump.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from grype_results import UPDATED, Provider, providers_of
from osv_records import Record, read_records
from trivy_entries import entries_of

_SCHEMAS = "https://raw.githubusercontent.com/anchore/vunnel/main/schema/vulnerability"


def main(out: Path, programs: Path, *sources: Path) -> None:
    """Write both databases."""
    records = [record for source in sources for record in read_records(source)]
    write_trivy(records, out / "trivy" / "db", programs)
    write_grype(records, out / "grype" / "6", programs)


def write_trivy(records: list[Record], folder: Path, programs: Path) -> None:
    """Write Trivy's database."""
    folder.mkdir(parents=True)
    entries = json.dumps(list(entries_of(records))).encode()
    subprocess.run([programs / "trivydb", folder / "trivy.db"], input=entries, check=True)  # noqa: S603
    times = {"UpdatedAt": UPDATED, "DownloadedAt": UPDATED, "NextUpdate": "2099-01-01T00:00:00Z"}
    (folder / "metadata.json").write_text(json.dumps({"Version": 2, **times}))


def write_grype(records: list[Record], folder: Path, programs: Path) -> None:
    """Let Grype's own code build its database."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="tidegate-vunnel-") as work:
        providers = [write_provider(Path(work), each) for each in providers_of(records)]
        subprocess.run([programs / "grypedb", folder, *providers], check=True)  # noqa: S603


def write_provider(work: Path, provider: Provider) -> Path:
    """Write a provider's items in the form of anchore/vunnel, and what `grypedb` is told of it."""
    name, (schema, version), items = provider
    folder = work / name
    url = f"{_SCHEMAS}/{schema}.json"
    for number, (identifier, item) in enumerate(items.items()):
        file = folder / "results" / f"{number}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"schema": url, "identifier": identifier, "item": item}))
    described = {
        "provider": name,
        "version": version,
        "timestamp": UPDATED,
        "schema": {"version": schema.rpartition("-")[2], "url": url},
    }
    (folder / "provider.json").write_text(json.dumps(described))
    return folder


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

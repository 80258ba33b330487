"""`tidegate advisories`: the advisory index that scans are matched against."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from tidegate.advisories.demo import SOURCE as DEMO_SOURCE
from tidegate.advisories.demo import demo_set, with_demo_set
from tidegate.advisories.importer import ImportResult, import_advisories
from tidegate.advisories.index import INDEX_FILE, AdvisoryIndex, EcosystemSource
from tidegate.cli import verb
from tidegate.cli.context import World, world_of
from tidegate.cli.moments import render_moment
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_data,
    print_items,
    print_line,
    print_note,
    print_table,
)
from tidegate.cli.progress import progress_count

MAX_REJECTED_SHOWN = 20
"""Rejected records named; all are counted, and `-o json` has up to a thousand names."""

app = verb.group("Advisories that images are matched against: import, status.")


@app.command("import")
def import_(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="OSV records: a file, a folder, a ZIP archive or an https URL."
        ),
    ],
    whole: Annotated[
        str,
        typer.Option(
            "--whole",
            metavar="ECOSYSTEM",
            help="SOURCE is a whole dump of this ecosystem: remove its records that SOURCE lacks.",
        ),
    ] = "",
    output: OutputOption = Format.TABLE,
) -> None:
    """Import OSV records; one bad record is named and counted, and never stops the rest.

    Only what changed is written. An ecosystem's first import ends the use of the demo set for this
    ecosystem.
    """
    world = world_of(context)
    file = _index_file(world)
    file.parent.mkdir(parents=True, exist_ok=True)
    if "://" in source:
        print_note("downloading; the records are counted once all of them are here")
    with AdvisoryIndex.open(file) as index, progress_count("records") as progress:
        result = import_advisories(index, source, now=world.now(), whole=whole, progress=progress)
    if output is not Format.TABLE:
        print_data(_result_data(result), output)
        return
    for name, why in result.rejected[:MAX_REJECTED_SHOWN]:
        print_note(f"rejected {name}: {why}")
    if result.rejected_count > MAX_REJECTED_SHOWN:
        print_note(f"and {result.rejected_count - MAX_REJECTED_SHOWN} more")
    counts = {
        "imported": result.imported,
        "unchanged": result.unchanged,
        "withdrawn": result.withdrawn,
        **({"removed": result.removed} if whole else {}),
        "rejected": result.rejected_count,
    }
    print_line(", ".join(f"{name}: {count}" for name, count in counts.items()))


@app.command("status")
def status(context: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """Show where each ecosystem's advisories come from and how old they are."""
    world = world_of(context)
    every, now = _sources(world), world.now()
    if output is not Format.TABLE:
        print_items([_source_data(each, now) for each in every], output)
        return
    sources = [each for each in every if each.matched]
    print_table(
        ("ECOSYSTEM", "SOURCE", "RECORDS", "NEWEST RECORD", "AGE", "IMPORTED"),
        (
            (
                each.ecosystem,
                each.name,
                str(each.record_count),
                render_moment(each.updated_at),
                f"{_age(each, now).days}d",
                "" if each.name == DEMO_SOURCE else render_moment(each.imported_at),
            )
            for each in sources
        ),
    )
    if others := len(every) - len(sources):
        print_note(
            f"and {others} more, of ecosystems and products of which no package is recognised"
        )
    if any(each.name == DEMO_SOURCE for each in sources):
        print_note(
            "The demo set knows a few vulnerabilities only; import real advisories with "
            "`tidegate advisories import`."
        )


def _sources(world: World) -> tuple[EcosystemSource, ...]:
    return sources_in(_index_file(world))


def sources_in(file: Path) -> tuple[EcosystemSource, ...]:
    """Return where the advisories in the index `file` come from, the demo set's included."""
    if not file.exists():
        return demo_set().sources()
    with AdvisoryIndex.open(file) as index:
        return with_demo_set(index).sources()


def _index_file(world: World) -> Path:
    return world.folder().root / "scan" / INDEX_FILE


def _result_data(result: ImportResult) -> dict[str, object]:
    return {
        "imported": result.imported,
        "unchanged": result.unchanged,
        "withdrawn": result.withdrawn,
        "removed": result.removed,
        "rejectedCount": result.rejected_count,
        "rejected": [{"name": name, "reason": why} for name, why in result.rejected],
    }


def _age(source: EcosystemSource, now: datetime) -> timedelta:
    """Return how long ago the newest record was modified."""
    return max(now - source.updated_at, timedelta())


def _source_data(source: EcosystemSource, now: datetime) -> dict[str, object]:
    return {
        "ecosystem": source.ecosystem,
        "source": source.name,
        "demoSet": source.name == DEMO_SOURCE,
        "recordCount": source.record_count,
        "matched": source.matched,
        "updatedAt": render_moment(source.updated_at),
        "ageDays": _age(source, now).days,
        "importedAt": render_moment(source.imported_at),
    }

"""Plays the recovery matrix: `python -m recovery [--write] [ROW …]`, from `make recovery`.

Each row is one line of the table. The exit code is 1 where a cluster did not come up by itself, a bad
pod was admitted, or a review failed in an upgrade.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from recovery import rows
from recovery.rows import Outcome
from recovery.world import OTHER_TAG, RELEASE, ROOT, World, installed_world, new_world
from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.kubernetes import KubePrograms, find_programs

PAGE = ROOT / "docs" / "explanation" / "recovery.md"
BEGIN, END = "<!-- recovery: begin -->\n", "<!-- recovery: end -->\n"

OTHER = "ff39ed8"
"""The version that is upgraded from and rolled back to where no release is tagged yet."""

Row = Callable[[World], Awaitable[Outcome]]
Maker = Callable[[Path, KubePrograms], AbstractAsyncContextManager[World]]


@dataclass
class Played:
    """What was played."""

    outcomes: list[Outcome] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def matrix(other: Path | None) -> list[tuple[str, Maker, list[tuple[str, Row]]]]:
    """Return the worlds with their rows, each by its name."""

    async def to_this(world: World) -> Outcome:
        words = f"upgrade from {OTHER} to this version, chart, gates and agent, under load"
        return await rows.upgrade(world, words, world.install)

    async def back(world: World) -> Outcome:
        words = f"rollback to {OTHER}, under load"
        return await rows.upgrade(world, words, lambda: world.helm("rollback", RELEASE, "1"))

    async def again(world: World) -> Outcome:
        outcome = await rows.upgrade(world, "upgrade again, under load", world.install)
        del world.site.sources[OTHER_TAG]
        return outcome

    def order(names: tuple[str, ...]) -> Row:
        return lambda world: rows.start_in_order(world, names)

    def lose(which: str) -> Row:
        return lambda world: rows.lose(world, which)

    def clocks(hours: int) -> Row:
        return lambda world: rows.clocks_jump(world, hours)

    def made(folder: Path, kube: KubePrograms) -> AbstractAsyncContextManager[World]:
        return installed_world(folder, kube, other)

    upgrades: list[tuple[str, Row]] = [("upgrade", to_this), ("rollback", back), ("again", again)]
    return [
        ("new", new_world, [("kinds-late", rows.kinds_come_late)]),
        (
            "installed",
            made,
            [
                *(upgrades if other else []),
                *(("order", order(names)) for names in rows.orders()),
                *((f"lose-{which.replace(' ', '-')}", lose(which)) for which in rows.LOST),
                ("no-gate", rows.needed_without_gates),
                ("control-plane", rows.control_plane_crashes),
                *((f"clock{hours:+d}h", clocks(hours)) for hours in (24, -24, 2400)),
                ("database", rows.hub_database_restored),
                ("uninstall", rows.uninstalled),
            ],
        ),
    ]


async def play(names: Sequence[str], kube: KubePrograms, folder: Path) -> Played:
    """Play the rows named, or all."""
    other = other_version(folder / "other")
    played = Played()
    if other is None:
        played.skipped.append(f"upgrade and rollback (commit {OTHER} is not in this history)")
    for title, make, listed in matrix(other):
        chosen = [(name, row) for name, row in listed if not names or name in names]
        if not chosen:
            continue
        say(f"recovery: a world: {title}")
        place = folder / title
        place.mkdir()
        try:
            async with make(place, kube) as world:
                for name, row in chosen:
                    outcome = await row(world)
                    say(f"  {name}: {outcome}")
                    played.outcomes.append(outcome)
                    if outcome.broken:
                        played.broken.append(f"{outcome.words}: {outcome.broken}")
        except AssertionError as error:
            # What comes after it in this world would tell of this one.
            played.broken.append(f"{title}: {str(error)[:2000]}")
            say(f"  BROKEN: {error}")
    return played


def other_version(target: Path) -> Path | None:
    """Unpack another version of the code into `target`; None where the history lacks it."""
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", OTHER, "src", "charts"], capture_output=True, check=False
    )
    if archive.returncode:
        return None
    target.mkdir()
    subprocess.run(["tar", "-x", "-C", target], input=archive.stdout, check=True)
    return target


def table(played: Played) -> str:
    """Return what the page shows."""
    revision = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    when, load = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", os.getloadavg()[1]
    lines = [
        f"Played {when} at {revision}, {os.cpu_count()} cores, load average {load:.1f} (5 min).\n",
        "| what happened | s until right | looks | refused meanwhile | bad pods admitted | hand needed | besides |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {o.words} | {o.seconds:.1f} | {o.reviews} | {o.refused} | {o.let_in} | {o.hand} | {o.note} |"
            for o in played.outcomes
        ),
        "",
    ]
    if played.broken:
        lines += ["What did not hold:", "", *(f"- {each}" for each in played.broken), ""]
    if played.skipped:
        lines += [f"Not played: {'; '.join(played.skipped)}.", ""]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put `text` between the marks of the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    say(f"written: {PAGE}")


def say(line: str) -> None:
    """Tell a person what goes on; standard output is for the table."""
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Play what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = sorted({name for *_, listed in matrix(Path()) for name, _ in listed})
    parser.add_argument("row", nargs="*", help=", ".join(names))
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    asked = parser.parse_args()
    if unknown := set(asked.row) - set(names):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    try:
        kube = find_programs(os.environ)
    except ClusterUnavailableError as error:
        parser.error(f"NO REAL API SERVER: {error}")
    with tempfile.TemporaryDirectory(prefix="tidegate-recovery-") as folder:
        played = asyncio.run(play(asked.row, kube, Path(folder)))
    text = table(played)
    sys.stdout.write(text)
    if asked.write:
        write(text)
    return 1 if played.broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""The processes of one gate: which folder each has, and what another number of them left behind.

One process uses the data folder itself; several have `process-0`, `process-1`, … in it, each with a
spool and memory of its own, for these are not for two. Whoever starts takes over what processes
left that will not come back: their spools are delivered, and what they remembered is remembered.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import structlog

from tidegate.evidence.memory import ReportMemory
from tidegate.gate.settings import Settings
from tidegate.gate.spool import adopt_spool

MEMORY = "reports.jsonl"

KEPT = ("policy", "feed")
"""What a gate keeps besides: that of each process may stand in for another's."""

log = structlog.get_logger(__name__)


def member_folder(data_dir: Path, index: int) -> Path:
    """Return the folder of process `index`."""
    return data_dir / f"process-{index}"


def member_settings(
    settings: Settings, index: int, port: int, metrics_port: int | None
) -> Settings:
    """Return the settings of process `index` of several, which share the ports."""
    return replace(
        settings,
        data_dir=member_folder(settings.data_dir, index),
        port=port,
        metrics_port=metrics_port,
        spool_max_mib=max(1, settings.spool_max_mib // settings.processes),
    )


def take_over(data_dir: Path, processes: int) -> None:
    """Make `data_dir` ready for so many processes; nobody else may use it meanwhile."""
    if processes == 1:
        used, left = [data_dir], _members(data_dir)
    else:
        used = [member_folder(data_dir, index) for index in range(processes)]
        left = [data_dir, *(each for each in _members(data_dir) if each not in used)]
    for folder in used:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in left:
        adopted = adopt_spool(old / "spool", used[0] / "spool")
        if adopted:
            log.info("events of an earlier process are taken over", segments=adopted)
    _join_memories([folder / MEMORY for folder in used], [folder / MEMORY for folder in left])
    for name in KEPT:
        _share(name, used, left)
    for old in left:
        if old != data_dir:
            shutil.rmtree(old)


def _members(data_dir: Path) -> list[Path]:
    return sorted(each for each in data_dir.glob("process-*") if each.is_dir())


def _join_memories(used: list[Path], left: list[Path]) -> None:
    """Let each of `used` remember what any of them did: an older report must not count again."""
    if len(used) + sum(path.exists() for path in left) < 2:
        return
    memories = [ReportMemory(path) for path in used]
    others = [ReportMemory(path) for path in left if path.exists()]
    for memory in memories:
        for other in (*memories, *others):
            memory.remember(other.all_rows())
    for path in left:
        path.unlink(missing_ok=True)


def _share(name: str, used: list[Path], left: list[Path]) -> None:
    """Give each of `used` the newest of what is remembered under `name`, unless it has its own.

    What is left behind and newer than all counts before them: others were in use since.
    """
    kept = [folder / name for folder in used if (folder / name).exists()]
    old = [folder / name for folder in left if (folder / name).exists()]
    newest = max([*kept, *old], key=_changed_at, default=None)
    if newest is None:
        return
    for folder in used:
        mine = folder / name
        if mine.exists() and (mine == newest or newest in kept):
            continue
        _replace(newest, mine)
    for each in old:
        _remove(each)


def _changed_at(path: Path) -> int:
    return max(each.stat().st_mtime_ns for each in (path, *path.rglob("*")))


def _replace(source: Path, target: Path) -> None:
    fresh = target.with_name(f"{target.name}.taken-over")
    _remove(fresh)
    if source.is_dir():
        shutil.copytree(source, fresh)
    else:
        shutil.copy2(source, fresh)
    _remove(target)
    fresh.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

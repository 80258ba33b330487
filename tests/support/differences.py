"""The differences between the scanners: what explains each, and the page that lists them."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from support.mixed_images import Mix
from support.scanner_comparison import TOOLS, Reported, Sighting, plain

EXPLANATIONS = Path(__file__).parents[1] / "golden" / "scanners" / "differences.toml"
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "differences.md"


@dataclass(frozen=True)
class Explanation:
    """Why the tools differ about some vulnerabilities."""

    name: str
    set: str
    reports: tuple[str, ...]
    images: tuple[str, ...]
    packages: tuple[str, ...]
    right: str
    why: str

    def covers(self, sighting: Sighting, tools: frozenset[str]) -> bool:
        return (
            tools == frozenset(self.reports)
            and _any(sighting.image, self.images)
            and _any(sighting.package, self.packages)
        )


def _any(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def explanations(name: str) -> list[Explanation]:
    """Return the explanations for one set of records."""
    entries = tomllib.loads(EXPLANATIONS.read_text("utf-8"))["difference"]
    lists = ("reports", "images", "packages")
    made = [Explanation(**{**e, **{key: tuple(e[key]) for key in lists}}) for e in entries]
    return [each for each in made if each.set == name]


def differences(reported: Reported) -> Reported:
    """Return what some tools report and others do not."""
    return {s: tools for s, tools in reported.items() if len(tools) < len(TOOLS)}


def unexplained(reported: Reported, known: Sequence[Explanation]) -> list[str]:
    """Return the differences that not exactly one explanation covers, in words."""
    found = []
    for sighting, tools in differences(reported).items():
        names = [each.name for each in known if each.covers(sighting, tools)]
        if len(names) != 1:
            what = f"{sighting.image} {sighting.package} {sighting.vulnerability}"
            found.append(f"{what}: only {', '.join(sorted(tools))}; explained by {names}")
    return found


def unneeded(reported: Reported, known: Sequence[Explanation]) -> list[str]:
    """Return the names of explanations that explain nothing any more."""
    odd = differences(reported).items()
    return [e.name for e in known if not any(e.covers(s, tools) for s, tools in odd)]


def render(
    name: str, reported: Reported, known: Sequence[Explanation], mixes: Sequence[Mix]
) -> str:
    """Return the generated part of the page about one set of records."""
    parts = [_counts(reported), _explained(reported, known)]
    if name == "table":
        parts += [_by_row(reported, mixes), _everything(reported)]
    return "\n".join(parts)


def _counts(reported: Reported) -> str:
    images = sorted({sighting.image for sighting in reported})
    counted = Counter(tools for tools in reported.values())
    lines = ["| reported by | findings |", "|---|---|"]
    for tools, count in sorted(counted.items(), key=lambda item: (-item[1], sorted(item[0]))):
        lines.append(f"| {_named(tools)} | {count} |")
    return f"{len(reported)} findings in {len(images)} images:\n\n" + "\n".join(lines) + "\n"


def _explained(reported: Reported, known: Sequence[Explanation]) -> str:
    lines = []
    for each in known:
        found = [s for s, tools in differences(reported).items() if each.covers(s, tools)]
        places = Counter(f"`{s.package}` in `{s.image}`" for s in found)
        shown = "; ".join(f"{place} ({count})" for place, count in sorted(places.items()))
        lines.append(
            f"- **{each.name}**: only {_named(frozenset(each.reports))}, {len(found)} findings."
            f" Right: {each.right}. {each.why}\n  In {shown}."
        )
    return "\n".join(lines) + "\n"


def _by_row(reported: Reported, mixes: Sequence[Mix]) -> str:
    """Count how many rows of the frozen table each tool answers as the table does."""
    rows = [(mix.name, row) for mix in mixes for row in mix.rows]
    lines = [f"Of the {len(rows)} rows of the frozen table, answered as it does:\n"]
    lines += ["| tool | rows |", "|---|---|"]
    for tool in TOOLS:
        right = 0
        for image, row in rows:
            seen = Sighting(image, plain(row.package, row.version), row.advisory.upper())
            right += (tool in reported.get(seen, frozenset())) is (row.affected == "yes")
        lines.append(f"| {tool.capitalize()} | {right} |")
    return "\n".join(lines) + "\n"


def _everything(reported: Reported) -> str:
    lines = ["| image | package | vulnerability | reported by |", "|---|---|---|---|"]
    for sighting, tools in reported.items():
        who = "all" if len(tools) == len(TOOLS) else f"**{_named(tools)}**"
        lines.append(
            f"| {sighting.image} | `{sighting.package}` | {sighting.vulnerability} | {who} |"
        )
    return "\n".join(lines) + "\n"


def _named(tools: frozenset[str]) -> str:
    return ", ".join(tool.capitalize() for tool in TOOLS if tool in tools)


def markers(name: str) -> tuple[str, str]:
    """Return what stands before and after a generated part."""
    return f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"


def part_of_page(name: str) -> str:
    """Return what the page says about one set of records."""
    begin, end = markers(name)
    return PAGE.read_text("utf-8").partition(begin)[2].partition(end)[0]


def rewrite_page(name: str, text: str) -> None:
    """Put a generated part into the page."""
    begin, end = markers(name)
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}{text}{end}{after}", "utf-8")

"""OSV records as the databases of Trivy and Grype want them: read, and put into their terms.

Written apart from Tidegate's own reading of OSV on purpose: where the two understand a record
differently, the comparison of the scanners shows it.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cvss import CVSS3

Record = dict[str, Any]

LEVELS = ("Unknown", "Low", "Medium", "High", "Critical")
_WORDS = {"moderate": "Medium", "important": "High"}
_MODULE = re.compile(r"\b([\w.-]+:[\w.-]+) ")
"""The stream of a module in a summary: `Important: nodejs:20 security update`."""


def read_records(source: Path) -> Iterator[Record]:
    """Yield the records in a folder, a JSON file with one or a list of them, or an OSV dump."""
    if source.is_dir():
        for file in sorted(source.glob("*.json")):
            yield from read_records(file)
    elif source.suffix == ".zip":
        with zipfile.ZipFile(source) as dump:
            for name in sorted(dump.namelist()):
                yield json.loads(dump.read(name))
    else:
        read = json.loads(source.read_bytes())
        yield from read if isinstance(read, list) else [read]


def system_of(affected: Record) -> tuple[str, str]:
    """Return the ecosystem and what stands after its first colon."""
    system, _, release = affected["package"]["ecosystem"].partition(":")
    return system, release


def cves_of(record: Record) -> list[str]:
    """Return the CVEs that a record is about; its own id where it names none.

    AlmaLinux alone names what an update fixes as related; elsewhere that is another flaw.
    """
    fields = ("aliases", "upstream", *(("related",) if record["id"].startswith("AL") else ()))
    named = [record["id"], *(i for field in fields for i in record.get(field) or ())]
    return list(dict.fromkeys(i for i in named if i.startswith("CVE-"))) or [record["id"]]


def score_of(record: Record) -> tuple[str, float, int]:
    """Return CVSS vector, score and level; an empty vector where the record has none."""
    for severity in record.get("severity", []):
        if severity["type"] == "CVSS_V3":
            score = float(CVSS3(severity["score"]).base_score)
            level = 4 if score >= 9 else 3 if score >= 7 else 2 if score >= 4 else 1
            return severity["score"], score, level
    word = record.get("database_specific", {}).get("severity", "")
    name = _WORDS.get(word.lower(), word.capitalize())
    return "", 0.0, LEVELS.index(name) if name in LEVELS else 0


def spans_of(affected: Record) -> Iterator[tuple[str, str, str]]:
    """Yield each range as (from, fixed, last affected); an empty end where there is none.

    Commits are no versions: their ranges are passed over.
    """
    for ranges in affected.get("ranges", []):
        if ranges.get("type") == "GIT":
            continue
        start = ""
        for event in ranges["events"]:
            if "introduced" in event:
                start = event["introduced"]
            elif "fixed" in event or "last_affected" in event:
                yield start, event.get("fixed", ""), event.get("last_affected", "")
                start = ""
        if start:
            yield start, "", ""


def module_of(record: Record, fixed: str) -> str:
    """Return the module's stream that a fix was built for; empty for a package of no module."""
    if ".module" not in fixed:
        return ""
    found = _MODULE.search(record.get("summary", ""))
    return found[1] if found else ""


def release_of(system: str, release: str) -> str:
    """Return a release as both tools write it: `22.04`, `3.17`, `15.6`; extended support apart."""
    match system:
        case "Ubuntu":
            found = re.fullmatch(r"(Pro:)?(\d\d\.\d\d)(?::LTS)?", release)
            return f"{found[2]}{'-ESM' if found[1] else ''}" if found else ""
        case "Alpine":
            return release.removeprefix("v")
        case "SUSE":
            found = re.search(r"(\d+)(?: SP(\d+))?$", release)
            return ".".join(filter(None, found.groups())) if found else ""
        case "openSUSE":
            return release.removeprefix("Leap ")
        case _:
            return release

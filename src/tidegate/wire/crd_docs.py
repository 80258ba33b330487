"""The tables of docs/reference/policy-object.md, generated from the same texts as the CRD."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tidegate.wire.crd_fields import CEL, FIELDS

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"

TITLES = {
    "SpecV1": "spec",
    "RuleV1": "A rule: spec.vulnerabilityAssessmentGatedDeployment[]",
    "ScopeEntryV1": "A scope entry: scope[]",
    "ConfigurationV1": "Conditions and exemptions: configuration",
    "MaxAllowedSeveritiesV1": "Thresholds: configuration.maxAllowedSeverities",
    "ExemptionV1": "An exemption: configuration.exemptions[]",
    "TimeBoundV1": "The end of an exemption: timeBound",
    "StatusV1": "status",
}


def render_tables() -> str:
    """Return the generated part of the page, markers included."""
    return "\n".join([BEGIN, *_sections(), END])


def replace_tables(page: str) -> str:
    """Return `page` with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{render_tables()}{after}"


def _sections() -> Iterator[str]:
    for struct, title in TITLES.items():
        yield f"### {title}\n\n| field | meaning |\n|---|---|"
        for name, text in FIELDS[struct].items():
            yield f"| `{name}` | {text.removeprefix(name).strip()} |"
        for _, message in CEL.get(struct, ()):
            yield f"\nRefused by the API server: *{message}*."
        yield ""


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(replace_tables(page.read_text()))

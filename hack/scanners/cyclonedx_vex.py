"""Writes a CycloneDX VEX document with a library: `cyclonedx_vex.py LIBRARY REPORT`.

Runs in an environment of its own, made by `samples_elsewhere.py`. Of the findings of a report of
Trivy it says in turn: not affected with a reason, resolved, exploitable, in triage, false positive.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STATES = ("not_affected", "resolved", "exploitable", "in_triage", "false_positive")
LIMIT = 10


def findings(report: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the first findings of a report with what is to be said of each."""
    read = json.loads(report.read_bytes())
    every = [v for result in read["Results"] for v in result.get("Vulnerabilities", ())]
    for number, found in enumerate(every[:LIMIT]):
        yield found, STATES[number % len(STATES)]


def by_cyclonedx_python_lib(report: Path) -> str:
    """Return the document that OWASP's library writes."""
    from cyclonedx.model.bom import Bom  # noqa: PLC0415 - of two libraries one is wanted
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from cyclonedx.model.impact_analysis import (  # noqa: PLC0415
        ImpactAnalysisJustification,
        ImpactAnalysisState,
    )
    from cyclonedx.model.vulnerability import (  # noqa: PLC0415
        BomTarget,
        Vulnerability,
        VulnerabilityAnalysis,
    )
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    bom = Bom()
    bom.metadata.component = Component(name="demo/app", type=ComponentType.CONTAINER, bom_ref="app")
    for found, state in findings(report):
        purl = PackageURL.from_string(found["PkgIdentifier"]["PURL"])
        ref = purl.to_string()
        if not any(component.bom_ref.value == ref for component in bom.components):
            bom.components.add(
                Component(name=purl.name, version=purl.version, purl=purl, bom_ref=ref)
            )
        reason = ImpactAnalysisJustification.CODE_NOT_REACHABLE
        analysis = VulnerabilityAnalysis(
            state=ImpactAnalysisState(state),
            justification=reason if state in {"not_affected", "false_positive"} else None,
            detail="looked at by hand",
        )
        bom.vulnerabilities.add(
            Vulnerability(
                id=found["VulnerabilityID"], analysis=analysis, affects=[BomTarget(ref=ref)]
            )
        )
    return str(JsonV1Dot6(bom).output_as_string(indent=1))


def by_lib4vex(report: Path) -> str:
    """Return the document that lib4vex writes."""
    from lib4sbom.data.vulnerability import Vulnerability  # noqa: PLC0415
    from lib4vex.generator import VEXGenerator  # noqa: PLC0415

    said = []
    for found, state in findings(report):
        entry = Vulnerability(validation="cyclonedx")
        entry.initialise()
        entry.set_name(found["PkgName"])
        entry.set_release(found["InstalledVersion"])
        entry.set_id(found["VulnerabilityID"])
        entry.set_status(state)
        entry.set_value("purl", found["PkgIdentifier"]["PURL"])
        if state in {"not_affected", "false_positive"}:
            entry.set_value("justification", "code_not_reachable")
        said.append(entry.get_vulnerability())
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "vex.json")
        generator = VEXGenerator(vex_type="cyclonedx", author="Example Inc")
        generator.set_product(name="demo/app", release="1.0", sbom="")
        generator.generate(
            project_name="demo/app", vex_data=said, metadata={"bom_version": "1"}, filename=str(out)
        )
        return out.read_text()


if __name__ == "__main__":
    write = {"cyclonedx-python-lib": by_cyclonedx_python_lib, "lib4vex": by_lib4vex}[sys.argv[1]]
    print(write(Path(sys.argv[2])))  # noqa: T201 - a program's output

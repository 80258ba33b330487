"""Makes the sample reports in tests/samples by running the tools on the demo images.

`samples.py PROGRAMS` with the folder that `build.sh` made; Trivy is the virtual environment's.
Times and random ids in the reports change with each run, so review the difference.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tidegate.local.images import build_demo_images
from tidegate.scan.scanners.builtin import find_trivy, write_empty_java_index
from tidegate.testing.contracts import write_layout

SAMPLES = Path(__file__).parents[2] / "tests" / "samples"
IMAGES = ("clean", "high", "critical")


def main(programs: Path) -> None:
    """Write every sample that a tool can make."""
    images = {image.tag: image for image in build_demo_images()}
    with tempfile.TemporaryDirectory(prefix="tidegate-samples-") as folder:
        cache = Path(folder, "trivy-cache")
        shutil.copytree(programs / "databases" / "trivy", cache)
        shutil.copytree(programs / "databases" / "grype", Path(folder, "grype-db"))
        write_empty_java_index(cache)
        for tag in IMAGES:
            layout = Path(folder, tag)
            write_layout(images[tag], layout)
            run_trivy(cache, layout, tag)
            run_grype(programs, layout, tag)
            run_syft(programs, layout, tag)


def run_trivy(cache: Path, layout: Path, tag: str) -> None:
    """Write Trivy's JSON, SARIF, CycloneDX and cosign-vuln of an image."""
    for form in ("json", "sarif", "cyclonedx", "cosign-vuln"):
        run(
            str(find_trivy()), "--cache-dir", str(cache), "image", "--quiet", "--format", form,
            "--scanners", "vuln", "--offline-scan", "--skip-version-check", "--disable-telemetry",
            "--skip-db-update", "--skip-java-db-update", "--cache-backend", "memory",
            "-o", "report.json", "--input", layout.name, cwd=layout.parent,
        )  # fmt: skip
        keep(layout.parent, "trivy", f"{tag}.{form.removesuffix('-json')}")


def run_grype(programs: Path, layout: Path, tag: str) -> None:
    """Write Grype's JSON, SARIF and CycloneDX of an image."""
    config = layout.parent / "grype.yaml"
    database = {"cache-dir": "grype-db", "auto-update": False, "validate-age": False}
    config.write_text(json.dumps({"check-for-app-update": False, "db": database}))
    for form in ("json", "sarif", "cyclonedx-json"):
        run(
            str(programs / "grype"), "-q", "-c", config.name, "-o", f"{form}=report.json",
            f"oci-dir:{layout.name}", cwd=layout.parent,
        )  # fmt: skip
        keep(layout.parent, "grype", f"{tag}.{form.removesuffix('-json')}")


def run_syft(programs: Path, layout: Path, tag: str) -> None:
    """Write Syft's CycloneDX of an image."""
    run(
        str(programs / "syft"), "scan", "-q", "-o", "cyclonedx-json=report.json",
        f"oci-dir:{layout.name}", cwd=layout.parent,
    )  # fmt: skip
    keep(layout.parent, "syft", f"{tag}.cyclonedx")


def keep(folder: Path, tool: str, name: str) -> None:
    """Keep a report as it was written, but for where on this machine it was."""
    text = (folder / "report.json").read_text().replace(str(folder), "/demo")
    out = SAMPLES / tool / f"{name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    (folder / "report.json").unlink()


def run(*command: str, cwd: Path) -> None:
    """Run a tool to its end, away from its own updates."""
    environment = {"HOME": str(cwd), "PATH": "/usr/bin:/bin", "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    subprocess.run(command, check=True, cwd=cwd, env=environment)  # noqa: S603


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())

"""Every installed format, ours and others', keeps to the contract; nothing is left out."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from support.report_documents import MADE, body
from tidegate.formats.report import GROUP
from tidegate.plugins import BUILT_IN_FORMATS, load_formats
from tidegate.testing.contracts import check_format

SAMPLES = Path(__file__).parents[1] / "samples"
INSTALLED = sorted(entry_points(group=GROUP).names)
REAL = {
    "trivy": "trivy/critical.json.json",
    "grype": "grype/critical.json.json",
    "sarif": "trivy/critical.sarif.json",
    "cyclonedx": "trivy/critical.cyclonedx.json",
    "cosign-vuln": "trivy/critical.cosign-vuln.json",
}


def test_what_ships_is_installed() -> None:
    assert set(BUILT_IN_FORMATS) <= set(INSTALLED)


@pytest.mark.parametrize("name", INSTALLED)
def test_a_format_keeps_to_the_contract(name: str) -> None:
    check_format(load_formats((name,))[name], body(MADE[name]()), name)


@pytest.mark.parametrize("name", REAL)
def test_a_format_keeps_to_the_contract_with_what_its_tool_writes(name: str) -> None:
    report = check_format(load_formats((name,))[name], (SAMPLES / REAL[name]).read_bytes(), name)
    assert report.findings


def test_no_two_formats_read_one_predicate_type_or_recognise_one_document() -> None:
    formats = load_formats(INSTALLED)
    kinds = [kind for each in formats.values() for kind in each.predicate_types]
    assert len(kinds) == len(set(kinds))
    for name, make in MADE.items():
        head = {
            key: value if isinstance(value, str | int) else None for key, value in make().items()
        }
        found = [each.name for each in formats.values() if each.recognises(head)]
        assert found in ([name], []), name

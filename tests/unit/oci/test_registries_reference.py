"""docs/reference/registries.md names every setting, with its default where that is a number."""

from dataclasses import fields
from pathlib import Path

import pytest

from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig

PAGE = (Path(__file__).parents[3] / "docs/reference/registries.md").read_text()


@pytest.mark.parametrize("name", [field.name for field in fields(RegistryConfig)])
def test_every_setting_is_described(name: str) -> None:
    assert any(f"`{name}`" in line for line in PAGE.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("name", [field.name for field in fields(RegistryLimits)])
def test_every_limit_is_described_with_its_default(name: str) -> None:
    assert f"| `{name}` | {written(name, getattr(RegistryLimits(), name))} |" in PAGE


def written(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        size, unit = (2**20, "MiB") if value >= 2**20 else (2**10, "KiB")
        return f"{value / size:g} {unit}"
    return f"{value:,g}" if value < 10_000 else f"{value:,}"

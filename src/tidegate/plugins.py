"""Plug-ins by entry point: only names that settings give, loaded when they are asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from tidegate.domain.errors import ConfigurationError, UnknownPluginError
from tidegate.formats.report import GROUP as FORMATS
from tidegate.formats.report import Format

GROUPS = ("tidegate.scanners", FORMATS)
"""Every kind of plug-in that is loaded somewhere."""

BUILT_IN_FORMATS = (
    "trivy",
    "grype",
    "sarif",
    "cyclonedx",
    "openvex",
    "in-toto-vulns",
    "cosign-vuln",
)
"""Formats that ship with Tidegate; others are read where a setting names them."""


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """An entry point of an installed distribution; it was not loaded."""

    group: str
    name: str
    target: str
    """Module and attribute: `tidegate.formats.trivy:TrivyFormat`."""
    distribution: str
    version: str


def list_plugins() -> tuple[InstalledPlugin, ...]:
    """Return what is installed, by group and name; nothing is loaded."""
    found = [
        InstalledPlugin(
            group=group,
            name=point.name,
            target=point.value,
            distribution=point.dist.name if point.dist is not None else "",
            version=point.dist.version if point.dist is not None else "",
        )
        for group in GROUPS
        for point in entry_points(group=group)
    ]
    return tuple(sorted(found, key=lambda each: (GROUPS.index(each.group), each.name)))


def load_plugin(group: str, name: str) -> object:
    """Return what the plug-in `name` of `group` registered.

    Raises:
        UnknownPluginError: nothing installed has this name, or it cannot be loaded.
    """
    found = entry_points(group=group)
    if name not in found.names:
        raise UnknownPluginError(
            f"{group}: no plug-in {name!r}; installed: {', '.join(sorted(found.names)) or 'none'}"
        )
    try:
        return found[name].load()
    except (ImportError, AttributeError) as error:
        raise UnknownPluginError(f"{group}: plug-in {name!r} cannot be loaded: {error}") from error


def make_plugin(group: str, name: str) -> Any:  # noqa: ANN401 - the group's protocol, the caller knows it
    """Return what calling the plug-in without arguments gives.

    Raises:
        UnknownPluginError: nothing installed has this name, or it cannot be loaded.
        ConfigurationError: it is nothing that can be called.
    """
    factory = load_plugin(group, name)
    if not callable(factory):
        raise ConfigurationError(f"{group}: plug-in {name!r} is {factory!r}; want a callable")
    return factory()


def load_formats(names: Iterable[str] = BUILT_IN_FORMATS) -> dict[str, Format]:
    """Return formats by name.

    Raises:
        UnknownPluginError: nothing installed has one of the names, or it cannot be loaded.
        ConfigurationError: it is no format.
    """
    return {name: make_plugin(FORMATS, name) for name in names}

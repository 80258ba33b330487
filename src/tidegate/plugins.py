"""Plug-ins by entry point: only names that settings give, loaded when they are asked for."""

from importlib.metadata import entry_points

from tidegate.domain.errors import UnknownPluginError


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

"""What judges: a name for the code that says which advisories concern which packages.

The same advisories judged by other code may say other things, so the name is a part of the state of
the advisories: after an upgrade everything is judged again, once, without anybody remembering to.
"""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files

PACKAGES = ("tidegate.advisories", "tidegate.domain")
"""Ours that take part: reading records, comparing versions, joining and rating."""

LIBRARIES = ("cvss", "packageurl-python", "univers")
"""Others' that do."""


@cache
def matcher_name() -> str:
    """Return the name of this program's matcher: other for other code, read once.

    It is taken from the sources, since a version number is the same for all that is built between
    two releases. Where a program is installed without its sources, its version has to do.
    """
    content = sha256()
    for name in ("tidegate", *LIBRARIES):
        content.update(f"{name} {version(name)}\n".encode())
    for package in PACKAGES:
        modules = (file for file in files(package).iterdir() if file.name.endswith(".py"))
        for module in sorted(modules, key=lambda file: file.name):
            content.update(f"{package} {module.name}\n".encode())
            content.update(module.read_bytes())
    return content.hexdigest()

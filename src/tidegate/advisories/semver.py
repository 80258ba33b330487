"""Versions of npm, Go, crates.io and NuGet: semantic versions with what each of them adds.

Own, because the libraries at hand compare build metadata (semver.org clause 10 says to ignore it),
take Go's release candidates for nothing, or pad numbers to eight digits. A key is a tuple, so that
comparing is the interpreter's own.
"""

import re

_CORE = r"(\d+)(?:\.(\d+))?(?:\.(\d+))?"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_BUILD = rf"(?:\+{_IDENTIFIERS})?"

_SEMVER = re.compile(rf"v?{_CORE}(?:-({_IDENTIFIERS}))?{_BUILD}")
_NPM = re.compile(rf"[=v]?{_CORE}(?:-?({_IDENTIFIERS}))?{_BUILD}")
_NUGET = re.compile(rf"v?{_CORE}(?:\.(\d+))?(?:-({_IDENTIFIERS}))?{_BUILD}")
_GO_RELEASE = re.compile(r"(?:go|v)?(\d+\.\d+(?:\.\d+)?)(?:(beta|rc)(\d+))?")
"""How Go calls itself. `v1.0.0-rc92` is a module's, where `rc92` is a word (semver.org, 9)."""

Key = tuple[object, ...]


def semver_key(text: str) -> Key:
    """Return the key of a semantic version; absent parts are zero (semver.org, clause 11).

    Raises:
        ValueError: no semantic version.
    """
    return _three_parts(_SEMVER, text)


def npm_key(text: str) -> Key:
    """Return the key of an npm version; `1.2.3beta` is `1.2.3-beta`, as npm's loose mode has it.

    Raises:
        ValueError: no version that npm takes.
    """
    return _three_parts(_NPM, text)


def go_key(text: str) -> Key:
    """Return the key of a Go module's or Go's own version.

    A pseudo-version is a pre-release, `+incompatible` build metadata (go.dev/ref/mod, "Versions"
    and "Pseudo-versions"); Go's `go1.21rc2` is `1.21.0-rc.2`, as its own database writes it.

    Raises:
        ValueError: neither of them; `(devel)`, for one.
    """
    release = _GO_RELEASE.fullmatch(text)
    if release is None:
        return semver_key(text)
    numbers, stage, count = release.groups()
    return semver_key(f"{numbers}-{stage}.{count}" if stage else numbers)


def nuget_key(text: str) -> Key:
    """Return the key of a NuGet version: up to four parts, labels in any case.

    Source: learn.microsoft.com/nuget/concepts/package-versioning, "Normalized version numbers".

    Raises:
        ValueError: no NuGet version.
    """
    found = _matched(_NUGET, text)
    numbers = tuple(int(part or 0) for part in found.groups()[:4])
    return *numbers, *_pre_release((found[5] or "").lower())


def _three_parts(pattern: re.Pattern[str], text: str) -> Key:
    found = _matched(pattern, text)
    return *(int(part or 0) for part in found.groups()[:3]), *_pre_release(found[4] or "")


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no semantic version")
    return found


def _pre_release(text: str) -> Key:
    """Return what sorts a pre-release below its release: clauses 11.3 and 11.4.

    Numbers sort below words, and fewer identifiers below more.
    """
    if not text:
        return (1,)
    identifiers = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in text.split(".")
    )
    return 0, identifiers

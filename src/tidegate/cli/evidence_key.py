"""The private key that a command signs with: a file, the environment, or one kept elsewhere.

Its passphrase is never an option: what stands in a command line is seen by every process of the
machine. It comes from `TIDEGATE_KEY_PASSPHRASE_FILE` or `TIDEGATE_KEY_PASSPHRASE`, or is typed.
"""

import getpass
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.context import World
from tidegate.domain.errors import InputError
from tidegate.scan.key_source import load_signing_key, read_passphrase
from tidegate.scan.kms import Secret
from tidegate.trust.keys import SigningKey

_FILE = "TIDEGATE_KEY_PASSPHRASE_FILE"
_TEXT = "TIDEGATE_KEY_PASSPHRASE"

KeyOption = Annotated[
    str,
    typer.Option(
        "--key",
        metavar="KEY",
        help="Private evidence key: a file, env:NAME, or one kept elsewhere (awskms:, azurekms:, "
        "gcpkms:, hsm:). Default: the installation's.",
    ),
]


def load_evidence_key(world: World, source: str) -> SigningKey:
    """Return the private key at `source`, by default the evidence key of the installation.

    Raises:
        InputError: it cannot be read, or is no such key.
        KeyUnavailableError: whoever keeps it does not let us use it now.
    """
    where = source or str(world.folder().evidence_key)
    return load_signing_key(where, passphrase_of(world), world.settings.environment)


def passphrase_of(world: World, *, new: bool = False) -> Secret:
    """Return what finds the passphrase when it is needed; asked for once, a `new` one twice."""
    environment = world.settings.environment
    file, text = environment.get(_FILE, ""), environment.get(_TEXT, "")

    @cache
    def secret() -> str:
        if file or text:
            return read_passphrase(Path(file) if file else None, text, _FILE)
        if not sys.stdin.isatty():
            raise InputError(
                "a passphrase or PIN is needed, and standard input is no terminal to ask on; set "
                f"{_FILE} (or {_TEXT})"
            )
        typed = _typed("Passphrase or PIN of the key: ")
        if new and _typed("The same again: ") != typed:
            raise InputError("the two are not the same; nothing was written")
        return typed

    return secret


def _typed(prompt: str) -> str:
    try:
        typed = getpass.getpass(prompt)
    except EOFError:
        typed = ""
    if not typed:
        raise InputError("no passphrase was given; want one line with it")
    return typed

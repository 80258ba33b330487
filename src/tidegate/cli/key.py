"""`tidegate key`: the evidence key, whose signature makes findings count."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import world_of
from tidegate.cli.files import read_bytes
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_data,
    print_line,
    print_lines,
    print_note,
)
from tidegate.domain.errors import InputError
from tidegate.trust.keys import (
    MAX_PEM_BYTES,
    PublicKey,
    fingerprint,
    generate_key,
    load_private_key,
    load_public_key,
    private_pem,
    public_pem,
)

PRIVATE_NAME = "evidence.key"
PUBLIC_NAME = "evidence.pub"

app = verb.group("Evidence keys: make one, show one.")


@app.command("generate")
def generate(
    out: Annotated[
        Path, typer.Option(help="Folder for evidence.key and evidence.pub.", file_okay=False)
    ] = Path(),
) -> None:
    """Make an ECDSA P-256 key pair; files that exist are never overwritten."""
    key = generate_key()
    private, public = out / PRIVATE_NAME, out / PUBLIC_NAME
    for path in (private, public):
        if path.exists():
            raise InputError(f"{path}: exists; move it away, or choose another folder with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_new(private, private_pem(key), 0o600)
        _write_new(public, public_pem(key), 0o644)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
    print_line(f"private key: {private} (keep it where only the scan worker can read it)")
    print_line(f"public key:  {public}")
    print_line(f"sha256:      {fingerprint(key)}")


@app.command("show")
def show(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A key; default: that of the installation.")
    ] = "",
    output: OutputOption = Format.TABLE,
) -> None:
    """Print the public key in PEM and its SHA-256 fingerprint; of a private key its public part."""
    path = file or str(world_of(context).folder().public_key)
    key = _public_part(read_bytes(path, MAX_PEM_BYTES))
    pem = public_pem(key).decode()
    if output is not Format.TABLE:
        print_data({"publicKey": pem, "sha256": fingerprint(key)}, output)
        return
    print_lines(pem.rstrip("\n"))
    print_note(f"sha256: {fingerprint(key)}")


def _public_part(pem: bytes) -> PublicKey:
    if b"PRIVATE KEY" in pem:
        return load_private_key(pem).public_key()
    return load_public_key(pem)


def _write_new(path: Path, body: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())

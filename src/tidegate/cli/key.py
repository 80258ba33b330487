"""`tidegate key`: the evidence key, whose signature makes findings count."""

import itertools
import os
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, World, world_of
from tidegate.cli.evidence_key import load_evidence_key, passphrase_of
from tidegate.cli.files import read_bytes
from tidegate.cli.hub import ask_hub
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_data,
    print_line,
    print_lines,
    print_note,
)
from tidegate.cli.trust_edit import TrustDocument
from tidegate.domain.errors import InputError
from tidegate.formats.reading import instant
from tidegate.hubclient import HubClient
from tidegate.local.data_folder import write_private
from tidegate.scan.key_source import is_uri
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
from tidegate.wire.hub_data_v1 import WorkerV1
from tidegate.wire.rematch_v1 import RenewalV1
from tidegate.wire.statement_v1 import render_time

PRIVATE_NAME = "evidence.key"
PUBLIC_NAME = "evidence.pub"

app = verb.group("Evidence keys: make one, show one, rotate, retire.")


@app.command("generate")
def generate(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(help="Folder for evidence.key and evidence.pub.", file_okay=False)
    ] = Path(),
    encrypted: Annotated[
        bool,
        typer.Option(
            "--encrypted",
            help="Encrypt the private key by a passphrase: that of TIDEGATE_KEY_PASSPHRASE_FILE or "
            "TIDEGATE_KEY_PASSPHRASE, else asked for.",
        ),
    ] = False,
) -> None:
    """Make an ECDSA P-256 key pair; files that exist are never overwritten."""
    key = generate_key()
    private, public = out / PRIVATE_NAME, out / PUBLIC_NAME
    for path in (private, public):
        if path.exists():
            raise InputError(f"{path}: exists; move it away, or choose another folder with --out")
    passphrase = passphrase_of(world_of(context), new=True)().encode() if encrypted else b""
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_new(private, private_pem(key, passphrase), 0o600)
        _write_new(public, public_pem(key), 0o644)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
    print_line(f"private key: {private} (keep it where only the scan worker can read it)")
    print_line(f"public key:  {public}")
    print_line(f"sha256:      {fingerprint(key)}")


@app.command("show")
def show(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="A public or private key: a file, env:NAME, or one kept elsewhere, such as "
            "awskms:alias/NAME. Default: that of the installation.",
        ),
    ] = "",
    output: OutputOption = Format.TABLE,
) -> None:
    """Print the public key in PEM and its SHA-256 fingerprint; of a private key its public part."""
    world = world_of(context)
    key = _public_part(world, source or str(world.folder().public_key))
    pem = public_pem(key).decode()
    if output is not Format.TABLE:
        print_data({"publicKey": pem, "sha256": fingerprint(key)}, output)
        return
    print_lines(pem.rstrip("\n"))
    print_note(f"sha256: {fingerprint(key)}")


@app.command("rotate")
def rotate(context: typer.Context) -> None:
    """Sign with a new evidence key from the worker's next start on; both keys are trusted.

    Findings that the old key signed count until it is retired: `tidegate key retire` ends that,
    once `tidegate key renew` has no older reports left. Other clusters need the new public key in
    their trust.yaml before the worker starts with it.
    """
    world = world_of(context)
    folder = world.folder()
    document = TrustDocument(folder.trust)
    old = load_private_key(read_bytes(str(folder.evidence_key), MAX_PEM_BYTES)).public_key()
    known = {key.fingerprint: key.name for key in document.configuration.keys}
    if fingerprint(old) not in known:
        raise InputError(
            f"{folder.trust} does not trust the key in use; put it there first (`tidegate key "
            "show`), or findings that are signed until the restart will not count"
        )
    key = generate_key()
    name = _free_name(f"evidence-{world.now():%Y%m%d}", set(known.values()))
    document.keys.append({"name": name, "publicKey": public_pem(key).decode()})
    document.save()  # trusted before anything is signed with it
    write_private(folder.evidence_key.with_name(f"{known[fingerprint(old)]}.pub"), public_pem(old))
    write_private(folder.evidence_key, private_pem(key))
    write_private(folder.public_key, public_pem(key))
    print_line(f"new key:  {name}, sha256 {fingerprint(key)}")
    print_line(f"old key:  {known[fingerprint(old)]}, trusted until `tidegate key retire` ends it")
    print_note("Restart `tidegate up` (or the scan worker): findings are signed with the new key.")
    print_note("Then `tidegate key renew` has older reports signed by it, before the old one goes.")


@app.command("renew")
def renew(
    context: typer.Context,
    before: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Reports of scans before it are meant: 2026-11-23T09:00:00Z. Default: now.",
        ),
    ] = "",
    hub: HubOption = "",
    output: OutputOption = Format.TABLE,
) -> None:
    """Have every older report made and signed anew, by the keys that workers sign with now.

    After `tidegate key rotate`, once the workers run with the new key. Asking again with the same
    time says how many are left; at none, the old key can be retired. Nothing is pulled: images are
    matched again from their package lists, within each registry's budget of writes.
    """
    world = world_of(context)
    since = instant(before, "--before") or world.now()

    async def ask(client: HubClient) -> tuple[RenewalV1, list[WorkerV1]]:
        return await client.renew_reports(render_time(since)), await client.list_workers()

    found, workers = ask_hub(world, hub, ask)
    if output is not Format.TABLE:
        keys = {worker.name: worker.key_fingerprint for worker in workers}
        told = {"before": render_time(since), "reports": found.reports, "added": found.added}
        print_data({**told, "workers": keys}, output)
        return
    for worker in workers:
        print_line(f"{worker.name} signs with sha256 {worker.key_fingerprint}")
    print_line(f"reports of scans before {render_time(since)}: {found.reports}")
    if found.reports:
        print_note(
            f"{found.added} more wait to be made anew; ask again with --before "
            f"{render_time(since)} for how many are left"
        )


@app.command("retire")
def retire(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name in trust.yaml.")],
) -> None:
    """Trust an old evidence key no more; findings that only it signed are missing at once."""
    folder = world_of(context).folder()
    document = TrustDocument(folder.trust)
    named = {key.name: key for key in document.configuration.keys}
    if name not in named:
        raise InputError(f"no key {name!r} in {folder.trust}; there are: {', '.join(named)}")
    current = load_private_key(read_bytes(str(folder.evidence_key), MAX_PEM_BYTES)).public_key()
    if named[name].fingerprint == fingerprint(current):
        raise InputError(f"key {name!r} signs the findings; run `tidegate key rotate` first")
    document.keys[:] = [entry for entry in document.keys if entry["name"] != name]
    document.save()
    print_line(f"key {name!r} is trusted no more")


def _free_name(wanted: str, taken: set[str]) -> str:
    names = itertools.chain([wanted], (f"{wanted}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


def _public_part(world: World, source: str) -> PublicKey:
    if not is_uri(source):
        pem = read_bytes(source, MAX_PEM_BYTES)
        if b"PRIVATE KEY" not in pem:
            return load_public_key(pem)
    return load_evidence_key(world, source).public_key()


def _write_new(path: Path, body: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())

"""What stands on this machine: gate, evidence key, advisories and disk, for `tidegate doctor`."""

import shutil
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import httpx2

from tidegate.advisories.demo import SOURCE as DEMO_SOURCE
from tidegate.advisories.index import INDEX_FILE, EcosystemSource
from tidegate.cli.advisories import sources_in
from tidegate.cli.doctor_lines import Check, fail, ok, warn
from tidegate.cli.files import read_bytes
from tidegate.cli.trust_edit import TrustDocument
from tidegate.domain.errors import InputError, InvalidTrustError, TidegateError
from tidegate.local.data_folder import DataFolder, UpState
from tidegate.trust.keys import MAX_PEM_BYTES, fingerprint, load_private_key

TIMEOUT_S = 10.0
OLD = timedelta(days=7)
"""Advisories are published daily."""

LOW_BYTES = 2 * 2**30
EMPTY_BYTES = 256 * 2**20
"""Less than one image that is unpacked."""


def examine_gate(found: UpState) -> Check:
    """Return whether the gate is ready to judge."""
    try:
        context = ssl.create_default_context(cafile=found.gate_ca)
        with httpx2.Client(verify=context, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.get(f"{found.gate}/readyz")
    except (httpx2.RequestError, ssl.SSLError, OSError) as error:
        why = str(error) or type(error).__name__
        return fail("gate", f"{found.gate} does not answer ({why})", "see its log")
    if answer.status_code != httpx2.codes.OK:
        return fail("gate", f"is not ready: {answer.text[:300].strip()}", "see its log")
    return ok("gate", f"{found.gate} is ready")


def examine_keys(folder: DataFolder, signing: frozenset[str]) -> list[Check]:
    """Return whether what is signed counts here: by the key in the folder, and by the workers'.

    `signing`: fingerprints of the keys that workers said they sign with. After `key rotate` a
    worker that was not started again still signs with the old one.
    """
    try:
        key = load_private_key(read_bytes(str(folder.evidence_key), MAX_PEM_BYTES)).public_key()
        trusted = {
            each.fingerprint: each.name for each in TrustDocument(folder.trust).configuration.keys
        }
    except (InputError, InvalidTrustError) as error:
        return [fail("key", str(error), "see docs/reference/trust-configuration.md")]
    own = fingerprint(key)
    if own not in trusted:
        said = f"{folder.trust} does not trust the key that signs: no new finding counts"
        return [fail("key", said, "add its public part (`tidegate key show`) to `keys`")]
    foreign = sorted(signing - trusted.keys())
    if foreign:
        said = f"a worker signs with {foreign[0][:16]}, which {folder.trust} does not trust"
        return [fail("key", said, "start that worker again, or add its public key to `keys`")]
    if signing and own not in signing:
        said = f"workers sign with another trusted key, not yet with {trusted[own]!r}"
        return [warn("key", said, "start the worker again (`tidegate up`) to use the new key")]
    others = len(trusted) - 1
    more = f"; {others} more trusted" if others else ""
    return [ok("key", f"findings are signed with {trusted[own]!r}{more}")]


def examine_advisories(root: Path, now: datetime) -> Check:
    """Return how old the advisories are."""
    try:
        sources = sources_in(root / "scan" / INDEX_FILE)
    except (TidegateError, OSError) as error:
        return fail("advisories", str(error), "import them: `tidegate advisories import`")
    return judge_advisories(sources, now)


def judge_advisories(sources: Sequence[EcosystemSource], now: datetime) -> Check:
    """Return whether there are advisories, real ones, and young ones."""
    real = [source for source in sources if source.name != DEMO_SOURCE and source.matched]
    if not real:
        return warn(
            "advisories",
            "only the demo set is there: most vulnerabilities are not known",
            "import real ones: `tidegate advisories import`",
        )
    oldest = min(real, key=lambda source: source.imported_at)
    age = now - oldest.imported_at
    said = f"{len(real)} ecosystems; the oldest, {oldest.ecosystem}, imported {age.days} days ago"
    if age > OLD:
        return warn("advisories", said, "import newer ones: `tidegate advisories import`")
    return ok("advisories", said)


def examine_disk(root: Path) -> Check:
    """Return whether there is room for images, events and findings."""
    try:
        free = shutil.disk_usage(root).free
    except OSError as error:
        return fail("disk", f"{root}: {error.strerror}", "see that the data folder is there")
    said = f"{free / 2**30:.1f} GiB free for {root}"
    advice = "make room, or move the data folder"
    if free < EMPTY_BYTES:
        return fail("disk", said, advice)
    return warn("disk", said, advice) if free < LOW_BYTES else ok("disk", said)

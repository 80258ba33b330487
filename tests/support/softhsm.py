"""A PKCS #11 token in software, with a key on P-256 (ID 1) and one on P-384 (ID 2)."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PIN = "1234"
LABEL = "tidegate"

_LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)

_MAKE_KEYS = """
import os, sys, pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
token = pkcs11.lib(os.environ["PYKCS11LIB"]).get_token(token_label="tidegate")
with token.open(rw=True, user_pin=sys.argv[1]) as session:
    for number, curve in ((1, "secp256r1"), (2, "secp384r1")):
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC,
            {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)},
            local=True,
        )
        parameters.generate_keypair(store=True, id=bytes([number]), label=curve)
"""


def make_token(folder: Path, patched: pytest.MonkeyPatch) -> None:
    """Make a token in `folder` that the environment names from now on; skips where none can be.

    The library reads its configuration once per process: a test process has one token at most.
    """
    library = next(filter(Path.exists, map(Path, _LIBRARIES)), None)
    if library is None or shutil.which("softhsm2-util") is None or find_spec("pkcs11") is None:
        pytest.skip("softhsm2 is not installed: apt packages of hack/apt.txt; hsm: NOT tested")
    (folder / "tokens").mkdir(parents=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    patched.setenv("SOFTHSM2_CONF", str(configuration))
    patched.setenv("PYKCS11LIB", str(library))
    token = ["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "5678"]
    subprocess.run(["softhsm2-util", *token], check=True, capture_output=True)
    # In a process of its own: who tests is to find the token as a worker does.
    subprocess.run([sys.executable, "-c", _MAKE_KEYS, PIN], check=True, capture_output=True)

"""Makes the samples in tests/samples of what scanners do not write: VEX and attestations.

`samples_elsewhere.py CLIENTS`, with the folder where `make clients` put cosign, needs Go and PyPI
besides. What each tool writes is kept as it wrote it; see tests/samples/README.md.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAMPLES = ROOT / "tests" / "samples"
REPORT = SAMPLES / "trivy" / "critical.json.json"
DIGEST = "ab" * 32
"""Of the image that the statements are about; no such image is needed."""

GOVULNCHECK = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
LIBRARIES = ("cyclonedx-python-lib==11.12.0", "lib4vex==0.2.3")


def main(clients: Path) -> None:
    """Write every sample."""
    with tempfile.TemporaryDirectory(prefix="tidegate-samples-") as folder:
        work = Path(folder)
        by_standards_libraries(work)
        by_govulncheck(work)
        by_cosign(work, clients)
        by_vex_libraries(work)


def by_standards_libraries(work: Path) -> None:
    """Write the vulns predicate with in-toto's bindings, and OpenVEX with go-vex."""
    program = work / "documents"
    run(["go", "build", "-o", str(program), "./documents"], HERE)
    for kind, name in (("vulns", "in-toto/critical.statement"), ("openvex", "openvex/go-vex")):
        keep(name, run([str(program), kind, str(REPORT), DIGEST], work))


def by_govulncheck(work: Path) -> None:
    """Write govulncheck's OpenVEX of a program with two modules, one of them affected."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    from support.advisory_table import records  # noqa: PLC0415 - of the tests, found just now
    from support.language_files import go_binary  # noqa: PLC0415

    known = [json.loads(body) for body in records()]
    chosen = [r for r in known if r["id"] in ("GO-2021-0113", "GO-2024-3321")]
    database = go_database(work / "vulndb", chosen)
    program = work / "app"
    modules = [("golang.org/x/text", "v0.3.6"), ("golang.org/x/crypto", "v0.31.0")]
    program.write_bytes(go_binary(modules, "1.26.8"))
    command = ["govulncheck", "-mode", "binary", "-format", "openvex", "-db", database, "app"]
    tools = work / "bin"
    run(["go", "install", GOVULNCHECK], work, GOBIN=str(tools))
    keep("openvex/govulncheck", run([str(tools / command[0]), *command[1:]], work))


def go_database(folder: Path, chosen: Sequence[dict[str, Any]]) -> str:
    """Write records as Go's database has them; return its URL.

    Its form: go.dev/doc/security/vuln/database.
    """
    modules: dict[str, list[dict[str, str]]] = {}
    for record in chosen:
        for affected in record["affected"]:
            entry = {"id": record["id"], "modified": record["modified"]}
            modules.setdefault(affected["package"]["name"], []).append(entry)
            affected["ecosystem_specific"] = {"imports": [{"path": affected["package"]["name"]}]}
    index = {
        "db": {"modified": "2026-11-01T00:00:00Z"},
        "modules": [{"path": name, "vulns": entries} for name, entries in modules.items()],
        "vulns": [{k: r.get(k) for k in ("id", "modified", "aliases")} for r in chosen],
    }
    (folder / "index").mkdir(parents=True)
    (folder / "ID").mkdir()
    for name, content in index.items():
        (folder / "index" / f"{name}.json").write_text(json.dumps(content))
    for record in chosen:
        whole = {"schema_version": "1.3.1", "published": record["modified"], **record}
        (folder / "ID" / f"{record['id']}.json").write_text(json.dumps(whole))
    return f"file://{folder}"


def by_cosign(work: Path, clients: Path) -> None:
    """Write what cosign 2 and 3 sign of Trivy's cosign-vuln predicate."""
    predicate = SAMPLES / "trivy" / "critical.cosign-vuln.json"
    (work / "blob").write_bytes(b"demo")
    for client in ("cosign", "cosign-3"):
        program = str(clients / client)
        key = work / client
        key.mkdir()
        run([program, "generate-key-pair"], key, COSIGN_PASSWORD="")
        run(
            [
                program, "attest-blob", "--key", "cosign.key", "--type", "vuln", "--yes",
                "--predicate", str(predicate), "--tlog-upload=false",
                "--output-signature", "envelope.json", str(work / "blob"),
            ]
            if client == "cosign"
            else [
                program, "attest-blob", "--key", "cosign.key", "--type", "vuln", "--yes",
                "--predicate", str(predicate), "--bundle", "envelope.json",
                "--signing-config", str(no_services(key)), str(work / "blob"),
            ],
            key,
            COSIGN_PASSWORD="",
        )  # fmt: skip
        keep(f"cosign/{client}.vuln", (key / "envelope.json").read_bytes())


def no_services(folder: Path) -> Path:
    """Write a signing configuration of cosign 3 without any service to ask."""
    file = folder / "signing.json"
    form = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
    file.write_text(json.dumps({"mediaType": form, "rekorTlogConfig": {}, "tsaConfig": {}}))
    return file


def by_vex_libraries(work: Path) -> None:
    """Write CycloneDX VEX with OWASP's library for Python, and with lib4vex."""
    venv.create(work / "venv", with_pip=True)
    python = str(work / "venv" / "bin" / "python")
    run([python, "-m", "pip", "install", "--quiet", *LIBRARIES], work)
    for name in ("cyclonedx-python-lib", "lib4vex"):
        body = run([python, str(HERE / "cyclonedx_vex.py"), name, str(REPORT)], work)
        keep(f"cyclonedx-vex/{name}", body)


def keep(name: str, body: bytes) -> None:
    """Keep a document as it was written."""
    file = SAMPLES / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


def run(command: Sequence[str], folder: Path, **environment: str) -> bytes:
    """Run a program to its end; return what it wrote."""
    known = {**os.environ, **environment}  # noqa: TID251 - what Go and pip need of the caller's
    done = subprocess.run(command, cwd=folder, env=known, check=True, stdout=subprocess.PIPE)  # noqa: S603
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())

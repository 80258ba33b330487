"""Runs what a Deployment asks for as a process on this machine, as a kubelet would in a pod.

A cluster without nodes leaves pods pending. Here the container's arguments, variables and mounts are
read from the API server, Secrets and ConfigMaps are brought to files as often as asked, and the
process gets a token of the pod's own service account. Addresses alone are other ones.
"""

import base64
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_S = 60
NAMESPACE = "tidegate"

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


class NotThereError(Exception):
    """What the pod would wait for: a Secret, or a key of one."""


@dataclass
class OutsidePod:
    """One pod of a Deployment, in `folder`."""

    kubectl: Kubectl
    deployment: str
    folder: Path
    kubeconfig: Path
    """Of the pod's service account."""
    changes: Mapping[str, str]
    """Variables that differ outside: addresses."""
    url: str = ""
    process: subprocess.Popen[bytes] | None = None
    _spec: dict[str, Any] = field(default_factory=dict)

    def bring(self) -> None:
        """Write every mounted volume as it is now; raises `NotThereError` where a pod would wait."""
        spec = self._get(f"deployment/{self.deployment}")["spec"]["template"]["spec"]
        self._spec = spec
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        (container,) = spec["containers"]
        for mount in container["volumeMounts"]:
            target = self._path(mount["mountPath"])
            target.mkdir(parents=True, exist_ok=True)
            for name, content in self._files(volumes[mount["name"]]).items():
                draft = target / f".{name}.new"
                draft.write_bytes(content)
                draft.replace(target / name)

    def start(self) -> None:
        """Start the container's process; return once it says where it serves."""
        self.bring()
        (container,) = self._spec["containers"]
        given = {e["name"]: str(e["value"]) for e in container["env"]}
        prefix = next(iter(given)).rpartition("TIDEGATE_")[2].partition("_")[0]
        moved = {
            name: str(self._path(value)) if value.startswith(("/etc/", "/var/")) else value
            for name, value in given.items()
        }
        kubeconfig = {f"TIDEGATE_{prefix}_KUBECONFIG": str(self.kubeconfig)}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *container["args"]],
                stdout=subprocess.PIPE,
                stderr=log,
                env={
                    **inherited,
                    **moved,
                    **kubeconfig,
                    **self.changes,
                    "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                },
            )
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], READY_S)
        line = self.process.stdout.readline() if readable else b""
        assert line, self.log()
        self.url = json.loads(line)["url"]

    def log(self) -> str:
        """Return the end of what the process logged."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-6000:] if path.exists() else ""

    def stop(self) -> None:
        """End the process, where it runs."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def _path(self, inside: str) -> Path:
        return self.folder / inside.lstrip("/")

    def _files(self, volume: dict[str, Any]) -> dict[str, bytes]:
        """Return the files of a volume; none for an empty one."""
        if (secret := volume.get("secret")) is not None:
            data = self._data(f"secret/{secret['secretName']}", secret.get("optional", False))
            return chosen_files(data, secret)
        if (mapped := volume.get("configMap")) is not None:
            found = self._get(f"configmap/{mapped['name']}").get("data", {})
            return {name: text.encode() for name, text in found.items()}
        return {}

    def _data(self, what: str, optional: bool) -> dict[str, bytes]:  # noqa: FBT001 as the volume has it
        try:
            found = self._get(what).get("data") or {}
        except NotThereError:
            if optional:
                return {}
            raise
        return {name: base64.b64decode(text) for name, text in found.items()}

    def _get(self, what: str) -> dict[str, Any]:
        said = self.kubectl("get", "--namespace", NAMESPACE, what, "-o", "json")
        if said.returncode:
            raise NotThereError(said.stderr)
        found: dict[str, Any] = json.loads(said.stdout)
        return found


def chosen_files(data: Mapping[str, bytes], source: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of `data` that a Secret volume names: all without `items`."""
    if "items" not in source:
        return dict(data)
    lacking = [item["key"] for item in source["items"] if item["key"] not in data]
    if lacking and not source.get("optional", False):
        raise NotThereError(f"{source['secretName']} has no {', '.join(lacking)}")
    return {i["path"]: data[i["key"]] for i in source["items"] if i["key"] in data}

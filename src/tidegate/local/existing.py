"""A cluster that is already there, by the user's own kubeconfig and kubectl."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate.domain.errors import ClusterUnavailableError


@dataclass(frozen=True, slots=True)
class ExistingCluster:
    """What is needed to install into a cluster that somebody else runs."""

    kubectl: Path
    kubeconfig: Path
    data_dir: Path


def find_existing(environment: Mapping[str, str], data_dir: Path) -> ExistingCluster:
    """Return the cluster that kubectl would talk to.

    Its API server must reach the gate on this machine's loopback address.

    Raises:
        ClusterUnavailableError: kubectl or the kubeconfig is missing.
    """
    found = shutil.which("kubectl", path=environment.get("PATH"))
    if found is None:
        raise ClusterUnavailableError("kubectl is not on PATH; install it, or use --cluster local")
    default = Path(environment.get("HOME", "~")) / ".kube" / "config"
    kubeconfig = Path(environment.get("KUBECONFIG") or default)
    if not kubeconfig.is_file():
        raise ClusterUnavailableError(
            f"kubeconfig {kubeconfig} is no file; name one file in KUBECONFIG, or use "
            "--cluster local"
        )
    return ExistingCluster(Path(found), kubeconfig, data_dir)

from pathlib import Path

import pytest

from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.kubernetes import find_programs


def programs(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


KUBE = ("kube-apiserver", "kube-controller-manager", "kubectl")


def test_assets_come_before_the_cache(tmp_path: Path) -> None:
    assets = programs(tmp_path / "assets", *KUBE, "etcd")
    cache = programs(tmp_path / "cache/tidegate/kube/current", *KUBE)
    environ = {"KUBEBUILDER_ASSETS": str(assets), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert find_programs(environ).etcd == assets / "etcd"
    assert find_programs(environ).kubectl == assets / "kubectl"
    del environ["KUBEBUILDER_ASSETS"]
    path = programs(tmp_path / "bin", "etcd")
    assert find_programs(environ | {"PATH": str(path)}).apiserver == cache / "kube-apiserver"


def test_incomplete_assets_leave_the_cache_to_answer(tmp_path: Path) -> None:
    assets = programs(tmp_path / "assets", "kubectl", "etcd")
    programs(tmp_path / ".cache/tidegate/kube/current", *KUBE, "etcd")
    environ = {"KUBEBUILDER_ASSETS": str(assets), "HOME": str(tmp_path)}
    assert tmp_path / ".cache" in find_programs(environ).kubectl.parents


def test_missing_programs_name_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnavailableError, match="run `make kube` once"):
        find_programs({"HOME": str(tmp_path)})

#!/usr/bin/env bash
# Builds the real kube-apiserver, kube-controller-manager and kubectl into a cache folder outside the
# checkout, keyed by this recipe; a second run with the same recipe does nothing.
# KUBEBUILDER_ASSETS, when it already holds the three programs, is used as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=(kube-apiserver kube-controller-manager kubectl)

complete() { for p in "${programs[@]}"; do [ -x "$1/$p" ] || return 1; done; }

if [ -n "${KUBEBUILDER_ASSETS:-}" ] && complete "$KUBEBUILDER_ASSETS"; then
  echo "kube: using KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS"
  exit 0
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/kube
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/build.sh | sha256sum | cut -c1-16)
target=$cache/$key
if ! complete "$target"; then
  command -v go >/dev/null || {
    echo "kube: Go 1.26 or newer is wanted on PATH to build the API server; tests that need it are skipped" >&2
    exit 3
  }
  version=$(cd "$here" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
  minor=$(echo "$version" | cut -d. -f2)
  flags="-s -w"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
  done
  echo "kube: building ${programs[*]} $version; the first build takes some minutes"
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-kube.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  started=$SECONDS
  for p in "${programs[@]}"; do
    (cd "$here" && CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$work/$p" "k8s.io/kubernetes/cmd/$p")
    echo "kube: $p built after $((SECONDS - started)) s"
  done
  mkdir -p "$target"
  mv "$work"/* "$target"/
fi
ln -sfn "$key" "$cache/current"
echo "kube: $("$target/kube-apiserver" --version) in $cache/current"

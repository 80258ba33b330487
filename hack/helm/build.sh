#!/usr/bin/env bash
# Builds helm into a cache folder outside the checkout, keyed by this recipe; a second run with the same
# recipe does nothing. TIDEGATE_HELM, when it names a program, is used as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -n "${TIDEGATE_HELM:-}" ] && [ -x "$TIDEGATE_HELM" ]; then
  echo "helm: using TIDEGATE_HELM=$TIDEGATE_HELM"
  exit 0
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/helm
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/build.sh | sha256sum | cut -c1-16)
target=$cache/$key
if [ ! -x "$target/helm" ]; then
  command -v go >/dev/null || {
    echo "helm: Go 1.26 or newer is wanted on PATH to build it; tests that need it are skipped" >&2
    exit 3
  }
  version=$(cd "$here" && go list -m -f '{{.Version}}' helm.sh/helm/v3)
  # Charts see the version of Kubernetes that helm was built for where there is no cluster to ask.
  api=$(cd "$here" && go list -m -f '{{.Version}}' k8s.io/client-go)
  minor=$(echo "$api" | cut -d. -f2)
  flags="-s -w -X helm.sh/helm/v3/internal/version.version=$version"
  flags+=" -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$minor"
  flags+=" -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=$minor"
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-helm.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  started=$SECONDS
  (cd "$here" && CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$work/helm" helm.sh/helm/v3/cmd/helm)
  mkdir -p "$target"
  mv "$work/helm" "$target"/
  echo "helm: $version built after $((SECONDS - started)) s"
fi
ln -sfn "$key" "$cache/current"
echo "helm: $("$target/helm" version --short) in $cache/current"

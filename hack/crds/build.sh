#!/usr/bin/env bash
# Fetches the kinds of cert-manager and the Prometheus Operator into a cache folder outside the checkout, so
# that what the chart makes of them is tried on an API server that knows them. They are files of the
# projects' own Go modules: nothing of them is built. A second run with the same recipe does nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/crds
key=$(sha256sum "$here/build.sh" | cut -c1-16)
target=$cache/$key
# module, version, the checksum that sum.golang.org has of it, and where its kinds are
modules=(
  "github.com/cert-manager/cert-manager v1.21.2 h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68= deploy/crds/cert-manager.io_"
  "github.com/prometheus-operator/prometheus-operator v0.85.0 h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s= example/prometheus-operator-crd/monitoring.coreos.com_"
)
if [ ! -d "$target" ]; then
  command -v go >/dev/null || {
    echo "crds: Go 1.26 or newer is wanted on PATH to fetch them; tests that need them are skipped" >&2
    exit 3
  }
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-crds.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$work" # outside of any module
  mkdir found
  for line in "${modules[@]}"; do
    read -r module version sum prefix <<<"$line"
    told=$(go mod download -json "$module@$version")
    got=$(sed -n 's/^\t"Sum": "\(.*\)",$/\1/p' <<<"$told")
    [ "$got" = "$sum" ] || { echo "crds: $module@$version has checksum $got, want $sum" >&2; exit 1; }
    folder=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$told")
    for kind in certificates issuers clusterissuers servicemonitors prometheusrules; do
      [ ! -f "$folder/$prefix$kind.yaml" ] || cp "$folder/$prefix$kind.yaml" found/
    done
  done
  [ "$(ls found | wc -l)" -eq 5 ] || { echo "crds: want 5 kinds, found: $(ls found)" >&2; exit 1; }
  mkdir -p "$cache"
  chmod -R u+w found
  mv found "$target"
fi
ln -sfn "$key" "$cache/current"
echo "crds: $(ls "$target" | wc -l) kinds in $cache/current"

#!/usr/bin/env bash
# Builds Syft and Grype, and small databases for Grype and Trivy from the demo advisories, into a cache
# folder outside the checkout, keyed by this recipe; a second run with the same recipe does nothing.
# Both scanners fetch their databases from the internet: with these the real programs run without it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
advisories=$here/../../src/tidegate/advisories/demo
python=${PYTHON:-$here/../../.venv/bin/python}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/scanners
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/build.sh "$here"/{databases,osv_records,trivy_entries,grype_results}.py "$here"/{trivydb,grypedb}/main.go \
  "$advisories"/*.json | sha256sum | cut -c1-16)
target=$cache/$key
if [ ! -d "$target" ]; then
  command -v go >/dev/null || {
    echo "scanners: Go 1.26 or newer is wanted on PATH to build Syft and Grype; tests that need them are skipped" >&2
    exit 3
  }
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-scanners.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$here"
  export CGO_ENABLED=0
  go build -buildvcs=false -trimpath -ldflags "-s -w" -o "$work/" ./trivydb ./grypedb
  for tool in syft grype; do
    version=$(go list -m -f '{{.Version}}' "github.com/anchore/$tool")
    go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=${version#v}" -o "$work/" "github.com/anchore/$tool/cmd/$tool"
    echo "scanners: $tool $version built"
  done
  "$python" databases.py "$work/databases" "$work" "$advisories"
  "$work/grype" --version
  mkdir -p "$cache"
  chmod 755 "$work"
  mv "$work" "$target"
  trap - EXIT
fi
ln -sfn "$key" "$cache/current"
echo "scanners: syft, grype and databases in $cache/current"

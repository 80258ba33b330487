#!/usr/bin/env bash
# Builds the conformance suite of the OCI distribution specification into a cache folder outside the
# checkout, keyed by this recipe; a second run with the same recipe does nothing. Our embedded registry
# must pass it: tests/integration/test_oci_conformance.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/conformance
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/build.sh | sha256sum | cut -c1-16)
target=$cache/$key
if [ ! -x "$target/conformance" ]; then
  command -v go >/dev/null || {
    echo "conformance: Go 1.26 or newer is wanted on PATH to build the suite; its tests are skipped" >&2
    exit 3
  }
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-conformance.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  package=github.com/opencontainers/distribution-spec/conformance
  (cd "$here" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w" -o "$work/conformance" "$package")
  mkdir -p "$target"
  mv "$work/conformance" "$target"/
  echo "conformance: $(cd "$here" && go list -m -f '{{.Version}}' "$package") built"
fi
ln -sfn "$key" "$cache/current"
echo "conformance: in $cache/current"

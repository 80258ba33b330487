#!/usr/bin/env bash
# Builds the reader of PromQL into a cache folder outside the checkout, keyed by this recipe; a second run
# with the same recipe does nothing. TIDEGATE_PROMQL, when it names a program, is used as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -n "${TIDEGATE_PROMQL:-}" ] && [ -x "$TIDEGATE_PROMQL" ]; then
  echo "promql: using TIDEGATE_PROMQL=$TIDEGATE_PROMQL"
  exit 0
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/promql
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/main.go "$here"/build.sh | sha256sum | cut -c1-16)
target=$cache/$key
if [ ! -x "$target/promql" ]; then
  command -v go >/dev/null || {
    echo "promql: Go 1.26 or newer is wanted on PATH to build it; tests that need it are skipped" >&2
    exit 3
  }
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-promql.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  started=$SECONDS
  (cd "$here" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$work/promql" .)
  mkdir -p "$target"
  mv "$work/promql" "$target"/
  echo "promql: built after $((SECONDS - started)) s"
fi
ln -sfn "$key" "$cache/current"
echo "promql: $cache/current/promql"

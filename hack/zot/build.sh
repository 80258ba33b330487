#!/usr/bin/env bash
# Builds the registry zot, without its extensions, into a cache folder outside the checkout, keyed by this
# recipe; a second run with the same recipe does nothing. It is built as its own module, by its own
# go.sum: what it replaces of its dependencies would not count in a module that requires it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/zot
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/build.sh | sha256sum | cut -c1-16)
target=$cache/$key
if [ ! -x "$target/zot" ]; then
  command -v go >/dev/null || {
    echo "zot: Go 1.26 or newer is wanted on PATH to build it; tests that need it are skipped" >&2
    exit 3
  }
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-zot.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  started=$SECONDS
  module=$(sed -n 's/^require \(.*\) \(.*\)/\1@\2/p' "$here/go.mod")
  source=$(cd "$here" && go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  cp -r --no-preserve=mode "$source" "$work/source"
  (cd "$work/source" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w" \
    -tags containers_image_openpgp -o "$work/zot" ./cmd/zot)
  mkdir -p "$target"
  mv "$work/zot" "$target"/
  echo "zot: ${module##*@} built after $((SECONDS - started)) s"
fi
ln -sfn "$key" "$cache/current"
echo "zot: in $cache/current"

#!/bin/sh
# Whether the portal can be built here; says what is missing where it cannot.
set -eu
wanted="Node.js 20.19 or newer, with npm"
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "The portal is NOT built: it needs $wanted, which is not installed." >&2
  echo "All else works; install it and run 'make portal' to have the portal too." >&2
  exit 1
fi
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
  echo "The portal is NOT built: it needs $wanted; here is $(node --version)." >&2
  exit 1
fi

#!/usr/bin/env bash
# Rewrites requirements/*.txt from pyproject.toml: hash-locked, without addresses, one file per extra,
# and dev.txt with all extras and the check tools,
# worker.txt and build.txt for images, fuzz.txt with what `make fuzz` needs beside them. Needs uv on PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
compile() {
  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
 --no-header pyproject.toml "$@"
}
for extra in gate hub scan cli all; do compile --extra "$extra" -o "requirements/$extra.txt"; done
# What images are built with: a worker and the commands that fill its index; the builder of our wheel.
compile --extra scan --extra cli -o requirements/worker.txt
compile --extra all --group dev -o requirements/dev.txt
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
 --no-header --group fuzz -o requirements/fuzz.txt
uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
 --no-header --group build -o requirements/build.txt

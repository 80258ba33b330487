#!/usr/bin/env bash
# Builds the three images without a daemon, on stand-ins for both bases, into the folder $IMAGES_DIR (by
# default in the cache): the recipe of images/Dockerfile is tried where nothing can be pulled. What runs in
# production is built on the bases of images/README.md instead. Needs root, and Debian's buildah and
# mmdebstrap. `hack/images/build.sh [gate] [hub] [worker]`; the hub wants the portal built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for program in buildah mmdebstrap; do
  command -v "$program" >/dev/null || { echo "images: $program is not installed (Debian)" >&2; exit 3; }
done
folder=${IMAGES_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/images}
mkdir -p "$folder"
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-images.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
buildah() { command buildah --root "$folder/store" --runroot "$work/run" "$@"; }

base() { # NAME, and how mmdebstrap makes its files
  local name=$1 container
  shift
  ! buildah inspect --type image "localhost/$name" >/dev/null 2>&1 || return 0
  mmdebstrap --quiet --variant=minbase "$@" bookworm "$work/$name.tar"
  container=$(buildah from --signature-policy "$work/policy.json" scratch)
  buildah add --quiet "$container" "$work/$name.tar" / >/dev/null
  buildah commit --quiet --signature-policy "$work/policy.json" "$container" "localhost/$name" >/dev/null
  buildah rm "$container" >/dev/null
  rm "$work/$name.tar"
}
base tidegate-build-base --include=python3,python3-pip,ca-certificates
# The same Python without what an image is not to hold: shell, package manager.
# shellcheck disable=SC2016 # mmdebstrap gives the folder as $1
base tidegate-run-base --include=python3,ca-certificates --customize-hook='
  rm -rf "$1"/bin/sh "$1"/bin/dash "$1"/bin/bash "$1"/bin/rbash "$1"/usr/bin/apt* "$1"/usr/bin/dpkg* \
    "$1"/var/lib/apt "$1"/var/cache/apt'

[ "$#" -gt 0 ] || set -- gate hub worker
for part in "$@"; do
  started=$SECONDS
  # This machine's certificate authorities are lent to the build: they may be needed to reach the index.
  buildah bud --quiet --signature-policy "$work/policy.json" --pull-never --layers \
    -f images/Dockerfile --target "$part" -v /etc/ssl/certs:/etc/ssl/certs:ro \
    --build-arg BUILD_BASE=localhost/tidegate-build-base --build-arg RUN_BASE=localhost/tidegate-run-base \
    -t "localhost/tidegate-$part" . >/dev/null
  rm -rf "$folder/$part"
  buildah push --quiet --signature-policy "$work/policy.json" "localhost/tidegate-$part" "oci:$folder/$part:0.1.0"
  echo "images: $part after $((SECONDS - started)) s, an OCI layout in $folder/$part"
done

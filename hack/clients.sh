#!/usr/bin/env bash
# Fetches the stock clients oras and cosign 2 and 3, which Debian 12 does not carry, from Debian's later
# releases into a cache folder outside the checkout. The mirror is the one that apt is set up for.
# The programs are statically linked, so they run here; nothing is installed.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/clients
mkdir -p "$cache"
fetch() { # program, package, release, name in the cache
  [ -x "$cache/$4" ] && return
  local work
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-clients.XXXXXX")
  chmod 755 "$work"
  mkdir -p "$work"/lists/partial "$work"/cache/archives/partial
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "main" && $1 !~ /security/ {print $1; exit}')
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $3 main" >"$work/sources.list"
  local options=(-qq
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root
    -o Acquire::Check-Valid-Until=false)
  apt-get "${options[@]}" update
  (cd "$work" && apt-get "${options[@]}" download "$2")
  dpkg -x "$work"/"$2"_*.deb "$work/tree"
  install "$work/tree/usr/bin/$1" "$cache/$4"
  rm -rf "$work"
  echo "clients: $4 from Debian $3 in $cache"
}
fetch oras oras trixie oras
fetch cosign cosign trixie cosign # 2.x
fetch cosign cosign sid cosign-3

#!/usr/bin/env bash
# Builds waybill, all of it, and installs it: libraries, headers, CMake package and the command line.
#
#   scripts/install.sh [PREFIX]    /usr/local if it is not given; programs set CMAKE_PREFIX_PATH=PREFIX for others
#
# Debian 12 and Ubuntu 24.04: installs the packages that are missing. Takes some minutes; the build stays in build/install.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
prefix="${1:-/usr/local}"
case "$prefix" in
  -*) die "usage: scripts/install.sh [PREFIX]" ;;
  /*) ;;
  *) prefix="$PWD/$prefix" ;;
esac

require_known_system
install_packages "${packages_full[@]}"
say "Build: all components, optimized, in build/install; some minutes"
log="$root/build/install.log"
mkdir -p "$root/build"
{ cd "$root" && cmake --preset install && cmake --build --preset install --parallel "$jobs"; } >"$log" 2>&1 </dev/null || {
  tail -n 40 "$log" >&2
  die "the build failed, see build/install.log"
}
run=()
mkdir -p "$prefix" 2>/dev/null && [ -w "$prefix" ] || run=(as_root)
"${run[@]}" cmake --install "$root/build/install" --prefix "$prefix" >>"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  die "it could not be installed into $prefix"
}
say "Installed: $prefix ($("$prefix/bin/waybill" --version))"

#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a running service: installs what is missing, builds a small waybill, starts
# the hello service and calls it on two transports. Takes a minute or two; leaves nothing running.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$root"

build="$root/build/quickstart"
service=''
work="$(mktemp -d)"
clean_up() {
  if [ -n "$service" ]; then
    kill "$service" 2>/dev/null || true
    wait "$service" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT

require_known_system
install_packages "${packages_minimal[@]}"

say "Build: core with the memory and tcp transports and JSON, the hello example and the command line"
{
  cmake --preset minimal -B "$build" -DWAYBILL_BUILD_EXAMPLES=ON -DWAYBILL_BUILD_TOOLS=ON &&
    cmake --build "$build" --parallel "$jobs" --target hello waybill_cli
} >"$work/build.log" 2>&1 </dev/null || {
  tail -n 40 "$work/build.log" >&2
  die "the build failed"
}
hello="$build/examples/hello"
waybill="$build/tools/waybill"

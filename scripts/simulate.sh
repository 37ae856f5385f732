#!/usr/bin/env bash
# Runs services and clients over a broker in virtual time, from seeds that choose delays, losses, cancellations, closes ...,
# and checks what must hold whatever happens (docs/testing.md).
#
#   scripts/simulate.sh                        10,000 seeds
#   scripts/simulate.sh --seeds N --from S     N seeds, S the first
#   scripts/simulate.sh --seeds 1 --from S --tell     one run, told step by step
#
# Seeds are shared out to all processors; a failing one is printed with the command that shows it again.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$root" || exit 1

seeds=10000
from=1
tell=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seeds) seeds="${2:?}" && shift 2 ;;
    --from) from="${2:?}" && shift 2 ;;
    --tell) tell=(--tell) && shift ;;
    *) die "usage: scripts/simulate.sh [--seeds N] [--from S] [--tell]" ;;
  esac
done

build="$root/build/simulation"
require_known_system
install_packages "${packages_full[@]}"
{ cmake --preset simulation && cmake --build --preset simulation --parallel "$jobs" --target simulate; } >"$root/build/simulation.log" 2>&1 || {
  grep -E -A12 'error|FAILED|Error' "$root/build/simulation.log" | head -n 60
  die "the build failed, see build/simulation.log"
}
program="$build/tests/simulation/simulate"
[ "$seeds" -ge "$((jobs * 100))" ] || exec "$program" --seeds "$seeds" --from "$from" "${tell[@]}"

share=$(((seeds + jobs - 1) / jobs))
running=()
for ((part = 0; part < jobs; part++)); do
  "$program" --seeds "$share" --from "$((from + part * share))" "${tell[@]}" &
  running+=($!)
done
status=0
for each in "${running[@]}"; do wait "$each" || status=1; done
exit "$status"

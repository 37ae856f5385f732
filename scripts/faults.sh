#!/usr/bin/env bash
# Does faults to services and clients under load, on brokers of its own, and prints for each carrier what was attempted,
# accepted, lost, repeated, how soon all was served again, and what it took. docs/reliability.md has the tables.
#
#   scripts/faults.sh [CARRIER...]    tcp, redis, amqp, amqp-quorum, kafka; all without one. Ten minutes a carrier at most
#     --list                          the faults
#     --only FAULT                    this one; may be given more than once
#     --seconds N                     no fault lasts longer (60 s away, 20 s frozen ...)
#     --newer                         RabbitMQ 4.0, Redis 8 and Kafka 4
#     --write                         puts the tables into docs/reliability.md
#     --short                         a few faults over two carriers, a minute in all: what the tests run
#
# Ends with 1 if anything accepted was lost where the carrier keeps it, or repeated without a mark; if a call outlasted its
# deadline, a program crashed, or a service did not answer again.
# WAYBILL_FAULTS_BUILD: a build folder with the programs in tests/faults, in place of building them.
# Needs what scripts/test.sh installs; some faults need root. Logs and journals stay in build/faults.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$root"

case " $* " in *' --help '* | *' -h '*) sed -n '2,19s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;; esac
build="${WAYBILL_FAULTS_BUILD:-}"
if [ -z "$build" ]; then
  build="$root/build/release"
  mkdir -p build/faults
  { require_known_system && install_packages "${packages_full[@]}" python3 iproute2 &&
    cmake --preset release && cmake --build --preset release --parallel "$jobs" --target faults_service faults_client faults_kafka; } \
    >build/faults/build.log 2>&1 </dev/null || {
    grep -E -A12 'error|FAILED|Error' build/faults/build.log | head -n 60 >&2
    die "the build failed, see build/faults/build.log"
  }
fi
exec python3 tests/faults/run.py --build "$build/tests/faults" "$@"

#!/usr/bin/env bash
# Runs the tests; installs what they need on Debian 12 and Ubuntu 24.04. CI runs it without arguments.
#
#   scripts/test.sh               everything: all parts below, in this order
#   scripts/test.sh PART...       check    formatting and house rules
#                                 dev      the tests of the dev build that need no broker: unit, conformance, simulation,
#                                          interop, package, stress
#                                 brokers  those that do: conformance, integration and interop over Redis, RabbitMQ and
#                                          Kafka, which it brings up
#                                 newer    their conformance and integration again, over RabbitMQ 4.0, Redis 8, Kafka 4;
#                                          tokens and threads with Asio 1.30; spans of OpenTelemetry, in Debian 13
#                                 asan     unit, conformance, simulation and stress, without brokers, under address and
#                                          undefined behaviour sanitizers; over brokers only hosts with threads
#                                 tsan     the same under the thread sanitizer, without the simulation
#                                 fuzz     the fuzz targets, a minute in all
#                 or, by itself:  quick    check, and unit and conformance of the dev build
#                                 interop  the tests against NestJS of the dev build
#
# Builds go to build/<preset>, 15 GB in all. WAYBILL_TEST_REQUIRE=all turns skipped tests into failures; with
# WAYBILL_TEST_SPARE_DISK=1 a build whose tests have passed is removed as soon as no other part needs it; with
# WAYBILL_TEST_AGAIN=1 one or two tests over brokers that fail are run once more, and said to be UNSTABLE if they pass.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$root/scripts/lib/node.sh"
cd "$root" || exit 1

parts=("$@")
[ "${#parts[@]}" -gt 0 ] || parts=(check dev brokers newer asan tsan fuzz)
for part in "${parts[@]}"; do
  case "$part" in
    check | dev | brokers | newer | asan | tsan | fuzz | quick | interop) ;;
    *) die "unknown part '$part': check, dev, brokers, newer, asan, tsan, fuzz, quick or interop" ;;
  esac
done
wants() { case " ${parts[*]} " in *" $1 "*) true ;; *) false ;; esac; }

logs="$root/build/test-logs"
mkdir -p "$logs"
total=0
failures=0
summary=()
note() { summary+=("$(printf '%-12s %-8s %s' "$1" "$2" "$3")"); }

# build_quietly PRESET [CMAKE-ARGUMENT...]
build_quietly() {
  "${within[@]}" cmake --preset "$1" "${linker[@]}" "${@:2}" && "${within[@]}" cmake --build --preset "$1" --parallel "$jobs"
}

# build_ahead PRESET...: in the background, with what the tests leave of the processors: those over brokers wait most of the
# time. build then waits for it.
ahead=()
ahead_job=''
build_ahead() {
  ahead=("$@")
  [ "$#" -gt 0 ] || return 0
  rm -f "${@/#/$logs/ahead-}"
  (
    renice -n 19 "$BASHPID" >/dev/null
    for preset in "$@"; do
      build_quietly "$preset" >"$logs/build-$preset.log" 2>&1 </dev/null
      echo "$?" >"$logs/ahead-$preset.new"
      mv "$logs/ahead-$preset.new" "$logs/ahead-$preset"
    done
  ) &
  ahead_job=$!
}
# was_built_ahead PRESET: waits for it, and says how it ended. Fails also where it was not asked for.
was_built_ahead() {
  case " ${ahead[*]} " in *" $1 "*) ;; *) return 1 ;; esac
  while [ ! -e "$logs/ahead-$1" ]; do
    kill -0 "$ahead_job" 2>/dev/null || [ -e "$logs/ahead-$1" ] || return 1
    sleep 1
  done
  [ "$(<"$logs/ahead-$1")" -eq 0 ]
}

# build PRESET [CMAKE-ARGUMENT...]
build() {
  say "Build: $1"
  local log="$logs/build-$1.log"
  was_built_ahead "$1" && return
  build_quietly "$@" >"$log" 2>&1 </dev/null && return
  grep -E -A12 'error|FAILED|Error' "$log" | head -n 60
  note "build $1" FAILED "see build/test-logs/build-$1.log"
  total=$((total + 1))
  failures=$((failures + 1))
  return 1
}

# run_tests NAME PRESET CTEST-ARGUMENT...: runs and counts.
run_tests() {
  local name="$1" preset="$2" log="$logs/ctest-$1.log" line
  shift 2
  say "Test: $name"
  "${within[@]}" ctest --test-dir "$root/build/$preset" --output-on-failure --no-tests=error --parallel "$jobs" "$@" \
    >"$log" 2>&1 </dev/null
  local status=$?
  line="$(grep -E '^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" | tail -n 1)"
  if [ -z "$line" ]; then
    tail -n 20 "$log"
    note "$name" FAILED "ran no test"
    total=$((total + 1))
    failures=$((failures + 1))
    return 1
  fi
  local failed_here total_here
  failed_here="$(sed -E 's/.*passed, ([0-9]+) .*/\1/' <<<"$line")"
  total_here="$(sed -E 's/.*out of ([0-9]+).*/\1/' <<<"$line")"
  # ctest counts a skipped test as passed.
  local skipped
  skipped="$(grep -cE '\*\*\*Skipped' "$log")"
  total=$((total + total_here))
  failures=$((failures + failed_here))
  if [ "$skipped" -gt 0 ] && [ "${WAYBILL_TEST_REQUIRE:-}" = all ]; then
    grep -E '\*\*\*Skipped' "$log"
    note "$name" FAILED "$skipped of $total_here skipped, and WAYBILL_TEST_REQUIRE=all"
    failures=$((failures + skipped))
  elif [ "$status" -eq 0 ]; then
    sed -n '/tests passed, /,$p' "$log"
    note "$name" ok "$total_here passed$([ "$skipped" -gt 0 ] && echo ", $skipped of them skipped")"
  else
    grep -vE '^ *[0-9]+/[0-9]+ Test +#.* Passed |^ +Start +[0-9]+: ' "$log" | tail -n 400
    note "$name" FAILED "$failed_here of $total_here, see build/test-logs/ctest-$name.log"
    [ "$failed_here" -gt 0 ] || failures=$((failures + 1))
    return 1
  fi
}

# run_tests_over_brokers: as run_tests; with WAYBILL_TEST_AGAIN=1 at most two failed tests are run once more, alone, since
# brokers that share the machine with a build may be late; never what a sanitizer has found. It is said which.
run_tests_over_brokers() {
  local failures_before="$failures" log="$logs/ctest-$1.log" unstable
  run_tests "$@" && return
  unstable="$(sed -n '/The following tests FAILED:/,$p' "$log" | sed -nE 's/^[[:space:]]+[0-9]+ - (.*) \(.*/\1/p')"
  [ "${WAYBILL_TEST_AGAIN:-}" = 1 ] && [ "$((failures - failures_before))" -le 2 ] || return 1
  grep -qE 'Sanitizer|runtime error:' "$log" && return 1
  [ "$(grep -c . <<<"$unstable")" -eq "$((failures - failures_before))" ] || return 1
  say "Test: $1: once more: ${unstable//$'\n'/, }"
  "${within[@]}" ctest --test-dir "$root/build/$2" --output-on-failure --rerun-failed >"$logs/ctest-$1-again.log" 2>&1 </dev/null || {
    tail -n 60 "$logs/ctest-$1-again.log"
    return 1
  }
  failures="$failures_before"
  unset 'summary[-1]'
  note "$1" UNSTABLE "passed at the second attempt only: ${unstable//$'\n'/, }"
}

# is_done_with PRESET: its build is not needed any more. What failed stays to be looked at.
is_done_with() {
  [ "${WAYBILL_TEST_SPARE_DISK:-}" = 1 ] && [ "$failures" -eq 0 ] || return 0
  rm -rf "${root:?}/build/$1"
}

# bring_up_brokers: the brokers of the tests, with their URLs in the environment, until take_down_brokers or the end. Where
# the environment names brokers already, those are used. WAYBILL_BROKERS_NEWER=1: the newer generation.
given_urls="${WAYBILL_TEST_REDIS_URL:-}${WAYBILL_TEST_AMQP_URL:-}${WAYBILL_TEST_KAFKA_URL:-}"
started=()
bring_up_brokers() {
  local name variables status
  if [ -n "$given_urls" ]; then
    say "Brokers: those of the environment"
    return
  fi
  say "Brokers${WAYBILL_BROKERS_NEWER:+, the newer generation}"
  status="$("$root/scripts/brokers.sh" status 2>/dev/null)"
  for name in redis rabbitmq kafka; do
    grep -q "^$name up" <<<"$status" || started+=("$name")
  done
  trap take_down_brokers EXIT
  if variables="$("$root/scripts/brokers.sh" up)"; then
    eval "$variables"
  else
    note brokers FAILED "see above, and build/brokers/*/log"
    total=$((total + 1))
    failures=$((failures + 1))
  fi
}
take_down_brokers() {
  trap - EXIT
  [ "${#started[@]}" -eq 0 ] || "$root/scripts/brokers.sh" down "${started[@]}"
  started=()
}

say "Disk: $(df -h --output=avail "$root" | tail -n 1 | tr -d ' ') free; all parts together take 15 GB"
require_known_system
packages=("${packages_full[@]}" "${packages_check[@]}")
wants fuzz && packages+=("${packages_fuzz[@]}")
install_packages "${packages[@]}" mold
if wants dev || wants quick; then ensure_promtool; fi
within=()  # how to run a program in another system; empty: in this one
linker=(-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=mold -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=mold)  # hundreds of test programs
if wants dev || wants interop || wants brokers || wants newer; then
  ensure_nestjs
  # For the page at /docs: its test is there where a browser is. Ubuntu has none as a package.
  if ! command -v chromium >/dev/null && grep -q '^ID=debian' /etc/os-release; then
    (install_packages chromium) || say "Packages: no chromium, so the page at /docs is not tested in a browser"
  fi
fi

if wants check || wants quick; then
  total=$((total + 1))
  if "$root/scripts/check.sh"; then
    note check ok "formatting and house rules"
  else
    note check FAILED "run scripts/check.sh"
    failures=$((failures + 1))
  fi
fi


over_brokers='conformance_(redis|amqp|kafka)|integration_'
threads_over_brokers='stress_host_threads[.]Brokers/'
needs_broker="^($over_brokers|$threads_over_brokers|interop[.](redis|rmq|kafka)[.])"
if wants dev && build dev; then
  run_tests dev dev -E "$needs_broker"
elif wants quick && build dev; then
  run_tests quick dev -L '^(unit|conformance)$' -E "$needs_broker"
elif wants interop && build dev; then
  bring_up_brokers
  run_tests interop dev -L '^interop$'
fi
built_beside_brokers=()
for part in asan tsan fuzz; do
  if wants "$part"; then built_beside_brokers+=("$part"); fi
done
if wants brokers && { wants dev || build dev; }; then
  build_ahead "${built_beside_brokers[@]}"
  bring_up_brokers
  run_tests_over_brokers brokers dev -R "$needs_broker"
  take_down_brokers
fi
if wants newer && { wants dev || wants brokers || build dev; }; then
  if [ -n "$given_urls" ]; then
    say "Test: newer: not run, the environment names the brokers"
  else
    export WAYBILL_BROKERS_NEWER=1
    bring_up_brokers
    run_tests_over_brokers newer dev -R "^($over_brokers|$threads_over_brokers.*_4_threads)" -E '^integration_faults[.]'
    take_down_brokers
    unset WAYBILL_BROKERS_NEWER
  fi
fi
if wants newer; then
  # Only Asio's headers are needed, in a folder of their own: the compiler and all else are this system's.
  if ! (folder='' && . "$root/scripts/lib/brokers/newer.sh" && newer_install libasio-dev); then
    note newer-asio FAILED "could not be installed"
    total=$((total + 1))
    failures=$((failures + 1))
  elif ! { rm -rf "$root/build/asio-of-debian-13" && mkdir -p "$root/build/asio-of-debian-13" &&
    cp -r "${WAYBILL_NEWER_TREE:-$root/build/debian-13}"/usr/include/asio{,.hpp} "$root/build/asio-of-debian-13"; }; then
    note newer-asio FAILED "its headers could not be copied"
    total=$((total + 1))
    failures=$((failures + 1))
  elif build newer-asio "-DAsio_INCLUDE_DIR=$root/build/asio-of-debian-13"; then
    run_tests newer-asio newer-asio -R '^(unit_asio_tokens|stress_host_threads)[.]' -E "$needs_broker"
    is_done_with newer-asio
  fi
  # What this system does not have: compiler, libraries and tests are the tree's.
  if ! (folder='' && . "$root/scripts/lib/brokers/newer.sh" && newer_install "${packages_opentelemetry[@]}"); then
    note opentelemetry FAILED "could not be installed"
    total=$((total + 1))
    failures=$((failures + 1))
  else
    folder="$root" && . "$root/scripts/lib/brokers/newer.sh"
    within=("${newer_enter[@]}" sh -c 'cd "$0" && exec "$@"' "$root")
    build opentelemetry && run_tests opentelemetry opentelemetry -R '^telemetry_'
    within=()
    is_done_with opentelemetry
  fi
fi
is_done_with dev

# run_sanitized PRESET LABELS: without brokers, but for hosts with threads; the brokers stay up for the next.
run_sanitized() {
  local -x ASAN_OPTIONS="detect_stack_use_after_return=1:${ASAN_OPTIONS:-}"
  local -x UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
  local -x TSAN_OPTIONS="halt_on_error=1:${TSAN_OPTIONS:-}"
  run_tests "$1" "$1" -L "$2" -E "$needs_broker"
  [ -z "$ahead_job" ] || wait "$ahead_job"  # brokers that have just started need the processors
  bring_up_brokers
  TSAN_OPTIONS="suppressions=$root/tests/stress/tsan.supp:$TSAN_OPTIONS"  # of librdkafka
  run_tests_over_brokers "$1-brokers" "$1" -R "^$threads_over_brokers.*_4_threads"
  is_done_with "$1"
}
if wants asan && build asan; then run_sanitized asan '^(unit|conformance|simulation|stress)$'; fi
if wants tsan && build tsan; then run_sanitized tsan '^(unit|conformance|stress)$'; fi
take_down_brokers
if wants fuzz && build fuzz; then
  run_tests fuzz fuzz -L '^fuzz$'
fi

echo
say "Summary"
printf '   %s\n' "${summary[@]}"
percent=0
[ "$total" -eq 0 ] || percent=$(((total - failures) * 100 / total))
printf '\n%d%% tests passed, %d tests failed out of %d\n' "$percent" "$failures" "$total"
[ "$failures" -eq 0 ] && [ "$total" -gt 0 ]

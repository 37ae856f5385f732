#!/usr/bin/env bash
# Measures waybill beside the bare library and beside NestJS, all in one run, and prints a Markdown table.
#
#   scripts/bench.sh tcp      bare Asio, waybill and NestJS on TCP (docs/benchmarks.md says how to read it)
#   scripts/bench.sh redis    bare hiredis, waybill and NestJS on Redis pub/sub, on a broker of its own
#   scripts/bench.sh kafka    bare librdkafka, waybill and NestJS on Kafka, on a broker of its own
#   scripts/bench.sh amqp     bare rabbitmq-c, waybill and NestJS on RabbitMQ, on a broker of its own
#   scripts/bench.sh instructions  how many a request takes on TCP outside the kernel, bare Asio and waybill, by callgrind;
#                             --handlers bytes,typed --inflight 1,64 --programs raw_asio,waybill_bench choose from them
#   scripts/bench.sh metrics  requests per second on TCP with metrics on, as a ratio to those without
#   scripts/bench.sh gateway  an HTTP server on bare RESTinio and waybill's, in front of one service; wrk asks
#   scripts/bench.sh codec    the serializers by themselves; further arguments go to Google Benchmark
#
# BENCH_ROUNDS   how often everything is run (5)       BENCH_SECS  seconds of each measurement (2)
# BENCH_WARMUP   seconds before each measurement (0.5)       BENCH_REQUESTS  requests that instructions counts (4000)
# WAYBILL_BENCH_BUILD   a build folder with the programs in bench/, in place of building the release preset
#
# Needs what scripts/test.sh installs. Results also go to build/bench.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$root/scripts/lib/node.sh"
cd "$root" || exit 1

what="${1:-}"
case "$what" in
  tcp | redis | amqp | kafka | instructions | metrics | gateway | codec) shift ;;
  *) die "usage: scripts/bench.sh tcp|redis|amqp|kafka|instructions|metrics|gateway|codec" ;;
esac

results="$root/build/bench"
mkdir -p "$results"
build="${WAYBILL_BENCH_BUILD:-$root/build/release}"

# build_programs TARGET...
build_programs() {
  if [ -n "${WAYBILL_BENCH_BUILD:-}" ]; then
    say "Build: none, the programs are taken from $build"
    return
  fi
  require_known_system
  install_packages "${packages_full[@]}" python3
  say "Build: release"
  { cmake --preset release && cmake --build --preset release --parallel "$jobs" --target "$@"; } \
    >"$results/build.log" 2>&1 </dev/null || {
    grep -E -A12 'error|FAILED|Error' "$results/build.log" | head -n 60
    die "the build failed, see build/bench/build.log"
  }
}

print_machine() {
  local governor=/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor
  say "Machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $jobs cores," \
    "$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r)," \
    "governor $(cat "$governor" 2>/dev/null || echo unknown), load $(cut -d' ' -f1 /proc/loadavg)"
  say "Versions: waybill $(git rev-parse --short HEAD 2>/dev/null || echo unknown)," \
    "$(g++ --version 2>/dev/null | head -n 1), Asio $(dpkg-query -W -f='${Version}' libasio-dev 2>/dev/null || echo unknown)," \
    "simdjson $(dpkg-query -W -f='${Version}' libsimdjson-dev 2>/dev/null || echo unknown)${1:+, $1}"
}

if [ "$what" = codec ]; then
  build_programs codec_bench
  print_machine
  exec "$build/bench/codec_bench" "$@"
fi

if [ "$what" = instructions ]; then
  build_programs raw_asio waybill_bench
  install_packages valgrind
  print_machine
  exec python3 bench/instructions.py --build "$build" --results "$results" "$@"
fi

if [ "$what" = metrics ]; then
  build_programs waybill_bench
  print_machine
  exec python3 bench/metrics.py --build "$build" --results "$results"
fi

if [ "$what" = gateway ]; then
  install_packages wrk librestinio-dev  # before the build: without RESTinio there is nothing to measure beside
  build_programs gateway_bench
  print_machine "RESTinio $(dpkg-query -W -f='${Version}' librestinio-dev), $(wrk -v 2>&1 | head -n 1)"
  exec python3 bench/gateway.py --build "$build" --results "$results"
fi

# The bare program beside waybill, and the broker it needs, by scripts/brokers.sh's name.
case "$what" in
  tcp) raw=raw_asio broker='' ;;
  redis) raw=raw_redis broker=redis ;;
  kafka) raw=raw_kafka broker=kafka ;;
  amqp) raw=raw_amqp broker=rabbitmq ;;
esac
build_programs "$raw" waybill_bench
nestjs=''
versions=''
nestjs_pin="$(sed -n 's/.*"@nestjs\/microservices": "\(.*\)".*/\1/p' tests/interop/package.json)"

# The pinned NestJS is installed only where it is not there yet: an installation begins by removing what is there.
nestjs_is_there() {
  ensure_node
  grep -qs "\"version\": \"$nestjs_pin\"" tests/interop/node_modules/@nestjs/microservices/package.json &&
    node --input-type=module -e "await import('$root/tests/interop/lib/nest.mjs')" 2>/dev/null
}
# In a subshell: without network the rest is measured all the same.
if (nestjs_is_there || ensure_nestjs) && ensure_node; then
  nestjs="node $root/bench/nestjs.mjs"
  versions="NestJS $nestjs_pin, Node.js $(node --version)"
fi
print_machine "$versions"
if [ -z "$broker" ]; then
  exec python3 bench/driver.py "$what" --build "$build" --results "$results" --nestjs "$nestjs"
fi

export WAYBILL_BROKERS_DIR="$results/brokers"
trap 'scripts/brokers.sh down "$broker" 2>/dev/null' EXIT
scripts/brokers.sh up "$broker" >/dev/null || die "the broker did not come up"
port="$(cat "$WAYBILL_BROKERS_DIR/ports/$broker")"
pid="$(cat "$WAYBILL_BROKERS_DIR/$broker/pid")"
python3 bench/driver.py "$what" --build "$build" --results "$results" --nestjs "$nestjs" \
  --broker "$port" --broker-pid "$pid"

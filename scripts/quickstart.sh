#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a running service: installs what is missing, builds a small waybill, starts
# the hello service and calls it on two transports and over HTTP. Takes two or three minutes; leaves nothing running.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

build="$root/build/quickstart"
service=''
gateway=''
work="$(mktemp -d)"
clean_up() {
  for process in $service $gateway; do
    kill "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

require_known_system
install_packages "${packages_minimal[@]}" libyaml-cpp-dev libhttp-parser-dev curl

say "Build: core, the memory and tcp transports, JSON, HTTP, three examples and the command line, in build/quickstart; two minutes or so"
# Without optimization: it is there to be tried soon, not to be measured.
{
  cd "$root" &&
    cmake --preset minimal -B "$build" -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DWAYBILL_WERROR=OFF \
      -DWAYBILL_BUILD_EXAMPLES=ON -DWAYBILL_BUILD_TOOLS=ON -DWAYBILL_WITH_YAML=ON -DWAYBILL_WITH_GATEWAY=ON &&
    cmake --build "$build" --parallel "$jobs" --target hello embedded gateway waybill_cli
} >"$work/build.log" 2>&1 </dev/null || {
  tail -n 40 "$work/build.log" >&2
  die "the build failed"
}

# One process: service and client meet within it, and nothing else is there.
say "Call on memory:// (one process, no network): examples/embedded"
"$build/examples/embedded" 2>"$work/embedded.log" >"$work/embedded.out" </dev/null || {
  cat "$work/embedded.log" >&2
  die "the call on memory:// failed"
}
sed 's/^/   /' "$work/embedded.out"
grep -q 'hello World' "$work/embedded.out" || die "the answer on memory:// is not 'hello World'"

# Two processes: the same handler, and another URL.
say "Start the hello service on tcp://127.0.0.1, any free port: examples/hello"
cd "$work"
WAYBILL_LISTEN=tcp://127.0.0.1:0 "$build/examples/hello" >"$work/hello.log" 2>&1 </dev/null &
service=$!
wait_for_line "$work/hello.log" 'listening on tcp://' 20 "$service" || {
  cat "$work/hello.log" >&2
  die "the hello service did not start"
}
url="$(grep -oE 'tcp://[0-9.]+:[0-9]+' "$work/hello.log" | head -n 1)"

say "Call on TCP: waybill request $url '{\"cmd\":\"hello\"}' '\"World\"'"
answer="$("$build/tools/waybill" request "$url" '{"cmd":"hello"}' '"World"' </dev/null)" || die "the call on TCP failed"
printf '   %s answers: %s\n' "$url" "$answer"
[ "$answer" = '"hello World"' ] || die "the answer on TCP is not \"hello World\""

# HTTP in front of the same service, which does not know it.
say "Start a gateway on any free port: examples/gateway"
cd "$root/examples/gateway"
PORT=0 HELLO_SERVICE_PORT="${url##*:}" "$build/examples/gateway" >"$work/gateway.log" 2>&1 </dev/null &
gateway=$!
wait_for_line "$work/gateway.log" 'GET /hello' 20 "$gateway" || {
  cat "$work/gateway.log" >&2
  die "the gateway did not start"
}
port="$(grep -oE 'http://[0-9.]+:[0-9]+: GET /hello' "$work/gateway.log" | grep -oE '[0-9]+: GET' | grep -oE '[0-9]+')"
say "Call over HTTP: curl 'http://127.0.0.1:$port/hello?name=World'"
answer="$(curl -sS --max-time 10 "http://127.0.0.1:$port/hello?name=World")" || die "the call over HTTP failed"
printf '   %s\n' "$answer"
[ "$answer" = 'hello World' ] || die "the answer over HTTP is not 'hello World'"

cat <<END

It works: one handler, {"cmd":"hello"} -> "hello NAME", was called within a process, over TCP and over HTTP. The handler is the same.
All is stopped again. What to try next, line by line in bash:

  cd $root
  (cd examples/hello && exec ../../build/quickstart/examples/hello) &   # where examples/hello/.env says: port 3000
  build/quickstart/tools/waybill request tcp://127.0.0.1:3000 '{"cmd":"hello"}' '"you"'
  kill %%                                                               # SIGTERM: it finishes what it has, and ends

  build/quickstart/tools/waybill listen tcp://127.0.0.1:3001 'order.*' &   # prints the events that arrive
  build/quickstart/tools/waybill emit tcp://127.0.0.1:3001 order.created '{"id":"a-1"}'
  kill %%

To read: examples/hello/main.cpp, the whole service; README.md, a client and your own build; docs/, the rest.
To run every test (up to an hour; installs brokers and Node.js): scripts/test.sh
END

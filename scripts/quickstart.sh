#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a running service: installs what is missing, builds a small waybill, starts
# the hello service and calls it on two transports. Takes a minute or two; leaves nothing running.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

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
trap 'exit 130' INT TERM

require_known_system
install_packages "${packages_minimal[@]}"

say "Build: core, the memory and tcp transports, JSON, two examples and the command line, in build/quickstart; a minute or two"
# Without optimization: it is there to be tried soon, not to be measured.
{
  cd "$root" &&
    cmake --preset minimal -B "$build" -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DWAYBILL_WERROR=OFF \
      -DWAYBILL_BUILD_EXAMPLES=ON -DWAYBILL_BUILD_TOOLS=ON &&
    cmake --build "$build" --parallel "$jobs" --target hello embedded waybill_cli
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

cat <<END

It works: one handler, {"cmd":"hello"} -> "hello NAME", was called within a process and over TCP. Only the URL changed.
The service is stopped again. What to try next, line by line in bash:

  cd $root
  (cd examples/hello && exec ../../build/quickstart/examples/hello) &   # where examples/hello/.env says: port 3000
  build/quickstart/tools/waybill request tcp://127.0.0.1:3000 '{"cmd":"hello"}' '"you"'
  kill %%                                                               # SIGTERM: it finishes what it has, and ends

  build/quickstart/tools/waybill listen tcp://127.0.0.1:3001 'order.*' &   # prints the events that arrive
  build/quickstart/tools/waybill emit tcp://127.0.0.1:3001 order.created '{"id":"a-1"}'
  kill %%

To read: examples/hello/main.cpp, the whole service; README.md, a client and your own build; docs/, the rest.
To run every test (half an hour; installs brokers and Node.js): scripts/test.sh
END

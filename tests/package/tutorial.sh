#!/usr/bin/env bash
# docs/tutorial.md, done as it says, in an empty folder, with an installed waybill: tutorial.sh WORK WAYBILL CMAKE_ARGUMENT...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
work="$1" waybill="$2"
shift 2
rm -rf "$work"
mkdir -p "$work"
cd "$work"

# Every block under a line that begins with a name in bold is the file of that name.
awk '
  /^\*\*[^*]+\*\*/ { name = $0; sub(/^\*\*/, "", name); sub(/\*\*.*/, "", name); next }
  /^```/ { if (inside) { inside = 0; close(name); name = "" } else if (name != "") inside = 1; next }
  inside { print > name }' "$root/docs/tutorial.md"
for file in hello.cpp front.cpp CMakeLists.txt gateway.yaml front.yaml ops.yaml; do
  [ -s "$file" ] || die "the tutorial has no $file"
done
cmake -S . -B build "$@"
cmake --build build

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
running=()
trap 'for process in "${running[@]}"; do kill "$process" 2>/dev/null || true; done' EXIT
# start NAME COMMAND...
start() {
  local name="$1"
  shift
  "$@" >"$name.log" 2>&1 </dev/null &
  running+=("$!")
}
# says WANTED COMMAND...: within ten seconds.
says() {
  local wanted="$1" got=''
  shift
  for _ in $(seq 1 100); do
    got="$("$@" 2>&1)" && [ "$got" = "$wanted" ] && return
    sleep 0.1
  done
  die "$*: expected '$wanted', got '$got'"
}

# The ports of the page may be in use here: others in their place.
service="$(free_port)" public="$(free_port)"
sed -i "s/:8001/:$service/; s/:8800/:$public/" gateway.yaml
start hello env "WAYBILL_LISTEN=tcp://127.0.0.1:$service" build/hello
says '"hello hohoho"' "$waybill" request "tcp://127.0.0.1:$service" '{"cmd":"hello"}' '"hohoho"'
"$waybill" check gateway.yaml
start gateway "$waybill" gateway gateway.yaml
says 'hello hohoho' curl -s "http://127.0.0.1:$public/hello?name=hohoho"

export PORT MS_PORT
PORT="$(free_port)" MS_PORT="$(free_port)"
start front build/front
says 'hello hohoho' curl -s "http://127.0.0.1:$PORT/hello?name=hohoho"
says '"hello you"' "$waybill" request "tcp://127.0.0.1:$MS_PORT" '{"cmd":"hello"}' '"you"'
PORT="$(free_port)" MS_PORT="$(free_port)"
HELLO_URL="tcp://127.0.0.1:$service" start split build/front
says 'hello two' curl -s "http://127.0.0.1:$PORT/hello?name=two"

PORT="$(free_port)" MS_PORT="$(free_port)"
start ops build/front ops.yaml
says "$(sed -n 's/^{"ready"/&/p' "$root/docs/tutorial.md")" curl -s "http://127.0.0.1:$PORT/readyz"
says 'hello two' curl -s "http://127.0.0.1:$PORT/hello?name=two"
curl -s "http://127.0.0.1:$PORT/metrics" | grep '^waybill_http_requests_total' >/dev/null || die "no metrics"
"$waybill" ps "tcp://127.0.0.1:$MS_PORT" | grep '^front  1.0.0 ' >/dev/null || die "waybill ps does not list it"

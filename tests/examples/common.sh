# For tests of examples: programs that are ended with the test, ports that are free, and what is expected of a call.
set -uo pipefail
examples="$1" waybill="$2"
work="$(mktemp -d)"
running=()
clean_up() {
  for pid in "${running[@]}"; do kill -9 "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  echo "FAILED: $*"
  tail -n 20 "$work"/*.log
  exit 1
}
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# start NAME COMMAND...: in the background, in the current folder; its log is $work/NAME.log, its process $pid.
start() {
  local name="$1"
  shift
  "$@" >"$work/$name.log" 2>&1 </dev/null &
  pid=$!
  running+=("$pid")
}
# ends PID STATUS: after SIGTERM, with that status.
ends() {
  kill -TERM "$1"
  wait "$1"
  local status=$?
  [ "$status" = "$2" ] || fail "process ended with $status instead of $2"
}
# eventually COMMAND...: within half a minute it succeeds: a Kafka that has just started is slow.
eventually() {
  for _ in $(seq 1 300); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  fail "never: $*"
}
# says WANTED URL CURL_OPTION...: the body of the response.
says() {
  local wanted="$1" got
  shift
  got="$(curl -sS --max-time 10 "$@")" || fail "curl $*: $got"
  [ "$got" = "$wanted" ] || fail "curl $*: expected '$wanted', got '$got'"
}
# status WANTED URL CURL_OPTION...
status() {
  local wanted="$1" got
  shift
  got="$(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$@")" || fail "curl $*: $got"
  [ "$got" = "$wanted" ] || fail "curl $*: expected status $wanted, got $got"
}

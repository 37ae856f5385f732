#!/usr/bin/env bash
# One program, and the same split in two: hybrid.sh FOLDER_OF_PROGRAMS WAYBILL
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export MS_PORT PORT
MS_PORT="$(free_port)" PORT="$(free_port)"
url="http://127.0.0.1:$PORT"

cd "$WAYBILL_SOURCE/examples/hybrid" || exit 1
start hybrid "$examples/hybrid"
one=$pid
eventually curl -sf "$url/readyz"
says 'hello hohoho' "$url/hello?name=hohoho"
curl -sf "$url/metrics" | grep -qF 'waybill_http_requests_total{method="GET",route="/hello",status="200"} 1' || fail "no metrics"
answer="$("$waybill" request "tcp://127.0.0.1:$MS_PORT" '{"cmd":"hello"}' '"you"')"
[ "$answer" = '"hello you"' ] || fail "over TCP it says $answer"

inside="$MS_PORT"
MS_PORT="$(free_port)" PORT="$(free_port)"
HELLO_URL="tcp://127.0.0.1:$inside" start second "$examples/hybrid"
two=$pid
eventually curl -sf "http://127.0.0.1:$PORT/readyz"
says 'hello two' "http://127.0.0.1:$PORT/hello?name=two"
ends "$one" 0
status 503 "http://127.0.0.1:$PORT/hello?name=two"
ends "$two" 0

# Started and ended again and again under load: what was accepted is answered, and the end is 0.
for round in $(seq 1 10); do
  start "round" "$examples/hybrid"
  one=$pid
  eventually curl -sf "http://127.0.0.1:$PORT/readyz"
  curl -sS --max-time 10 -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$PORT/hello?name=[1-300]" >"$work/codes" 2>/dev/null &
  load=$!
  sleep 0.05
  ends "$one" 0
  wait "$load"
  sort -u "$work/codes" | grep -vE '^(200|000)$' && fail "round $round: an answer that is not 200"
done
echo ok

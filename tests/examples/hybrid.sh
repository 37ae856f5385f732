#!/usr/bin/env bash
# One program, and the same split in two: hybrid.sh FOLDER_OF_PROGRAMS WAYBILL
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export MS_PORT PORT
MS_PORT="$(free_port)" PORT="$(free_port)"
url="http://127.0.0.1:$PORT"

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$WAYBILL_SOURCE/examples/hybrid" || exit 1
start hybrid "$examples/hybrid"
one=$pid
eventually curl -sf "$url/readyz"
says 'hello hohoho' "$url/hello?name=hohoho"
curl -sf "$url/metrics" | grep -F 'waybill_http_requests_total{method="GET",route="/hello",status="200"} 1' >/dev/null || fail "no metrics"
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

# That a program loses its own listener when it ends is no news.
MS_PORT="$(free_port)" PORT="$(free_port)"
start quiet "$examples/hybrid"
one=$pid
eventually curl -sf "http://127.0.0.1:$PORT/readyz"
says 'hello me' "http://127.0.0.1:$PORT/hello?name=me"
ends "$one" 0
if grep ' warning ' "$work/quiet.log"; then fail "an orderly end warns"; fi

# Started and ended again and again under load.
"$here/cycles.py" "$examples/hybrid" "$PWD" 20 || fail "see above"
echo ok

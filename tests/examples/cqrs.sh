#!/usr/bin/env bash
# Orders by command, event and query: cqrs.sh FOLDER_OF_PROGRAMS WAYBILL [BROKER_URL]
# Without a broker all parts are one program; with one they are three, which are killed and started again in between.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
broker="${3:-}"
export PORT ORDERS_FILE="$work/orders.jsonl"
PORT="$(free_port)"
url="http://127.0.0.1:$PORT"

# place ITEM: accepts an order; its id is in $id.
place() {
  id="$(curl -sS --max-time 10 "$url/orders" -H 'Content-Type: application/json' -d "{\"item\":\"$1\",\"quantity\":2}" |
    sed -nE 's/^\{"id":"([^"]+)"\}$/\1/p')"
  [ -n "$id" ] || fail "the order of $1 was not accepted"
}
# is ID STATE
is() { [[ "$(curl -sS --max-time 10 "$url/orders/$1")" == *"\"state\":\"$2\""* ]]; }
ready() { curl -sf --max-time 5 "$url/readyz"; }

cd "$WAYBILL_SOURCE/examples/cqrs" || exit 1

if [ -z "$broker" ]; then
  unset BROKER_URL
  start cqrs "$examples/cqrs"
  all=$pid
  eventually ready
  status 400 "$url/orders" -H 'Content-Type: application/json' -d '{"item":"tea","quantity":"two"}'
  status 400 "$url/orders" -H 'Content-Type: application/json' -d '{"item":"tea","quantity":0}'
  status 415 "$url/orders" -d 'item=tea'
  status 404 "$url/orders/unknown"
  status 202 "$url/orders" -H 'Content-Type: application/json' -d '{"item":"tea","quantity":1}'
  place coffee
  eventually is "$id" placed
  events="$(curl -sSN --max-time 10 -H 'Accept: text/event-stream' "$url/orders/$id/events")" || fail "the stream did not end"
  for state in placed paid shipped; do
    [[ "$events" == *"\"state\":\"$state\""* ]] || fail "the stream has no '$state': $events"
  done
  is "$id" shipped || fail "it ended before the order was shipped"
  ends "$all" 0
  # It starts again, and knows what there was.
  printf '{"id":"cut off in the mid' >>"$ORDERS_FILE"
  start again "$examples/cqrs"
  all=$pid
  eventually ready
  is "$id" shipped || fail "forgotten after a restart"
  place again
  eventually is "$id" shipped
  ends "$all" 0
  echo ok
  exit 0
fi

export BROKER_URL="$broker"
start work "$examples/cqrs" work.yaml
worker=$pid
start view "$examples/cqrs" view.yaml
view=$pid
eventually grep -q 'listening on' "$work/work.log"
eventually grep -q 'listening on' "$work/view.log"
start http "$examples/cqrs" http.yaml
gateway=$pid
eventually ready

# Each part is killed in the middle of the work, and started again.
ids=()
for round in 1 2 3; do
  for n in 1 2 3 4 5; do
    place "item-$round-$n"
    ids+=("$id")
  done
  sleep 0.1
  kill -9 "$worker" "$view"
  place "while-they-are-away-$round"
  ids+=("$id")
  start "work-$round" "$examples/cqrs" work.yaml
  worker=$pid
  start "view-$round" "$examples/cqrs" view.yaml
  view=$pid
done
ends "$gateway" 0
start http-again "$examples/cqrs" http.yaml
gateway=$pid
eventually ready
for id in "${ids[@]}"; do
  for _ in $(seq 1 30); do
    is "$id" shipped && break
    sleep 1
  done
  is "$id" shipped || fail "order $id: $(curl -sS --max-time 10 "$url/orders/$id")"
done
for part in "$gateway" "$worker" "$view"; do ends "$part" 0; done
echo ok

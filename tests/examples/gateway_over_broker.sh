#!/usr/bin/env bash
# gateway_over_broker.sh FOLDER_OF_PROGRAMS WAYBILL redis|amqp|kafka: another carrier by other URLs alone, and what callers are
# told while the service is away, as the README says.
here="$(dirname "${BASH_SOURCE[0]}")"
. "$here/broker.sh"
use_broker "$3"
. "$here/common.sh"
fresh="gateway-$$-$RANDOM"
case "$3" in
  redis) options='' without_service=502 ;;
  amqp) options="/?queue=$fresh" without_service=504 ;;
  kafka) options="/?prefix=$fresh." without_service=504 ;;
esac
export PORT WAYBILL_CLIENTS_HELLO_SERVICE_URL="$url$options"
PORT="$(free_port)"
hello="http://127.0.0.1:$PORT/hello"

# start_service: it runs as soon as it says so.
start_service() {
  (cd "$WAYBILL_SOURCE/examples/gateway/service" && WAYBILL_LISTEN="$url$options" exec "$examples/gateway_service") >"$work/service.log" 2>&1 </dev/null &
  service=$!
  running+=("$service")
  eventually grep -q listening "$work/service.log"
}

start_service
cd "$WAYBILL_SOURCE/examples/gateway" || exit 1
start gateway "$examples/gateway"
gateway=$pid
eventually curl -sf "$hello"
says 'hello hohoho' "$hello?name=hohoho"
ends "$service" 0
status "$without_service" "$hello?name=nobody"
start_service
says 'hello again' "$hello?name=again"
ends "$service" 0
ends "$gateway" 0
echo ok

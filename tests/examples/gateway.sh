#!/usr/bin/env bash
# The gateway and the service behind it: gateway.sh FOLDER_OF_PROGRAMS WAYBILL
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export MS_PORT PORT HELLO_SERVICE_PORT
MS_PORT="$(free_port)" PORT="$(free_port)" HELLO_SERVICE_PORT="$MS_PORT"
url="http://127.0.0.1:$PORT"

cd "$WAYBILL_SOURCE/examples/gateway" || exit 1
grep -qx 'PORT=8800' .env || fail "the port of .env is not 8800"
grep -qx 'MS_PORT=8001' service/.env || fail "the port of the service's .env is not 8001"
start gateway "$examples/gateway"
gateway=$pid
eventually curl -sf "$url/livez"
status 503 "$url/hello?name=nobody"
(cd service && exec "$examples/gateway_service") >"$work/service.log" 2>&1 &
service=$!
running+=("$service")
eventually curl -sf "$url/hello"
says 'hello hohoho' "$url/hello?name=hohoho"
says 'hello World' "$url/hello"
says 'hello a b&c' -G --data-urlencode 'name=a b&c' "$url/hello"
status 404 "$url/nothing"
status 405 -X DELETE "$url/hello"
# A service that takes requests and does not answer; then none.
kill -STOP "$service"
status 504 "$url/hello?name=nobody"
kill -CONT "$service"
ends "$service" 0
status 503 "$url/hello?name=nobody"
ends "$gateway" 0

# The same without code.
cat >"$work/routes.yaml" <<YAML
clients:
  HELLO_SERVICE: tcp://127.0.0.1:$MS_PORT?connect_timeout=1s
http:
  listen: 127.0.0.1:$PORT
  routes:
    - { get: /hello, request: { client: HELLO_SERVICE, pattern: { cmd: hello }, body: \$query.name or World } }
YAML
"$waybill" check "$work/routes.yaml" >"$work/check.log" || fail "waybill check refuses the file"
"$waybill" check "$work/routes.yaml" --print >"$work/print.log" || fail "waybill check --print refuses the file"
grep -q 'GET /hello' "$work/print.log" || fail "waybill check --print does not show the route"
start routes "$waybill" gateway "$work/routes.yaml"
gateway=$pid
(cd service && exec "$examples/gateway_service") >"$work/service2.log" 2>&1 &
service=$!
running+=("$service")
eventually curl -sf "$url/hello"
says 'hello hohoho' "$url/hello?name=hohoho"
curl -sf "$url/openapi.json" | grep '"/hello":{"get":' >/dev/null || fail "/openapi.json does not have the route"
curl -sf "$url/docs" | grep '<!DOCTYPE html>' >/dev/null || fail "there is no page at /docs"
"$waybill" describe "$work/routes.yaml" | grep '"asyncapi": "3.0.0"' >/dev/null || fail "waybill describe prints no AsyncAPI"
ends "$gateway" 0

# Over TLS.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null || fail "openssl makes no certificate"
sed "s|listen: .*|listen: \"https://127.0.0.1:$PORT?cert=$work/cert.pem\&key=$work/key.pem\"|" "$work/routes.yaml" >"$work/tls.yaml"
start tls "$waybill" gateway "$work/tls.yaml"
gateway=$pid
eventually curl -sf --cacert "$work/cert.pem" "https://127.0.0.1:$PORT/hello"
says 'hello hohoho' --cacert "$work/cert.pem" "https://127.0.0.1:$PORT/hello?name=hohoho"
curl -s --max-time 10 "$url/hello" >/dev/null && fail "it answers without TLS"
ends "$gateway" 0
ends "$service" 0
sed -i 's/client: HELLO_SERVICE/client: HELO_SERVICE/' "$work/routes.yaml"
"$waybill" check "$work/routes.yaml" 2>"$work/check.log" && fail "waybill check finds no mistake"
grep -q 'routes.yaml:6: no client "HELO_SERVICE" is configured; did you mean' "$work/check.log" || fail "$(cat "$work/check.log")"
echo ok

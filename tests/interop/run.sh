#!/usr/bin/env bash
# run.sh FILE [CARRIER]: runs a test file with Node.js over tcp (the default), redis, rmq or kafka; skips (77) with a
# reason where Node.js, NestJS or the broker is missing, unless WAYBILL_TEST_REQUIRE says that nothing may skip.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export WAYBILL_INTEROP_CARRIER="${2:-tcp}"

case "$WAYBILL_INTEROP_CARRIER" in
  tcp) variable=PATH ;;
  redis) variable=WAYBILL_TEST_REDIS_URL ;;
  rmq) variable=WAYBILL_TEST_AMQP_URL ;;
  kafka) variable=WAYBILL_TEST_KAFKA_URL ;;
  *) echo "no carrier '$2': tcp, redis, rmq or kafka" && exit 2 ;;
esac

missing=''
if ! command -v node >/dev/null; then
  missing='there is no Node.js: scripts/test.sh interop installs what is needed'
elif [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  missing="Node.js is $(node --version), and NestJS 12 needs 20"
elif [ ! -d node_modules/@nestjs/microservices ]; then
  missing='NestJS is not installed here: scripts/test.sh interop installs what is needed'
elif [ -z "${!variable:-}" ]; then
  missing="$variable is not set: eval \"\$(scripts/brokers.sh up)\""
fi
if [ -n "$missing" ]; then
  echo "$missing"
  case "${WAYBILL_TEST_REQUIRE:-}" in
    '') exit 77 ;;
    *) exit 1 ;;
  esac
fi

exec node --test "$1"

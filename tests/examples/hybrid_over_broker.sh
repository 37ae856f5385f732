#!/usr/bin/env bash
# hybrid_over_broker.sh FOLDER_OF_PROGRAMS redis|amqp|kafka ROUNDS: another carrier by other URLs alone, as the README says; started
# and ended under load, in a place of its own on the broker of the tests.
set -uo pipefail
fresh="hybrid-$$-$RANDOM"
case "$2" in
  redis) url="${WAYBILL_TEST_REDIS_URL:-}" options='' ;;
  amqp) url="${WAYBILL_TEST_AMQP_URL:-}" options="queue=$fresh" ;;
  kafka) url="${WAYBILL_TEST_KAFKA_URL:-}" options="prefix=$fresh." ;;
esac
if [ -z "$url" ]; then
  echo "skipped: WAYBILL_TEST_${2^^}_URL is not set: eval \"\$(scripts/brokers.sh up)\""
  exit 77
fi
export WAYBILL_LISTENERS_INSIDE_URL="$url${options:+/?$options}" HELLO_URL="self:inside${options:+?$options}"
exec "$(dirname "${BASH_SOURCE[0]}")/cycles.py" "$1/hybrid" "$WAYBILL_SOURCE/examples/hybrid" "$3"

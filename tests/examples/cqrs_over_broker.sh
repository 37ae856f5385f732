#!/usr/bin/env bash
# cqrs_over_broker.sh FOLDER_OF_PROGRAMS WAYBILL amqp|kafka: in a place of its own on the broker of the tests.
set -uo pipefail
fresh="cqrs-$$-$RANDOM"
case "$3" in
  amqp) url="${WAYBILL_TEST_AMQP_URL:-}" options="/?queue=$fresh&wildcards=true" ;;
  kafka) url="${WAYBILL_TEST_KAFKA_URL:-}" options="/?prefix=$fresh." ;;
esac
if [ -z "$url" ]; then
  echo "skipped: WAYBILL_TEST_${3^^}_URL is not set: eval \"\$(scripts/brokers.sh up)\""
  exit 77
fi
"$(dirname "${BASH_SOURCE[0]}")/cqrs.sh" "$1" "$2" "$url$options"

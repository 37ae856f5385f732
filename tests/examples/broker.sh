# For the tests of examples over brokers; sourced.

# use_broker redis|amqp|kafka: `url` is that of the broker of the tests; without one the test is skipped.
use_broker() {
  local variable="WAYBILL_TEST_${1^^}_URL"
  url="${!variable:-}"
  [ -z "$url" ] || return 0
  echo "skipped: $variable is not set: eval \"\$(scripts/brokers.sh up)\""
  exit 77
}

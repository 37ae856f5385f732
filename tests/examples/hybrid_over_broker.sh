#!/usr/bin/env bash
# hybrid_over_broker.sh FOLDER_OF_PROGRAMS redis|amqp|kafka ROUNDS: another carrier by other URLs alone, as the README says; started
# and ended under load, in a place of its own on the broker of the tests.
set -uo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
. "$here/broker.sh"
use_broker "$2"
fresh="hybrid-$$-$RANDOM"
case "$2" in
  redis) options='' ;;
  amqp) options="queue=$fresh" ;;
  kafka) options="prefix=$fresh." ;;
esac
export WAYBILL_LISTENERS_INSIDE_URL="$url${options:+/?$options}" HELLO_URL="self:inside${options:+?$options}"
exec "$here/cycles.py" "$1/hybrid" "$WAYBILL_SOURCE/examples/hybrid" "$3"

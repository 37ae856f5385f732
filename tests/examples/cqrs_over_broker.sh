#!/usr/bin/env bash
# cqrs_over_broker.sh FOLDER_OF_PROGRAMS WAYBILL amqp|kafka: in a place of its own on the broker of the tests.
set -uo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
. "$here/broker.sh"
use_broker "$3"
fresh="cqrs-$$-$RANDOM"
case "$3" in
  amqp) options="/?queue=$fresh&wildcards=true" ;;
  kafka) options="/?prefix=$fresh." ;;
esac
"$here/cqrs.sh" "$1" "$2" "$url$options"

#!/usr/bin/env bash
# Runs one test file with Node.js; skips (77) with a reason where Node.js or NestJS is missing, unless
# WAYBILL_TEST_REQUIRE says that nothing may skip.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

missing=''
if ! command -v node >/dev/null; then
  missing='there is no Node.js'
elif [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  missing="Node.js is $(node --version), and NestJS 12 needs 20"
elif [ ! -d node_modules/@nestjs/microservices ]; then
  missing='NestJS is not installed here'
fi
if [ -n "$missing" ]; then
  echo "$missing: scripts/test.sh interop installs what is needed"
  case "${WAYBILL_TEST_REQUIRE:-}" in
    *all* | *interop*) exit 1 ;;
    *) exit 77 ;;
  esac
fi
exec node --test "$1"

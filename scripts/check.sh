#!/usr/bin/env bash
# Formatting and the rules of the house that a compiler does not check. Says file, line and rule; installs nothing.
#   scripts/check.sh [--fix]    --fix formats the files in place
set -uo pipefail
shopt -s lastpipe  # rule() runs in this shell
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$root" || exit 1

fix=no
case "${1:-}" in
  '') ;;
  --fix) fix=yes ;;
  *) die "usage: scripts/check.sh [--fix]" ;;
esac

mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')
mapfile -t headers < <(git ls-files '*/include/*.hpp')
mapfile -t core < <(git ls-files 'core/*.cpp' 'core/*.hpp')
mapfile -t tests < <(git ls-files 'tests/*.cpp' 'tests/*.hpp' ':!tests/support/*')  # eventually() is in there
failed=0

# rule SENTENCE: reads findings from standard input; any finding fails the check.
rule() {
  local findings
  findings="$(cat)"
  [ -z "$findings" ] && return
  printf '%s\n%s\n\n' "-- $1" "$findings"
  failed=1
}

# Lines without their comments, as file:line:text.
code_of() { perl -ne 's{("(?:[^"\\]|\\.)*")|//.*}{$1 // ""}ge; print "$ARGV:$.:$_" if /\S/; close ARGV if eof' "$@"; }

format="$(command -v clang-format-14 || true)"
[ -n "$format" ] || die "clang-format-14 is missing: apt-get install clang-format-14"
if [ "$fix" = yes ]; then
  "$format" -i "${sources[@]}"
else
  "$format" --dry-run -Werror "${sources[@]}" 2>&1 | grep 'error: code should be clang-formatted' |
    cut -d: -f1 | sort | uniq -c | awk '{print $2 " (" $1 " places)"}' | rule "not formatted; run scripts/check.sh --fix"
fi

printf '%s\0' "${sources[@]}" | grep -zv '^tests/compile_fail/' | xargs -0 perl scripts/lib/co_await.pl | rule "g++ 12 destroys such a temporary twice: name it one line above the co_await"

code_of "${sources[@]}" | grep -E '\[[A-Za-z_, ]+\] *= *co_await' |
  rule "no structured binding directly from co_await: name the result, then take it apart"

grep -nE '#include [<"](hiredis|amqp|rabbitmq-c|librdkafka|openssl|simdjson|yaml-cpp|spdlog|fmt|CLI)[./]' "${headers[@]}" /dev/null |
  rule "a public header includes the standard library, Asio and waybill only"

# An error text may show a URL as an example.
code_of "${core[@]}" | sed -E 's@(such as|as in) [a-z]+://@\1 @' | grep -iE '(\b|_)(tcp|tcps|redis|kafka|amqp|nats|mqtt|rabbitmq)(\b|_)|memory://|waybill/(transports|serializers)/' |
  rule "core names no transport and no serializer"

grep -niE 'kafka|redis|rabbit|amqp' "${core[@]}" /dev/null | rule "core names no carrier, in comments neither"

code_of "${sources[@]}" | grep -E '\[=[],]' | rule "captures are listed by name, no [=]"

[ "${#tests[@]}" -eq 0 ] || code_of "${tests[@]}" | grep -E '\b(sleep_for|sleep_until|usleep|nanosleep)\b *\(' |
  rule "tests do not sleep: wait for the condition"

wc -l "${sources[@]}" | awk '$1 > 400 && $2 != "total" { print $2 ": " $1 " lines" }' |
  rule "more than 400 lines: split it by role"

for transport in transports/*/src/transport.cpp; do
  for part in connection listener options wire/wire; do
    [ -f "${transport%/*}/$part.cpp" ] || echo "${transport%/*}/$part.cpp is missing"
  done
done | rule "every transport has the shape of docs/architecture.md"

grep -oE '`[a-z]+/[a-z_/]+\.[a-z]+`' docs/architecture.md | tr -d '`' |
  while read -r file; do [ -f "$file" ] || echo "$file is missing"; done | rule "docs/architecture.md names files that exist"

if [ "$failed" -eq 0 ]; then
  say "Check: ${#sources[@]} files in order"
else
  say "Check: failed"
fi
exit "$failed"

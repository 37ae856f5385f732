#!/usr/bin/env bash
# clang-tidy 14 over the library, or over the files given. Needs a configured dev build (cmake --preset dev).
#   scripts/tidy.sh [FILE...]
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$root" || exit 1

command -v clang-tidy-14 >/dev/null || die "clang-tidy-14 is missing: apt-get install clang-tidy-14"
[ -f build/dev/compile_commands.json ] || die "configure first: cmake --preset dev"
files=("$@")
[ "${#files[@]}" -gt 0 ] || mapfile -t files < <(git ls-files 'core/src/*.cpp' 'serializers/*.cpp' 'transports/*.cpp' 'components/*.cpp')
# Asio before 1.24 does not see that clang has coroutines.
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$jobs" clang-tidy-14 --quiet -p build/dev \
  --extra-arg=-DASIO_HAS_CO_AWAIT=1 --extra-arg=-DASIO_HAS_STD_COROUTINE=1 --extra-arg=-Wno-unknown-warning-option 2>/dev/null

#!/usr/bin/env bash
# Fuzzes for long. New inputs are kept in build/fuzz-corpus/<target>; an input that crashes goes to build/fuzz-crashes/.
#   scripts/fuzz.sh [SECONDS-PER-TARGET] [TARGET...]      default: 600, all targets
# Copy a crash into tests/fuzz/corpus/<target>/ when it is mended: every build then runs it again.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$root" || exit 1

seconds="${1:-600}"
[[ "$seconds" =~ ^[0-9]+$ ]] || die "usage: scripts/fuzz.sh [SECONDS-PER-TARGET] [TARGET...]"
[ "$#" -eq 0 ] || shift

require_known_system
install_packages "${packages_full[@]}" "${packages_fuzz[@]}"
cmake --preset fuzz && cmake --build --preset fuzz --parallel "$jobs" || die "the fuzz targets do not build"

targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  for program in build/fuzz/tests/fuzz/fuzz_*; do
    [ -f "$program" ] && [ -x "$program" ] && targets+=("${program##*/fuzz_}")
  done
fi
[ "${#targets[@]}" -gt 0 ] || die "no fuzz target was built"

failed=0
for target in "${targets[@]}"; do
  program="build/fuzz/tests/fuzz/fuzz_$target"
  [ -x "$program" ] || die "there is no fuzz target '$target'"
  mkdir -p "build/fuzz-corpus/$target" build/fuzz-crashes
  seeds=()
  [ -d "tests/fuzz/corpus/$target" ] && seeds=("tests/fuzz/corpus/$target")
  say "Fuzz: $target for $seconds s"
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="build/fuzz-crashes/$target-" "build/fuzz-corpus/$target" "${seeds[@]}" ||
    failed=$((failed + 1))
done
[ "$failed" -eq 0 ] || die "$failed of ${#targets[@]} targets found something: see build/fuzz-crashes/"
say "Fuzz: ${#targets[@]} targets found nothing"

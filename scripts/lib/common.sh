# Shared by the scripts in this folder; sourced, not run. They work without a terminal and from any working directory.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
jobs="$(nproc 2>/dev/null || echo 2)"

say() { printf '== %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Stops on a system whose package names we do not know.
require_known_system() {
  local id='' version='' name='an unknown system'
  if [ -r /etc/os-release ]; then
    id="$(. /etc/os-release && echo "${ID:-}")"
    version="$(. /etc/os-release && echo "${VERSION_ID:-}")"
    name="$(. /etc/os-release && echo "${PRETTY_NAME:-$name}")"
  fi
  case "$id:$version" in
    debian:12 | ubuntu:24.04) say "System: $name" ;;
    *) die "this script knows the packages of Debian 12 and Ubuntu 24.04, and this is $name. CONTRIBUTING.md lists what to install by hand." ;;
  esac
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root, and there is no sudo: $*"
  fi
}

# install_packages NAME...: installs with apt those that are missing, and says which.
install_packages() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep 'install ok installed' >/dev/null || missing+=("$package")
  done
  if [ "${#missing[@]}" -eq 0 ]; then
    say "Packages: all there ($*)"
    return
  fi
  say "Packages: installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null ||
    say "apt-get update had trouble; going on with the package lists that are there"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    </dev/null >"${TMPDIR:-/tmp}/waybill-apt.$$.log" 2>&1 || {
    tail -n 30 "${TMPDIR:-/tmp}/waybill-apt.$$.log" >&2
    die "apt-get could not install: ${missing[*]}"
  }
  rm -f "${TMPDIR:-/tmp}/waybill-apt.$$.log"
}

# What every build needs, and what only the full one does.
packages_minimal=(g++ cmake ninja-build libasio-dev libsimdjson-dev libcli11-dev)
packages_full=("${packages_minimal[@]}" ccache git libmsgpack-cxx-dev libssl-dev openssl libyaml-cpp-dev libhttp-parser-dev prometheus-cpp-dev
  curl python3 python3-yaml libgtest-dev libbenchmark-dev nlohmann-json3-dev librapidcheck-dev libhiredis-dev librabbitmq-dev librdkafka-dev)
# promtool, of Debian's package prometheus, whose server is not wanted: into build/promtool. What needs it is left out without.
ensure_promtool() {
  local folder="$root/build/promtool"
  export WAYBILL_PROMTOOL
  WAYBILL_PROMTOOL="$(command -v promtool || echo "$folder/usr/bin/promtool")"
  [ -x "$WAYBILL_PROMTOOL" ] && return
  mkdir -p "$folder"
  if (cd "$folder" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .) >"$folder/log" 2>&1 </dev/null; then
    rm -f "$folder"/prometheus_*.deb
  else
    say "!! SKIPPED promtool: it could not be had, see build/promtool/log"
    unset WAYBILL_PROMTOOL
  fi
}

# In the Debian 13 tree: what the CMake package of opentelemetry-cpp asks for stands in no dependency of Debian's.
packages_opentelemetry=(g++ cmake ninja-build mold libasio-dev libsimdjson-dev libhttp-parser-dev libgtest-dev
  opentelemetry-cpp-dev libabsl-dev libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc libcurl4-openssl-dev nlohmann-json3-dev)
packages_check=(clang-format-14 git perl)
packages_fuzz=(clang-14 libclang-rt-14-dev)

# wait_for_line FILE TEXT SECONDS PID: until the file has a line with the text. Fails early if the process ends.
wait_for_line() {
  local deadline=$((SECONDS + $3))
  until grep -q -- "$2" "$1" 2>/dev/null; do
    kill -0 "$4" 2>/dev/null || return 1
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

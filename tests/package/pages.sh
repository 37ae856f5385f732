#!/usr/bin/env bash
# What the pages show, pasted into a project of its own: built against an installed waybill as README.md's CMake lines say;
# its service, started with its orders.yaml and called by its client; the tests of docs/operating.md and
# docs/testing-your-service.md; and the toy transport in the suite, as docs/adding-a-transport.md says.
#   pages.sh WORK CMAKE_ARGUMENT...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
work="$1"
shift
rm -rf "$work"
mkdir -p "$work"
cd "$work"

# block PAGE LANGUAGE N: the Nth block of that language.
block() {
  awk -v fence="\`\`\`$2" -v wanted="$3" '
    /^```/ { inside = !inside && $0 == fence && ++count == wanted; if (!inside && count >= wanted) exit; next }
    inside' "$root/$1" | grep '' || die "$1 has no $2 block $3"
}

block README.md cpp 1 >my_service.cpp
block README.md yaml 1 >orders.yaml
block docs/operating.md cpp 5 >my_test.cpp
block docs/testing-your-service.md cpp 1 >my_bed.cpp
cp "$root/tests/conformance/toy_transport.cpp" my_conformance.cpp
{
  cat <<'END'
#include <waybill/waybill.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <iostream>

END
  block README.md cpp 1 | grep '^struct'
  cat <<'END'

asio::awaitable<void> run(const char* url) {
  const auto executor = co_await asio::this_coro::executor;
  const auto use = [](int number) { std::cout << number << ' '; };
END
  block README.md cpp 2 | sed 's|"tcp://127.0.0.1:3000"|url|'
  cat <<'END'
  std::cout << receipt.order_id << ' ' << receipt.total << std::endl;
}

int main(int, char** argv) {
  asio::io_context loop;
  asio::co_spawn(loop, run(argv[1]), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  loop.run();
}
END
} >my_client.cpp
{
  printf 'cmake_minimum_required(VERSION 3.22)\nproject(pages CXX)\n'
  echo 'add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Werror)'
  for program in my_service my_client my_test; do printf 'add_executable(%s %s.cpp)\n' $program $program; done
  block README.md cmake 1
  for program in my_client my_test; do block README.md cmake 1 | sed -n "s/(my_service/($program/p"; done
  echo 'add_executable(my_bed my_bed.cpp)'
  block docs/testing-your-service.md cmake 1 | sed -n 's/(my_test/(my_bed/p'
  block docs/adding-a-transport.md cmake 1 | sed 's/ my_transport.cpp//'
} >CMakeLists.txt

cmake -S . -B build "$@"
cmake --build build

build/my_conformance --gtest_brief=1 || die "the toy transport does not pass the suite"
build/my_test || die "the test of docs/operating.md failed"
build/my_bed || die "the test of docs/testing-your-service.md failed"
ORDERS_LISTEN=tcp://127.0.0.1:0 build/my_service >service.out 2>service.log &
service=$!
trap 'kill "$service" 2>/dev/null || true' EXIT
wait_for_line service.log 'listening on tcp://' 20 "$service" || die "the service did not start: $(cat service.log)"
url="$(grep -oE 'tcp://[0-9.]+:[0-9]+' service.log | head -n 1)"
answer="$(build/my_client "$url")"
[ "$answer" = '3 2 1 a-1 19' ] || die "the client got '$answer'"
kill -TERM "$service"
wait "$service" || die "the service ended with $?: $(cat service.log)"
[ "$(cat service.out)" = a-1 ] || die "the service saw '$(cat service.out)'"

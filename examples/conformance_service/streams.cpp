#include "conformance.hpp"

namespace conformance {
namespace {

using std::chrono::milliseconds;

waybill::Stream<std::int64_t> numbers(Json data) {
  const auto start = member<std::int64_t>(data, "start", 1);
  const auto count = member<std::int64_t>(data, "count", 3);
  const milliseconds interval(member<int>(data, "intervalMs", 0));
  const milliseconds tail(member<int>(data, "completeAfterMs", 0));
  for (std::int64_t i = 0; i < count; ++i) {
    if (interval.count() > 0) co_await pause(interval);
    co_yield start + i;
  }
  if (tail.count() > 0) co_await pause(tail);
}

waybill::Stream<Json> objects(Json data) {
  const auto count = member<std::int64_t>(data, "count", 3);
  for (std::int64_t i = 0; i < count; ++i) {
    const Json value{{"i", i}};
    co_yield value;
  }
}

waybill::Stream<std::string> deferred() {
  co_await pause(milliseconds(5));
  const std::string p = "p", q = "q";
  co_yield p;
  co_yield q;
}

waybill::Stream<Json> nothing(Json data) {
  const milliseconds time(member<int>(data, "ms", 0));
  if (time.count() > 0) co_await pause(time);
}

waybill::Stream<int> open_end() {
  co_yield 1;
  for (;;) co_await pause(std::chrono::hours(1));
}

}  // namespace

void add_streams(Handlers& handlers) {
  handlers.operation("stream", &numbers);
  handlers.operation("streamObjects", &objects);
  handlers.operation("promiseStream", &deferred);
  handlers.operation("empty", &nothing);
  handlers.operation("open", &open_end);
}

}  // namespace conformance

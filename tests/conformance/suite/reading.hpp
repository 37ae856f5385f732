// A stream as tests read it.
#pragma once

#include "waybill/client.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace waybill::conformance {

/// Reads a stream to its end, asking for one value at a time.
template <class T>
struct Reading {
  explicit Reading(ReplyStream<T> from) : stream(std::move(from)) { ask(); }
  void ask() {
    stream.next([this](Result<std::optional<T>> next) {
      if (!next) {
        error = next.error();
      } else if (*next) {
        values.push_back(**next);
        if (values.size() < stop_at) ask();
        return;
      }
      is_ended = true;
    });
  }
  ReplyStream<T> stream;
  std::vector<T> values;
  std::optional<Error> error;
  std::size_t stop_at = SIZE_MAX;
  bool is_ended = false;
};

}  // namespace waybill::conformance

// How a command leaves: what it has closed still has something to say to the other side.
#pragma once

#include <asio/io_context.hpp>

#include <chrono>

namespace waybill::cli {

/// Runs the loop until nothing is left to do on it: that brokers have heard the goodbye, and that nothing which was sent
/// is taken back by replies that meet a closed socket. Bounded, as the other side may be silent.
inline void say_goodbye(asio::io_context& loop) {
  constexpr std::chrono::seconds k_most{1};
  loop.restart();
  loop.run_for(k_most);
}

}  // namespace waybill::cli

// What this process holds of other people's bytes, in one account: buffers of sockets, messages in hand.
#pragma once

#include <atomic>
#include <cstddef>

namespace waybill::transport {

inline std::atomic<std::size_t> g_held_bytes{0};

/// Any thread.
inline std::size_t held_bytes() noexcept { return g_held_bytes.load(std::memory_order_relaxed); }

/// Adds to the account, or takes from it; returns what is in it then. Any thread.
inline std::size_t hold_bytes(std::ptrdiff_t by) noexcept {
  const auto change = static_cast<std::size_t>(by);
  return g_held_bytes.fetch_add(change, std::memory_order_relaxed) + change;
}

inline std::atomic<std::size_t> g_held_limit{0};

/// The least of the limits for that account that connections of this process have had; 0: none had one. Any thread.
inline std::size_t held_limit() noexcept { return g_held_limit.load(std::memory_order_relaxed); }

/// A connection is held to this limit. Any thread.
inline void note_held_limit(std::size_t limit) noexcept {
  std::size_t least = held_limit();
  while ((least == 0 || limit < least) && !g_held_limit.compare_exchange_weak(least, limit)) {
  }
}

}  // namespace waybill::transport

// What of rabbitmq-c is used: its structures and its codec. No socket, no connection state.
#pragma once

#include "protocol/rabbitmq_c.hpp"

#include <cstdint>
#include <string_view>

namespace waybill::amqp {

using ChannelId = std::uint16_t;

inline amqp_bytes_t to_bytes(std::string_view text) noexcept {
  return {text.size(), const_cast<char*>(text.data())};  // rabbitmq-c only reads it
}
inline std::string_view to_view(amqp_bytes_t bytes) noexcept {
  return bytes.len ? std::string_view(static_cast<const char*>(bytes.bytes), bytes.len) : std::string_view();
}

/// Memory of decoded structures: valid until reset().
class Pool {
 public:
  Pool() noexcept { init_amqp_pool(&pool_, 4'096); }
  ~Pool() { empty_amqp_pool(&pool_); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  void reset() noexcept { recycle_amqp_pool(&pool_); }
  amqp_pool_t* get() noexcept { return &pool_; }

 private:
  amqp_pool_t pool_;
};

/// A method as it came; its members are valid until the call that handed it over returns.
struct Method {
  amqp_method_number_t id = 0;
  const void* decoded = nullptr;

  template <class T>
  const T& as() const noexcept {
    return *static_cast<const T*>(decoded);
  }
};

}  // namespace waybill::amqp

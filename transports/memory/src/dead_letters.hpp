// What a broker keeps of messages that were given up, by channel. Guarded by the hub's mutex.
#pragma once

#include "message.hpp"
#include "waybill/transport/dead_letter.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace waybill::memory {

class DeadLetters {
 public:
  /// Beyond `most` in a channel the oldest goes.
  explicit DeadLetters(std::size_t most) : most_(most) {}

  void park(const std::string& channel, const Message& message, const std::string& failure);
  std::vector<DeadLetter> list(const std::string& channel, std::size_t limit) const;
  void remove(const std::string& channel, const std::string& id);

 private:
  std::size_t most_;
  std::uint64_t last_id_ = 0;
  std::map<std::string, std::deque<DeadLetter>> channels_;
};

}  // namespace waybill::memory

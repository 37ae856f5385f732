#include "dead_letters.hpp"

#include <algorithm>

namespace waybill::memory {

void DeadLetters::park(const std::string& channel, const Message& message, const std::string& failure) {
  DeadLetter letter;
  letter.id = std::to_string(++last_id_);
  letter.packet = message.packet.own();
  add_death_headers(letter.packet.headers, message.packet.route, failure, message.attempt);
  read_death_headers(letter);
  auto& letters = channels_[channel];
  letters.push_back(std::move(letter));
  if (letters.size() > most_) letters.pop_front();
}

std::vector<DeadLetter> DeadLetters::list(const std::string& channel, std::size_t limit) const {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return {};
  const auto& letters = found->second;
  return {letters.begin(), letters.begin() + static_cast<std::ptrdiff_t>(std::min(limit, letters.size()))};
}

void DeadLetters::remove(const std::string& channel, const std::string& id) {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return;
  std::erase_if(found->second, [&id](const DeadLetter& letter) { return letter.id == id; });
}

}  // namespace waybill::memory

#include "flow/taken_back.hpp"

#include "wire/table.hpp"
#include "wire/wire.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace waybill::amqp {
namespace {

/// What quorum queues add when they give a message out again.
constexpr std::array<std::string_view, 2> k_counts{k_delivery_count, "x-acquired-count"};

class Mixer {
 public:
  void add(std::string_view text) noexcept { mix(std::hash<std::string_view>{}(text)); }
  void add(const std::optional<std::string_view>& text) noexcept {
    if (text) add(*text);
    mix(text.has_value());
  }
  void mix(std::uint64_t value) noexcept {
    state_ = (state_ ^ value) * 0x9e3779b97f4a7c15u;
    state_ ^= state_ >> 29;
  }
  std::uint64_t get() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0;
};

void add_headers(Mixer& mixer, const std::optional<std::string_view>& table) {
  if (!table || table->empty()) return;
  Buffer entries;
  std::string_view unused;
  const bool is_table = copy_entries(entries, *table, k_counts, {}, unused);
  if (!is_table) return mixer.add(*table);
  if (!entries.empty()) mixer.add(entries.view());
}

}  // namespace

Print print_of(const Properties& properties, std::string_view routing_key, std::string_view body) {
  Mixer mixer;
  mixer.add(body);
  mixer.add(routing_key);
  add_headers(mixer, properties.headers);
  for (const auto& text :
       {properties.content_type, properties.content_encoding, properties.correlation_id, properties.reply_to,
        properties.expiration, properties.message_id, properties.type, properties.user_id, properties.app_id})
    mixer.add(text);
  mixer.mix(properties.timestamp.value_or(0));
  mixer.mix(std::uint64_t{properties.priority.value_or(0)} << 8 | properties.delivery_mode.value_or(0));
  const bool has_id = properties.message_id || properties.correlation_id;
  return (mixer.get() & ~Print{1}) | has_id;
}

bool TakenBack::adopt(Print print, Token place) {
  const auto found = std::find_if(in_hand_.begin(), in_hand_.end(), [print](const auto& one) {
    return one.second.place == 0 && one.second.print == print;
  });
  if (found == in_hand_.end()) return false;
  found->second.place = place;
  return true;
}

TakenBack::Token TakenBack::place_of(Token token) const noexcept {
  const auto found = in_hand_.find(token);
  return found == in_hand_.end() ? 0 : found->second.place;
}

TakenBack::Token TakenBack::lose_place(Token place) {
  const auto found =
      std::find_if(in_hand_.begin(), in_hand_.end(), [place](const auto& one) { return one.second.place == place; });
  if (found == in_hand_.end()) return 0;
  found->second.place = 0;
  return found->first;
}

void TakenBack::ended(Token token, Settlement outcome) {
  const auto ended = in_hand_.extract(token);
  if (ended && !ended.mapped().place) remember(ended.mapped().print, outcome);
}

void TakenBack::remember(Print print, Settlement outcome) {
  auto found = find(print);
  if (found == memory_.end()) {
    if (memory_.size() == k_most) memory_.pop_front();
    memory_.push_back({print, std::nullopt, 0});
    found = memory_.end() - 1;
  }
  ++found->times;
  const bool has_id = print & 1;
  found->outcome = has_id && outcome != Settlement::retry ? std::optional<Settlement>(outcome) : std::nullopt;
}

std::optional<Settlement> TakenBack::recall(Print print) {
  const auto found = find(print);
  if (found == memory_.end() || !found->outcome) return std::nullopt;
  const auto outcome = found->outcome;
  memory_.erase(found);
  return outcome;
}

int TakenBack::times(Print print) const noexcept {
  const auto found =
      std::find_if(memory_.begin(), memory_.end(), [print](const Remembered& one) { return one.print == print; });
  return found == memory_.end() ? 0 : found->times;
}

void TakenBack::forget(Print print) {
  const auto found = find(print);
  if (found != memory_.end()) memory_.erase(found);
}

std::deque<TakenBack::Remembered>::iterator TakenBack::find(Print print) {
  return std::find_if(memory_.begin(), memory_.end(), [print](const Remembered& one) { return one.print == print; });
}

}  // namespace waybill::amqp

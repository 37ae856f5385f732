// TakenBack: messages that the broker has taken back from their listener because nobody acknowledged them in time
// (consumer_timeout), while their handlers run on. Pure.
#pragma once

#include "protocol/properties.hpp"
#include "waybill/transport/transport.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>

namespace waybill::amqp {

/// What a message is known by when it comes again. Messages that are equal in all that their senders gave them have the same
/// one, and may stand for each other. An odd one is of a message with an id of its own.
using Print = std::uint64_t;
Print print_of(const Properties& properties, std::string_view routing_key, std::string_view body);

/// A message that comes again while its handler runs gets no second one: it is the new place of the first delivery, at which
/// this is settled. How one ended that had no place then is remembered, if it has an id; of others, and of those that failed,
/// that they were handled once more, so that they are given up in the end. The memory has a bound.
///
/// Threads: one.
class TakenBack {
 public:
  using Token = std::uint64_t;  ///< Of a delivery; as a place, that of the delivery that came again.

  /// The broker has it back, and it is in hand.
  void add(Token token, Print print) { in_hand_.insert_or_assign(token, InHand{print, 0}); }
  /// It came again. False: it is none of those in hand.
  bool adopt(Print print, Token place);
  /// Where it is to be settled; 0: nowhere.
  Token place_of(Token token) const noexcept;
  /// The broker has this one back, too. Whose place it was; 0: nobody's.
  Token lose_place(Token place);
  /// It is not in hand any more.
  void ended(Token token, Settlement outcome);
  void remember(Print print, Settlement outcome);
  /// How it has ended, of a message that comes again after its end. Once.
  std::optional<Settlement> recall(Print print);
  /// How often it was handled and came again nevertheless.
  int times(Print print) const noexcept;
  /// It is settled as it should be.
  void forget(Print print);
  /// Of those in hand nobody will tell any more: their link is gone.
  void forget_tokens() noexcept { in_hand_.clear(); }
  bool empty() const noexcept { return in_hand_.empty() && memory_.empty(); }

 private:
  static constexpr std::size_t k_most = 1'024;
  struct InHand {
    Print print;
    Token place;
  };
  struct Remembered {
    Print print;
    std::optional<Settlement> outcome;
    int times;
  };
  std::deque<Remembered>::iterator find(Print print);
  std::map<Token, InHand> in_hand_;
  std::deque<Remembered> memory_;  ///< The oldest first.
};

}  // namespace waybill::amqp

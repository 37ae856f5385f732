// Which messages were handled of late, and which are being handled. Pure: time comes in, nothing is waited for.
#pragma once

#include "waybill/detail/clock.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace waybill::detail {

/// Of messages with one key the first is handled, and the others wait for how that ends: if well, they are duplicates; if
/// not, the first of them is handled in its stead. A key that was handled is remembered for a time, and at most so many are.
class SeenMessages {
 public:
  using Ticket = std::uint64_t;
  enum class Standing { first, waiting, duplicate };

  SeenMessages(std::chrono::milliseconds window, std::size_t most) : window_(window), most_(most) {}
  SeenMessages(const SeenMessages&) = delete;
  SeenMessages& operator=(const SeenMessages&) = delete;

  struct Entry {
    Standing standing;
    Ticket ticket;
  };
  /// Whatever the standing, the ticket must leave(), once.
  Entry enter(std::string_view key, TimePoint now) {
    forget_old(now);
    const Ticket ticket = ++last_;
    const auto message = messages_.try_emplace(std::string(key)).first;
    Standing standing = Standing::duplicate;
    if (message->second.state == State::unseen) {
      message->second.state = State::in_hand;
      standing = Standing::first;
    } else if (message->second.state == State::in_hand) {
      message->second.waiting.push_back(ticket);
      standing = Standing::waiting;
    }
    guests_.emplace(ticket, Guest{message, standing});
    return {standing, ticket};
  }

  Standing ask(Ticket ticket) const { return guests_.at(ticket).standing; }

  /// `is_handled`: of a first, that it has ended well. Who is to ask now.
  std::vector<Ticket> leave(Ticket ticket, bool is_handled, TimePoint now) {
    const auto found = guests_.find(ticket);
    const Guest guest = found->second;
    guests_.erase(found);
    if (guest.standing == Standing::duplicate) return {};
    Message& message = guest.message->second;
    if (guest.standing == Standing::waiting) {
      message.waiting.erase(std::find(message.waiting.begin(), message.waiting.end(), ticket));
      return {};
    }
    if (is_handled) return handled(guest.message, now);
    if (message.waiting.empty()) {
      messages_.erase(guest.message);
      return {};
    }
    const Ticket next = message.waiting.front();
    message.waiting.pop_front();
    guests_.at(next).standing = Standing::first;
    return {next};
  }

  std::size_t remembered() const noexcept { return handled_.size(); }
  std::size_t in_hand() const noexcept { return guests_.size(); }
  std::size_t keys() const noexcept { return messages_.size(); }

 private:
  enum class State { unseen, in_hand, handled };
  struct Message {
    State state = State::unseen;
    std::deque<Ticket> waiting;  ///< For the one that is in its handler.
    TimePoint handled_at{};
  };
  using Messages = std::map<std::string, Message>;  // ordered: strangers choose the keys
  struct Guest {
    Messages::iterator message;  ///< Of a duplicate it may be gone.
    Standing standing;
  };

  std::vector<Ticket> handled(Messages::iterator at, TimePoint now) {
    Message& message = at->second;
    std::vector<Ticket> told(message.waiting.begin(), message.waiting.end());
    for (const Ticket ticket : told) guests_.at(ticket).standing = Standing::duplicate;
    message.waiting.clear();
    message.state = State::handled;
    message.handled_at = now;
    handled_.push_back(at);
    while (handled_.size() > most_) forget_first();
    return told;
  }
  void forget_old(TimePoint now) {
    while (!handled_.empty() && deadline_after(handled_.front()->second.handled_at, window_) <= now) forget_first();
  }
  void forget_first() {
    messages_.erase(handled_.front());
    handled_.pop_front();
  }

  const std::chrono::milliseconds window_;
  const std::size_t most_;
  Messages messages_;
  std::deque<Messages::iterator> handled_;  // the earliest first
  std::map<Ticket, Guest> guests_;
  Ticket last_ = 0;
};

}  // namespace waybill::detail

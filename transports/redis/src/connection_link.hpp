// One link of a connection: requests and events out, replies in.
#pragma once

#include "flow/refusals.hpp"
#include "flow/reply_channels.hpp"
#include "protocol/session_pair.hpp"
#include "waybill/transport/transport.hpp"
#include "wire/wire.hpp"

#include <deque>
#include <memory>
#include <string>

namespace waybill::redis {

/// Threads:  all on the executor.
/// Lifetime: counted by the connection and by what is under way.
class ConnectionLink final : public SessionHooks {
 public:
  ConnectionLink(const Environment& environment, const Options& options, std::shared_ptr<LinkMemory> memory);
  ConnectionLink(const ConnectionLink&) = delete;
  ConnectionLink& operator=(const ConnectionLink&) = delete;

  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) delete this;
  }

  /// Completes when both connections are logged in. A pattern's replies are subscribed to with its first request.
  asio::awaitable<Result<void>> open(ConnectionSink& sink);
  void send(const Packet& packet, Ticket ticket);
  void forget(Term id);
  void hold(bool on);
  std::size_t unsent_bytes() const noexcept {
    return waiting_bytes_ + (pair_ && pair_->is_open() ? pair_->publisher().unsent_bytes() : 0);
  }
  asio::awaitable<void> flush();
  void close();

 private:
  struct Waiting {
    Packet packet;  ///< Owned.
    Ticket ticket;
    std::uint64_t call;  ///< Of a request; 0: an event.
  };
  ~ConnectionLink();

  void on_message(std::string_view pattern, std::string_view channel, const Slice& body) noexcept override;
  void on_subscribed(const Question& question, std::string_view reason) noexcept override;
  void on_unsubscribed(const Question& question, std::string_view reason) noexcept override;
  void on_published(const Question& question, std::int64_t receivers) noexcept override;
  void on_publish_refused(const Question& question, std::string_view reason) noexcept override;
  void on_answered(const Question&) noexcept override { wake_flush(); }

  void subscribe(const ReplyChannels::Found& found);
  void send_waiting();
  void publish_request(const Packet& packet, Ticket ticket, ReplyChannel& channel, std::uint64_t call);
  void publish_event(const Packet& packet, Ticket ticket);
  void note_receivers(ReplyChannel& channel, const Question& question, std::size_t receivers);
  void end_call(std::uint64_t call) noexcept {
    replies_.call_ends(call);
    refusals_.forget(call);
  }
  bool counts_receivers() const noexcept {
    return options_.receivers && pair_->publisher().view().zero() != ServerView::Zero::nothing;
  }
  const Serializer& format_of(const Packet& packet) const noexcept {
    return packet.serializer ? *packet.serializer : *environment_.serializer;
  }
  void take_reply(ReplyChannel& channel, const Slice& body);
  bool is_refusal(const Packet& packet) const;
  bool may_be_ours(std::string_view body) const noexcept;
  /// Tells the sink later, never from within send().
  void fail_later(Ticket ticket, const Error& error);
  void tell(Ticket ticket, Result<Accepted> outcome);
  void lost(const Error& error);
  void wake_flush();

  Environment environment_;
  const Options options_;
  const std::shared_ptr<LinkMemory> memory_;
  std::shared_ptr<SessionPair> pair_;
  ConnectionSink* sink_ = nullptr;
  PublishWriter writer_;
  ReplyChannels replies_;
  Refusals refusals_;
  const std::string mark_;                ///< Behind our ids.
  std::string id_;                        // scratch
  std::string event_route_, event_head_;  // events of one route come in rows
  std::deque<Waiting> waiting_;  ///< In the order of their sending, from the first that its subscription holds back.
  std::size_t waiting_bytes_ = 0;
  std::size_t references_ = 0;
  std::shared_ptr<asio::steady_timer> answered_;  ///< Cancelled when everything was answered.
  bool has_unmarked_ids_ = false;
  bool is_closed_ = false;
};

}  // namespace waybill::redis

// One link of a connection: requests and events out, replies in.
#pragma once

#include "flow/producer.hpp"
#include "flow/reply_reader.hpp"
#include "protocol/admin.hpp"
#include "protocol/broker_watch.hpp"
#include "protocol/startup.hpp"
#include "protocol/step.hpp"
#include "wire/wire.hpp"

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace waybill::kafka {

/// Threads:  all on the executor.
/// Lifetime: shared by the connection and by what is under way.
class ConnectionLink final : public std::enable_shared_from_this<ConnectionLink>,
                             public ProducerHooks,
                             public ReplyReaderHooks {
 public:
  ConnectionLink(const Environment& environment, const Options& options, const Registry& registry);

  /// Completes when a broker was reached and has accepted us. Topics come with the first packet to each.
  asio::awaitable<Result<void>> open(ConnectionSink& sink);
  void send(const Packet& packet, Ticket ticket);
  void forget(Term id);
  std::size_t unsent_bytes() const noexcept { return waiting_bytes_ + (producer_ ? producer_->unsent_bytes() : 0); }
  asio::awaitable<void> flush();
  void close();

 private:
  struct Waiting {
    Packet packet;  ///< Owned.
    Ticket ticket;
  };
  enum class State : std::uint8_t { unknown, preparing, ready };
  /// A topic that is sent to, and its reply topic once there was a request.
  struct Channel {
    std::string topic;
    std::string reply_topic;
    State events = State::unknown;    ///< The topic is there.
    State requests = State::unknown;  ///< The reply topic is there and being read, too.
    std::deque<Waiting> waiting;      ///< In the order of their sending; empty unless something is being prepared.
  };

  void on_sent(Ticket ticket, rd_kafka_resp_err_t code, End end) override;
  void on_producer_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;
  void find_topic(const std::string& topic, std::function<void(Result<void>)> done) override;
  void on_reply_record(const rd_kafka_message_t& message) override;
  void on_hindered(std::string_view reason) override {
    if (sink_) sink_->on_hindered(reason);
  }
  void on_reader_error(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal) override;

  Channel* channel_of(std::string_view route);
  bool is_ready(const Channel& channel, PacketKind kind) const noexcept;
  void prepare(Channel& channel, bool with_replies);
  Result<void> make_reader();
  void prepared_later(Channel& channel, const Error& error);
  void topics_there(Channel& channel, bool with_replies, Result<std::vector<Admin::Topic>> topics);
  void prepared(Channel& channel, bool with_replies, Result<void> outcome);
  void produce(Channel& channel, const Packet& packet, Ticket ticket);
  /// Tells the sink later, never from within send().
  void fail_later(Ticket ticket, const Error& error);
  void tell(Ticket ticket, Result<Accepted> outcome);
  void trouble(rd_kafka_resp_err_t code, std::string_view reason, bool is_fatal);
  void wake_flush();

  Environment environment_;
  Options options_;
  Formats formats_;
  StartupTrouble startup_;
  std::string reply_partition_;
  std::string tag_;  ///< Ends our correlation ids: others read the same partition of the same topics.
  ConnectionSink* sink_ = nullptr;
  std::shared_ptr<Step> step_;  ///< What open() waits for.
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<Admin> admin_;
  std::shared_ptr<BrokerWatch> watch_;                                  ///< Once it is open.
  std::shared_ptr<ReplyReader> reader_;                                 ///< From the first request on.
  std::unordered_map<std::string, std::unique_ptr<Channel>> channels_;  ///< By route.
  std::unordered_set<std::string> calls_;  ///< Requests that wait for replies, by id: others' replies come too.
  std::size_t waiting_bytes_ = 0;
  std::size_t preparing_ = 0;
  std::shared_ptr<asio::steady_timer> idle_;  ///< Cancelled when nothing is being prepared; flush() waits on it.
  bool is_open_ = false;
  bool is_closed_ = false;
};

}  // namespace waybill::kafka

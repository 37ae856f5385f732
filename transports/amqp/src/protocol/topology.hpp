// What roles declare, as methods of a channel: queues, exchanges, bindings.
#pragma once

#include "protocol/session.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/amqp.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace waybill::amqp {

/// The queue of a listener: of one group, where there are groups.
std::string queue_name(const Options& options, const std::string& group);

/// The routing key that a route is bound by: waybill's `**` is `*.#`, for it stands for one word at least.
std::string binding_key(const Pattern& pattern);

/// How often a quorum queue shall give a message out at most; nothing: as the broker has it. `parks`: what fails goes to
/// a dead-letter queue, so that the broker must drop nothing before.
std::optional<std::int32_t> delivery_limit_of(const Options& options, bool parks, int broker_version);

/// An argument of consumers that classic queues know, and others refuse: the broker tells that the queue is gone. Without it
/// RabbitMQ 3 moves the consumer to a new queue of that name where there is one already, and delivers nothing to it.
constexpr std::string_view k_tell_of_end = "x-cancel-on-ha-failover";

/// A queue to be declared.
struct QueueWish {
  std::string name;
  bool is_passive = false;           ///< Only looked for.
  bool is_for_dead_letters = false;  ///< Durable, of the type of the others; no further options.
  std::optional<std::int32_t> delivery_limit;
};

/// Declares on a channel, in the order of the calls; the broker's answers come in that order, too. The first failure
/// closes the channel, which is how the others fail.
///
/// Lifetime: within one turn; failures are told to `failed` later, at most once.
class Declaration {
 public:
  using Failed = std::function<void(const Error&)>;
  Declaration(Session& session, ChannelId channel, const Options& options, Failed failed);

  /// `done` sees declare-ok, which has the name that the broker chose.
  void queue(const QueueWish& wish, Session::Done done = {});
  void exchange();
  void bind(const std::string& queue, const std::string& key);
  /// All that leads messages into the queue of a listener.
  void bindings(const std::string& queue, const Routes& routes);
  void prefetch(std::uint16_t count, Session::Done done = {});
  void confirms(Session::Done done);
  /// `tells_of_end`: see k_tell_of_end.
  void consume(const std::string& queue, bool no_ack, bool tells_of_end, Session::Done done);

 private:
  void call(amqp_method_number_t method, const void* arguments, amqp_method_number_t answer, std::string what,
            Session::Done done = {});
  Session& session_;
  ChannelId channel_;
  const Options& options_;
  Failed failed_;
};

}  // namespace waybill::amqp

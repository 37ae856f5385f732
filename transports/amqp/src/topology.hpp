// What a role declares before it is ready: queue, exchange, bindings, in order, all in one write.
#pragma once

#include "session.hpp"
#include "waybill/transport.hpp"
#include "waybill/transports/amqp.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace waybill::amqp {

/// The queue of a listener: of one group, where there are groups.
std::string queue_name(const Options& options, const std::string& group);

/// The routing key that a route is bound by: waybill's `**` is `*.#`, for it stands for one word at least.
std::string binding_key(const Pattern& pattern);

/// Declares on a channel, in the order of the calls; the broker's answers come in that order, too. The first failure
/// closes the channel, which is how the others fail.
///
/// Lifetime: within one turn; failures are told to `failed` later, at most once.
class Declaration {
 public:
  using Failed = std::function<void(const Error&)>;
  Declaration(Session& session, ChannelId channel, const Options& options, Failed failed);

  /// `done` sees declare-ok, which has the name that the broker chose.
  void queue(const std::string& name, Session::Done done = {});
  /// Durable and with no options: for dead letters.
  void plain_queue(const std::string& name);
  void exchange();
  void bind(const std::string& queue, const std::string& key);
  /// What a listener needs: queue, exchange, bindings of all routes.
  void listener(const std::string& queue, const Routes& routes, Session::Done declared);
  /// What a client needs: the queue, or the exchange where there is one.
  void client();
  void prefetch(std::uint16_t count, Session::Done done = {});
  void confirms(Session::Done done);
  void consume(const std::string& queue, bool no_ack, Session::Done done);

 private:
  void call(amqp_method_number_t method, const void* arguments, amqp_method_number_t answer, std::string what,
            Session::Done done = {});
  Session& session_;
  ChannelId channel_;
  const Options& options_;
  Failed failed_;
};

}  // namespace waybill::amqp

// SetUp: what a role declares before it is ready, one thing after the other, on a channel that a refusal may close.
#pragma once

#include "protocol/link.hpp"
#include "protocol/topology.hpp"
#include "waybill/detail/asio.hpp"
#include "waybill/log.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace waybill::amqp {

/// Threads:  one executor.
/// Lifetime: shared by its owner and its operations; stop() before the link ends.
class SetUp {
 public:
  using Name = Result<std::string>;
  SetUp(const asio::any_io_executor& executor, ChannelId channel, const Options& options, Log log)
      : executor_(executor), channel_(channel), options_(options), log_(std::move(log)) {}

  void use(Link& link) noexcept { link_ = &link; }
  /// Ends what is under way.
  void stop(const Error& error);

  /// The queue of a listener, with all that leads into it, and its dead-letter queue if there is one. Gives the name of
  /// the queue, which the broker may have chosen.
  static asio::awaitable<Name> listener(std::shared_ptr<SetUp> self, std::string queue, Routes routes,
                                        std::string dead_letter);
  /// The queue or exchange that a client sends to.
  static asio::awaitable<Name> client(std::shared_ptr<SetUp> self);
  /// A queue for dead letters: one that is there is taken as it is.
  static asio::awaitable<Name> dead_letters(std::shared_ptr<SetUp> self, std::string name);
  /// Anything else, on `channel`: `ask` makes the calls, at once, the last of them with what it is given, which gives the
  /// name that is in its answer.
  using Ask = std::function<void(Session& session, const Declaration::Failed& failed, const Session::Done& done)>;
  using Step = detail::Arrival<Name>;
  std::shared_ptr<Step> begin(ChannelId channel, const Ask& ask);
  static asio::awaitable<Name> ended(std::shared_ptr<Step> step);
  /// Both in one.
  static asio::awaitable<Name> asked(std::shared_ptr<SetUp> self, ChannelId channel, Ask ask);

 private:
  static asio::awaitable<Name> queue(std::shared_ptr<SetUp> self, QueueWish wish);
  static asio::awaitable<Name> exchange(std::shared_ptr<SetUp> self, std::string queue, Routes routes);
  static asio::awaitable<Name> declared(std::shared_ptr<SetUp> self, QueueWish wish);

  asio::any_io_executor executor_;
  const ChannelId channel_;
  const Options& options_;
  const Log log_;
  Link* link_ = nullptr;
  std::vector<std::weak_ptr<Step>> steps_;  ///< Under way.
};

}  // namespace waybill::amqp

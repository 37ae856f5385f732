#include "protocol/set_up.hpp"

#include <utility>

namespace waybill::amqp {
namespace {

bool is_missing(const Error& error) noexcept {
  return error.code() == errc::invalid_config && error.message().find("there is no queue") != std::string_view::npos;
}
bool minds_the_limit(const Error& error) noexcept {
  return error.message().find("x-delivery-limit") != std::string_view::npos;
}

/// The name in an answer that has one.
std::string name_in(const Method& answer) {
  if (answer.id == AMQP_QUEUE_DECLARE_OK_METHOD)
    return std::string(to_view(answer.as<amqp_queue_declare_ok_t>().queue));
  if (answer.id == AMQP_BASIC_CONSUME_OK_METHOD)
    return std::string(to_view(answer.as<amqp_basic_consume_ok_t>().consumer_tag));
  return {};
}

}  // namespace

void SetUp::stop(const Error& error) {
  link_ = nullptr;
  for (const auto& one : std::exchange(steps_, {})) {
    if (const auto step = one.lock()) step->set(error);
  }
}

std::shared_ptr<SetUp::Step> SetUp::begin(ChannelId channel, const Ask& ask) {
  const auto step = std::make_shared<Step>(executor_);
  if (!link_) {
    step->set(Error(errc::connection_lost, "the link is lost", End::rejected));
    return step;
  }
  std::erase_if(steps_, [](const auto& one) { return one.expired(); });
  steps_.push_back(step);
  Session& session = link_->session();
  if (!session.is_channel_open(channel)) session.open_channel(channel, {});
  const auto failed = [step](const Error& error) { step->set(error); };
  const auto done = [step](const Result<Method>& answer) {
    step->set(answer ? Name(name_in(*answer)) : Name(answer.error()));
  };
  ask(session, failed, done);
  return step;
}

asio::awaitable<SetUp::Name> SetUp::ended(std::shared_ptr<Step> step) {
  std::optional<Name> outcome = co_await Step::wait(step);
  if (!outcome) co_return Error(errc::cancelled, "it was cancelled", End::rejected);
  co_return std::move(*outcome);
}

asio::awaitable<SetUp::Name> SetUp::asked(std::shared_ptr<SetUp> self, ChannelId channel, Ask ask) {
  auto waiting = ended(self->begin(channel, ask));
  co_return co_await std::move(waiting);
}

asio::awaitable<SetUp::Name> SetUp::declared(std::shared_ptr<SetUp> self, QueueWish wish) {
  Ask ask = [self, wish](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    Declaration(session, self->channel_, self->options_, failed).queue(wish, done);
  };
  auto asking = asked(self, self->channel_, std::move(ask));
  co_return co_await std::move(asking);
}

asio::awaitable<SetUp::Name> SetUp::queue(std::shared_ptr<SetUp> self, QueueWish wish) {
  wish.is_passive = self->options_.no_assert;
  QueueWish again = wish;
  auto declaring = declared(self, std::move(wish));
  Name outcome = co_await std::move(declaring);
  if (outcome || again.is_passive || !minds_the_limit(outcome.error())) co_return outcome;
  // Somebody else has declared it with another limit, or with none: it is taken as it is.
  self->log_.warning("amqp: " + std::string(outcome.error().message()) + "; it is used as it is");
  again.is_passive = true;
  auto looking = declared(self, std::move(again));
  co_return co_await std::move(looking);
}

asio::awaitable<SetUp::Name> SetUp::dead_letters(std::shared_ptr<SetUp> self, std::string name) {
  QueueWish wish;
  wish.name = std::move(name);
  wish.is_for_dead_letters = wish.is_passive = true;
  if (self->link_)
    wish.delivery_limit = delivery_limit_of(self->options_, true, self->link_->session().broker_version());
  QueueWish missing = wish;
  auto looking = declared(self, std::move(wish));
  Name outcome = co_await std::move(looking);
  if (outcome || self->options_.no_assert || !is_missing(outcome.error())) co_return outcome;
  missing.is_passive = false;
  auto declaring = declared(self, std::move(missing));
  co_return co_await std::move(declaring);
}

asio::awaitable<SetUp::Name> SetUp::exchange(std::shared_ptr<SetUp> self, std::string queue, Routes routes) {
  Ask ask = [self, queue, routes](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    Declaration declaration(session, self->channel_, self->options_, failed);
    declaration.exchange();
    declaration.bindings(queue, routes);
    declaration.prefetch(0, done);  // its answer is the last
  };
  auto asking = asked(self, self->channel_, std::move(ask));
  Name outcome = co_await std::move(asking);
  if (!outcome) co_return outcome;
  co_return queue;
}

asio::awaitable<SetUp::Name> SetUp::listener(std::shared_ptr<SetUp> self, std::string queue_name, Routes routes,
                                             std::string dead_letter) {
  if (!dead_letter.empty()) {
    auto parking = dead_letters(self, dead_letter);
    const Name parked = co_await std::move(parking);
    if (!parked) co_return parked.error();
  }
  std::string name = queue_name;
  if (!self->options_.no_assert || !name.empty()) {
    QueueWish wish;
    wish.name = queue_name;
    const int version = self->link_ ? self->link_->session().broker_version() : 0;
    wish.delivery_limit = delivery_limit_of(self->options_, !dead_letter.empty(), version);
    auto declaring = queue(self, std::move(wish));
    Name declared = co_await std::move(declaring);
    if (!declared) co_return declared.error();
    name = *declared;
  }
  if (!self->options_.has_exchange()) co_return name;
  auto binding = exchange(self, std::move(name), std::move(routes));
  co_return co_await std::move(binding);
}

asio::awaitable<SetUp::Name> SetUp::client(std::shared_ptr<SetUp> self) {
  const Options& options = self->options_;
  const bool has_queue = !options.wildcards && !options.is_fanout() && !options.queue.empty();
  std::string name = options.queue;
  if (has_queue) {
    QueueWish wish;
    wish.name = options.queue;
    wish.delivery_limit = delivery_limit_of(options, false, 0);
    auto declaring = queue(self, std::move(wish));
    const Name declared = co_await std::move(declaring);
    if (!declared) co_return declared.error();
  }
  if (!options.has_exchange()) co_return name;
  // Only a listener binds its routes.
  Ask ask = [self, has_queue](Session& session, const Declaration::Failed& failed, const Session::Done& done) {
    const Options& wanted = self->options_;
    Declaration declaration(session, self->channel_, wanted, failed);
    declaration.exchange();
    if (has_queue && !wanted.no_assert && !wanted.routing_key.empty())
      declaration.bind(wanted.queue, wanted.routing_key);
    declaration.prefetch(0, done);
  };
  auto asking = asked(self, self->channel_, std::move(ask));
  co_return co_await std::move(asking);
}

}  // namespace waybill::amqp

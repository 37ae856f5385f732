#include "waybill/dead_letters.hpp"

#include "config/config_options.hpp"

#include <string>
#include <utility>

namespace waybill {

DeadLetters::DeadLetters(const asio::any_io_executor& executor, const ListenerConfig& listener,
                         std::shared_ptr<const Registry> registry, Log log)
    : registry_(std::move(registry)), transport_(detail::make_configured(*registry_, listener.url, listener.origin)) {
  const std::string name(transport_->capabilities().transport);
  if (transport_->capabilities().dead_letters == Support::impossible) {
    throw Error(errc::unsupported, name + " has no dead letters", End::rejected);
  }
  if (listener.delivery.dead_letter.empty()) {
    throw Error(errc::invalid_config, "the URL names no dead letters: add dead_letter=CHANNEL, as the listener has it",
                End::rejected);
  }
  Environment environment;
  environment.executor = executor;
  environment.log = std::move(log);
  environment.group = listener.group;
  environment.dead_letter = listener.delivery.dead_letter;
  environment.serializer = listener.serializer.empty() ? &registry_->default_serializer()
                                                       : registry_->serializer(listener.serializer).value();
  box_ = transport_->make_dead_letter_box(std::move(environment));
  if (!box_) throw Error(errc::unsupported, name + " has no dead letters", End::rejected);
}

DeadLetters::~DeadLetters() {
  if (box_) close();
}

asio::awaitable<Result<std::vector<DeadLetter>>> DeadLetters::list(std::size_t limit) { return box_->list(limit); }
asio::awaitable<Result<void>> DeadLetters::replay(const DeadLetter& letter) { return box_->replay(letter); }
asio::awaitable<Result<void>> DeadLetters::drop(const DeadLetter& letter) { return box_->drop(letter); }
void DeadLetters::close() { box_->close(); }

}  // namespace waybill

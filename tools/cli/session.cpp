#include "session.hpp"

#include "goodbye.hpp"
#include "inputs.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

namespace waybill::cli {
namespace {

using Work = std::function<asio::awaitable<Outcome>(Client&)>;

asio::awaitable<Outcome> connect_and(Client& client, const Work& work) {
  try {
    co_await client.connect();
  } catch (const Error& error) {
    co_return connect_failure(error);
  }
  co_return co_await work(client);
}

}  // namespace

Session::Session(const Arguments& arguments)
    : registry_(default_registry()), config_(ClientConfig::from_url(arguments.url)) {
  if (!Url::parse(arguments.url).value().option("connect_timeout")) {
    config_.connect_timeout = parse_time(arguments.connect_timeout, "--connect-timeout");
  }
}

const Serializer& Session::format() const {
  return config_.serializer.empty() ? registry_->default_serializer()
                                    : *registry_->serializer(config_.serializer).value();
}

Outcome Session::run(const Log& log, const Work& work) {
  asio::io_context loop(1);
  Client client(loop.get_executor(), config_, registry_, log);
  Outcome outcome = failure(Exit::failed, "closed", "the command did not end");
  asio::co_spawn(loop, connect_and(client, work), [&](std::exception_ptr thrown, Outcome ended) {
    outcome = std::move(ended);
    client.close();
    loop.stop();  // whatever else is on it
    if (thrown) std::rethrow_exception(thrown);
  });
  loop.run();
  say_goodbye(loop);
  return outcome;
}

}  // namespace waybill::cli

#include "name_lookup.hpp"

#include <asio/error.hpp>
#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>
#include <thread>
#include <utility>

namespace waybill::socket {
namespace {

asio::error_code error_of(int result) {
  switch (result) {
    case EAI_AGAIN: return asio::error::host_not_found_try_again;
    case EAI_MEMORY: return asio::error::no_memory;
    case EAI_SYSTEM: return asio::error_code(errno, asio::error::get_system_category());
    default: return asio::error::host_not_found;
  }
}

Endpoints ask_system(const std::string& name, std::uint16_t port, asio::error_code& ec) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int result = getaddrinfo(name.c_str(), nullptr, &hints, &found);
  Endpoints endpoints;
  if (result != 0) {
    ec = error_of(result);
    return endpoints;
  }
  for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (entry->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
    endpoint.resize(entry->ai_addrlen);
    endpoint.port(port);
    endpoints.push_back(endpoint);
  }
  freeaddrinfo(found);
  return endpoints;
}

std::atomic<NameLookup::System> g_system{ask_system};

}  // namespace

/// Who waits for which name. Never destroyed: a thread may still ask when main() has returned.
struct NameLookup::Table {
  using Key = std::pair<std::string, std::uint16_t>;
  std::mutex mutex;
  std::map<Key, std::vector<std::shared_ptr<NameLookup>>> waiting;

  static Table& of_this_process() {
    static Table& table = *new Table;
    return table;
  }
  std::vector<std::shared_ptr<NameLookup>> take(const Key& key) {
    const std::lock_guard lock(mutex);
    const auto found = waiting.find(key);
    auto all = std::move(found->second);
    waiting.erase(found);
    return all;
  }
  static void ask(const Key& key) {
    asio::error_code ec;
    const auto found = std::make_shared<const Endpoints>(g_system.load()(key.first, key.second, ec));
    for (const auto& lookup : of_this_process().take(key)) lookup->tell(ec, found);
  }
};

NameLookup::System NameLookup::exchange_system(System system) noexcept { return g_system.exchange(system); }

std::shared_ptr<NameLookup> NameLookup::start(asio::any_io_executor executor, const std::string& name,
                                              std::uint16_t port, Done done) {
  const auto lookup = std::make_shared<NameLookup>();
  lookup->executor_ = std::move(executor);
  lookup->done_ = std::move(done);
  const Table::Key key(name, port);
  Table& table = Table::of_this_process();
  {
    const std::lock_guard lock(table.mutex);
    auto& waiting = table.waiting[key];
    waiting.push_back(lookup);
    if (waiting.size() > 1) return lookup;
  }
  // Signals are for threads that the program knows.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread(Table::ask, key).detach();
  } catch (const std::system_error& error) {
    for (const auto& one : table.take(key)) one->tell(error.code(), std::make_shared<const Endpoints>());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return lookup;
}

void NameLookup::cancel() {
  const std::lock_guard lock(mutex_);
  done_ = nullptr;
  executor_ = {};
}

void NameLookup::tell(const asio::error_code& ec, std::shared_ptr<const Endpoints> found) {
  const std::lock_guard lock(mutex_);
  if (!done_) return;
  asio::post(executor_, [done = done_, ec, found = std::move(found)] { done(ec, *found); });
}

}  // namespace waybill::socket

// LinkHolder: a role of redis holds one link after the other. What the two roles have in common.
#pragma once

#include "link_memory.hpp"
#include "waybill/registry.hpp"
#include "waybill/transport/transport.hpp"
#include "waybill/transports/redis.hpp"
#include "waybill/transports/socket/ref.hpp"

#include <memory>
#include <utility>

namespace waybill::redis {

template <class Link>
class LinkHolder {
 public:
  LinkHolder(Environment environment, const Options& options)
      : environment_(std::move(environment)), options_(options) {}
  ~LinkHolder() { close(); }
  LinkHolder(const LinkHolder&) = delete;
  LinkHolder& operator=(const LinkHolder&) = delete;

  /// Makes a new link and opens it; the one before is closed.
  template <class... Arguments>
  asio::awaitable<Result<void>> open(Arguments&... arguments) {
    if (is_closed_) co_return Error(errc::closed, "it was closed before", End::rejected);
    if (link_) link_->close();
    const socket::Ref<Link> link(new Link(environment_, options_, memory_));
    link_ = socket::Ref<Link>(link.get());
    Result<void> opened = co_await link->open(arguments...);
    if (!opened) link->close();
    co_return opened;
  }
  asio::awaitable<void> flush() {
    const socket::Ref<Link> link(link_.get());
    if (link) co_await link->flush();
  }
  void close() {
    is_closed_ = true;
    if (link_) link_->close();
  }
  Link* link() const noexcept { return link_.get(); }
  const Options& options() const noexcept { return options_; }

 private:
  Environment environment_;
  const Options options_;
  const std::shared_ptr<LinkMemory> memory_ = std::make_shared<LinkMemory>();
  socket::Ref<Link> link_;
  bool is_closed_ = false;
};

}  // namespace waybill::redis

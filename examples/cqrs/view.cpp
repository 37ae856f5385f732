#include "view.hpp"

#include <asio/redirect_error.hpp>

#include <filesystem>
#include <stdexcept>

namespace shop {
namespace {

int place_of(const std::string& state) { return state == "placed" ? 0 : state == "paid" ? 1 : 2; }

const waybill::Serializer& json() { return waybill::default_registry()->default_serializer(); }

/// The status is that of the response over HTTP.
struct NotFound {
  int status = 404;
  std::string message;
};

}  // namespace

View::View(waybill::Application& app, const std::string& file) : executor_(app.executor()), file_(file) {
  load();
  journal_.open(file_, std::ios::app | std::ios::binary);
  if (!journal_) throw std::runtime_error("cannot write " + file_);

  auto view = app.service().at("view");
  for (const char* event : {"order.placed", "order.paid", "order.shipped"}) {
    view.on_event(event, [this](const Order& order) { apply(order); });
  }
  view.on_request("order.state", [this](const std::string& id) { return find(id); });
  view.on_request("order.follow", [this](const std::string& id) { return follow(id); });
}

void View::load() {
  if (!std::filesystem::exists(file_)) return;
  if (!std::filesystem::is_regular_file(file_)) throw std::runtime_error(file_ + " is no ordinary file");
  std::ifstream in(file_, std::ios::binary);
  std::size_t number = 0;
  for (std::string line; std::getline(in, line) && !in.eof(); size_ += line.size() + 1) {
    ++number;
    try {
      const waybill::Payload text(waybill::Slice::copy(line), json());
      Order order = text.decode<Order>();
      const std::string id = order.id;
      entries_.erase(id);
      entries_.try_emplace(id, std::move(order), executor_);
    } catch (const waybill::Error&) {
      throw std::runtime_error(file_ + ':' + std::to_string(number) + ": is no order");
    }
  }
  in.close();
  // What a sudden end has cut off was not acknowledged: its event comes again.
  std::filesystem::resize_file(file_, size_);
}

void View::write(const Order& order) {
  const waybill::Payload line = waybill::Payload::of(order, json());
  journal_ << line.bytes().view() << std::endl;
  if (journal_) {
    size_ += line.bytes().view().size() + 1;
    return;
  }
  // The disk may be full: half a line goes, and the event comes again.
  journal_.close();
  std::filesystem::resize_file(file_, size_);
  journal_.clear();
  journal_.open(file_, std::ios::app | std::ios::binary);
  throw std::runtime_error("cannot write " + file_);
}

bool View::is_news(const Order& order) const {
  const auto known = entries_.find(order.id);
  return known == entries_.end() || place_of(known->second.order.state) < place_of(order.state);
}

void View::apply(const Order& order) {
  if (!is_news(order)) return;
  write(order);
  const auto [entry, is_new] = entries_.try_emplace(order.id, order, executor_);
  if (!is_new) entry->second.order = order;
  entry->second.changed.cancel();
}

const Order& View::find(const std::string& id) const {
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) throw waybill::Error::with_body(NotFound{404, "there is no order " + id + " (yet)"});
  return entry->second.order;
}

asio::awaitable<void> View::change_of(Entry& entry) {
  std::error_code cancelled;  // which is how it is told
  co_await entry.changed.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

waybill::Stream<Order> View::follow(std::string id) {
  find(id);
  for (std::string seen; seen != "shipped";) {
    Entry& entry = entries_.at(id);
    if (entry.order.state == seen) {
      co_await change_of(entry);
      continue;
    }
    const Order order = entry.order;
    co_yield order;
    seen = order.state;
  }
}

}  // namespace shop

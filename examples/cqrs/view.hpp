// View: what the events so far amount to, for queries. It is made anew from its file when the program starts again.
#pragma once

#include "order.hpp"
#include <waybill/application.hpp>
#include <waybill/time.hpp>

#include <cstdint>
#include <fstream>
#include <map>
#include <string>

namespace shop {

class View {
 public:
  /// `file`: of one order a line, JSON, the newest state last; made if it is not there.
  View(waybill::Application& app, const std::string& file);

  /// Written before it is seen, and before the event is acknowledged. Events may come twice, and in any order: what is older
  /// than what is known changes nothing.
  void apply(const Order& order);
  /// Throws an error that becomes a 404.
  const Order& find(const std::string& id) const;
  /// The order as it is, and again whenever it changes, until it is shipped.
  waybill::Stream<Order> follow(std::string id);

 private:
  struct Entry {
    Entry(Order first, const asio::any_io_executor& executor) : order(std::move(first)), changed(executor) {}
    Order order;
    waybill::Timer changed;  // cancelled whenever it does
  };
  static asio::awaitable<void> change_of(Entry& entry);
  void load();
  void write(const Order& order);
  bool is_news(const Order& order) const;

  asio::any_io_executor executor_;
  std::map<std::string, Entry> entries_;
  const std::string file_;
  std::uintmax_t size_ = 0;  ///< Of its whole lines.
  std::ofstream journal_;
};

}  // namespace shop

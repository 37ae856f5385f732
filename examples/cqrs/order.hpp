// What travels between the parts. Events carry the whole order, so that whoever takes one needs nothing else.
#pragma once

#include <string>

namespace shop {

/// The body of POST /orders.
struct NewOrder {
  std::string item;
  int quantity = 1;
};

struct Order {
  std::string id, item;
  int quantity = 1;
  std::string state;  ///< "placed", "paid", "shipped".
};

}  // namespace shop

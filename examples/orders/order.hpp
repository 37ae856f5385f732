// What the orders service and its callers tell each other. Plain structs: no macro, no base class.
#pragma once

#include <optional>
#include <string>

struct Order {
  std::string id;
  int quantity = 1;
  std::optional<std::string> note;
};

struct Receipt {
  std::string order_id;
  double total = 0;
};

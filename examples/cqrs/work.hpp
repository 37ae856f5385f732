// The work that goes on after an order was accepted: each step takes an event and ends with the next.
#pragma once

#include <waybill/application.hpp>

namespace shop {

void add_work(waybill::Application& app);

}  // namespace shop

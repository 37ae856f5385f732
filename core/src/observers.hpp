// Several observers of one client or service.
#pragma once

#include "waybill/observer.hpp"

#include <memory>

namespace waybill::detail {

/// One that tells `first`, then `second`. Either may be null: then it is the other.
std::shared_ptr<Observer> together(std::shared_ptr<Observer> first, std::shared_ptr<Observer> second);

}  // namespace waybill::detail

// Several observers of one client or service.
#pragma once

#include "waybill/observer.hpp"

#include <memory>

namespace waybill::detail {

/// One that tells `first`, then `second`. Either may be null: then it is the other.
std::shared_ptr<Observer> together(std::shared_ptr<Observer> first, std::shared_ptr<Observer> second);

/// Who is told of the source: of one that has an own observer for it, that. Null for null.
std::shared_ptr<Observer> observer_of(const std::shared_ptr<Observer>& observer, const ObservedSource& source);

}  // namespace waybill::detail

#include "observers.hpp"

#include <utility>

namespace waybill::detail {

namespace {

class Both final : public Observer {
 public:
  Both(std::shared_ptr<Observer> first, std::shared_ptr<Observer> second)
      : first_(std::move(first)), second_(std::move(second)) {}

  void call_began(const ObservedCall& call) noexcept override {
    first_->call_began(call);
    second_->call_began(call);
  }
  void call_ended(const ObservedCall& call, const Error* error, std::chrono::nanoseconds took) noexcept override {
    first_->call_ended(call, error, took);
    second_->call_ended(call, error, took);
  }
  void message_came(const ObservedMessage& message) noexcept override {
    first_->message_came(message);
    second_->message_came(message);
  }
  void message_handled(const ObservedMessage& message, const Error* error,
                       std::chrono::nanoseconds took) noexcept override {
    first_->message_handled(message, error, took);
    second_->message_handled(message, error, took);
  }
  void message_settled(const ObservedMessage& message, Fate fate) noexcept override {
    first_->message_settled(message, fate);
    second_->message_settled(message, fate);
  }
  void link_changed(std::string_view url, Status status) noexcept override {
    first_->link_changed(url, status);
    second_->link_changed(url, status);
  }
  void bound_reached(std::string_view url, std::string_view bound) noexcept override {
    first_->bound_reached(url, bound);
    second_->bound_reached(url, bound);
  }

 private:
  std::shared_ptr<Observer> first_;
  std::shared_ptr<Observer> second_;
};

}  // namespace

std::shared_ptr<Observer> together(std::shared_ptr<Observer> first, std::shared_ptr<Observer> second) {
  if (!first) return second;
  if (!second) return first;
  return std::make_shared<Both>(std::move(first), std::move(second));
}

}  // namespace waybill::detail

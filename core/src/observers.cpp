#include "observers.hpp"

#include <utility>

namespace waybill::detail {

namespace {

class Both final : public Observer {
 public:
  Both(std::shared_ptr<Observer> first, std::shared_ptr<Observer> second)
      : first_(std::move(first)), second_(std::move(second)) {}

  std::shared_ptr<Observer> observer_of(const ObservedSource& source) override {
    auto first = first_->observer_of(source);
    auto second = second_->observer_of(source);
    if (!first && !second) return nullptr;
    return std::make_shared<Both>(first ? std::move(first) : first_, second ? std::move(second) : second_);
  }
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
  bool traces() const noexcept override { return first_->traces() || second_->traces(); }
  void call_traced(const ObservedCall& call, TraceContext& trace) noexcept override {
    first_->call_traced(call, trace);
    second_->call_traced(call, trace);
  }
  void message_traced(const ObservedMessage& message, TraceContext& trace) noexcept override {
    first_->message_traced(message, trace);
    second_->message_traced(message, trace);
  }
  void call_repeated(const ObservedCall& call, int attempt, const Error& why) noexcept override {
    first_->call_repeated(call, attempt, why);
    second_->call_repeated(call, attempt, why);
  }
  void http_traced(const ObservedHttp& request, TraceContext& trace) noexcept override {
    first_->http_traced(request, trace);
    second_->http_traced(request, trace);
  }
  void link_changed(std::string_view url, Status status) noexcept override {
    first_->link_changed(url, status);
    second_->link_changed(url, status);
  }
  void bound_reached(std::string_view url, std::string_view bound) noexcept override {
    first_->bound_reached(url, bound);
    second_->bound_reached(url, bound);
  }

  void figure_told(std::string_view url, std::string_view name, double value) noexcept override {
    first_->figure_told(url, name, value);
    second_->figure_told(url, name, value);
  }
  void http_began(const ObservedHttp& request) noexcept override {
    first_->http_began(request);
    second_->http_began(request);
  }
  void http_ended(const ObservedHttp& request, std::chrono::nanoseconds took) noexcept override {
    first_->http_ended(request, took);
    second_->http_ended(request, took);
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

std::shared_ptr<Observer> observer_of(const std::shared_ptr<Observer>& observer, const ObservedSource& source) {
  if (!observer) return nullptr;
  auto own = observer->observer_of(source);
  return own ? own : observer;
}

}  // namespace waybill::detail

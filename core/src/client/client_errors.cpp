// What a client says when a call ends badly. Built only then: a call keeps nothing for it but its name and its timeout.
#include "client/client_core.hpp"

#include <algorithm>
#include <string>

namespace waybill::detail {

namespace {

std::string in_ms(std::chrono::milliseconds time) { return std::to_string(time.count()) + " ms"; }

std::string within(std::chrono::milliseconds timeout) {
  return timeout == std::chrono::milliseconds::max() ? std::string(" in time") : " within " + in_ms(timeout);
}

}  // namespace

Error closed_error(End end) { return Error(errc::closed, "the client was closed", end); }
Error cancelled_error(End end) { return Error(errc::cancelled, "the call was cancelled", end); }

Error ClientCore::no_link_error(std::optional<std::chrono::milliseconds> waited) const {
  const std::string url = config_.url.redacted();
  if (ready_ && blocked_) {
    return Error(errc::overloaded, url + " takes no messages for now: " + blocked_why_, End::rejected);
  }
  const std::string what = "no connection to " + url + (waited ? within(*waited) : std::string());
  if (!last_failure_) return Error(errc::refused, what, End::rejected);
  // What ended the last link, or how long an attempt may last, is not what became of this message.
  const std::error_code& why = last_failure_->code();
  const bool is_about_link = why != errc::connection_lost && why != errc::timeout;
  return Error(is_about_link ? why : make_error_code(errc::refused),
               what + ": " + std::string(last_failure_->message()), End::rejected);
}

Error ClientCore::too_much_unsent() const {
  tell_bound("max_unsent");
  return Error(errc::overloaded,
               "the other side reads too slowly: more than " + std::to_string(config_.max_unsent_bytes) +
                   " bytes wait to be sent or confirmed",
               End::rejected);
}

Error ClientCore::not_sent(CallKey key, const Error& why) const {
  return Error(why.code(),
               calls_.name(key) + " was not sent" + within(std::min(calls_.timeout(key), config_.connect_timeout)) +
                   ": " + std::string(why.message()),
               End::rejected);
}

Error ClientCore::timed_out(CallKey key) const {
  if (calls_.stage(key) == Stage::held) {
    const Error why = no_link_error();
    const bool is_told_why = last_failure_ || (ready_ && blocked_);
    return not_sent(key, is_told_why ? why : Error(errc::timeout, std::string(why.message()), End::rejected));
  }
  const char* const what = calls_.is_request(key) ? "no answer to " : "no confirmation of ";
  return Error(errc::timeout, what + calls_.name(key) + " from " + config_.url.redacted() + within(calls_.timeout(key)),
               End::unknown);
}

Error ClientCore::lost_call(CallKey key, const Error& why) const {
  std::string text = "the connection to " + config_.url.redacted() + " was lost";
  const std::chrono::milliseconds timeout = calls_.timeout(key);
  if (timeout != std::chrono::milliseconds::max()) {
    const auto waited = coarse_now() - (calls_.deadline(key) - timeout);
    text += ' ' + in_ms(std::chrono::duration_cast<std::chrono::milliseconds>(waited)) + " after the call of ";
  } else {
    text += " during the call of ";
  }
  return Error(why.code(), text + calls_.name(key) + ": " + std::string(why.message()), End::unknown);
}

}  // namespace waybill::detail

#include "error.hpp"

#include "method.hpp"

namespace waybill::amqp {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "amqp"; }
  std::string message(int code) const override { return "AMQP reply code " + std::to_string(code); }
  std::error_condition default_error_condition(int code) const noexcept override {
    switch (code) {
      case AMQP_ACCESS_REFUSED: return make_error_condition(errc::unauthorized);
      case AMQP_NOT_ALLOWED:
      case AMQP_NOT_FOUND:
      case AMQP_PRECONDITION_FAILED:
      case AMQP_COMMAND_INVALID: return make_error_condition(errc::invalid_config);
      case AMQP_CONTENT_TOO_LARGE: return make_error_condition(errc::too_large);
      case AMQP_RESOURCE_LOCKED: return make_error_condition(errc::refused);
      case AMQP_NOT_IMPLEMENTED: return make_error_condition(errc::unsupported);
      case AMQP_CONNECTION_FORCED:
      case AMQP_FRAME_ERROR:
      case AMQP_SYNTAX_ERROR:
      case AMQP_CHANNEL_ERROR:
      case AMQP_UNEXPECTED_FRAME:
      case AMQP_RESOURCE_ERROR:
      case AMQP_INTERNAL_ERROR: return make_error_condition(errc::connection_lost);
      default: return {code, *this};
    }
  }
};

/// What stands behind `before` up to `after`; empty if it is not there.
std::string_view between(std::string_view text, std::string_view before, std::string_view after) noexcept {
  const std::size_t from = text.find(before);
  if (from == std::string_view::npos) return {};
  text.remove_prefix(from + before.size());
  return text.substr(0, text.find(after));
}

/// "... inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'"
std::string inequivalent(std::string_view text) {
  const std::string_view argument = between(text, "inequivalent arg '", "'");
  if (argument.empty()) return {};
  const std::string_view kind = between(text, "' for ", " '");
  const std::string_view name = between(text, "' for " + std::string(kind) + " '", "'");
  std::string_view ours = between(text, ": received ", " but current");
  std::string_view theirs = between(text, "but current is ", "\n");
  const auto plain = [](std::string_view value) {
    if (value.starts_with("the value ")) value = between(value, "the value ", " of type");
    if (value.starts_with("'") && value.ends_with("'")) value = value.substr(1, value.size() - 2);
    return value == "none" ? std::string("unset") : std::string(value);
  };
  return "the " + std::string(kind) + " " + std::string(name) + " is there with " + std::string(argument) + "=" +
         plain(theirs) + ", and this URL wants " + std::string(argument) + "=" + plain(ours) +
         ": give both sides the same options, or delete the " + std::string(kind);
}

std::string sentence(std::uint16_t code, std::string_view text, std::string_view what) {
  if (code == AMQP_PRECONDITION_FAILED) {
    if (std::string known = inequivalent(text); !known.empty()) return known;
  }
  if (code == AMQP_NOT_FOUND) {
    for (const std::string_view kind : {"queue", "exchange"}) {
      const std::string_view name = between(text, "no " + std::string(kind) + " '", "'");
      if (!name.empty())
        return "there is no " + std::string(kind) + " " + std::string(name) +
               ": create it, or leave no_assert=true out of the URL so that it is declared";
    }
  }
  if (code == AMQP_NOT_ALLOWED) {
    const std::string_view vhost = between(text, "vhost ", " not found");
    if (text.find(" not found") != std::string_view::npos)
      return "the broker has no vhost " + std::string(vhost) + ": create it, or change the path of the URL";
  }
  if (code == AMQP_RESOURCE_LOCKED)
    return "the queue is exclusive and belongs to another connection: close that one, or remove exclusive=true (" +
           std::string(text) + ")";
  std::string line(what);
  if (!line.empty()) line += ": ";
  return line + "the broker says " + std::to_string(code) + " " + std::string(text);
}

}  // namespace

const std::error_category& amqp_category() noexcept {
  static const Category category;
  return category;
}

Error broker_error(std::uint16_t code, std::string_view text, std::string_view what, End end) {
  return Error(std::error_code(code, amqp_category()), sentence(code, text, what), end);
}

}  // namespace waybill::amqp

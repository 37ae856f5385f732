#include "protocol/error.hpp"

#include "protocol/method.hpp"

#include <charconv>

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

struct Sizes {
  std::uint64_t size = 0, most = 0;
};
constexpr std::string_view k_has = "the message has ";
constexpr std::string_view k_takes = " bytes, and the broker takes at most ";

constexpr std::string_view k_overdue = "a delivery was not acknowledged within the broker's consumer_timeout";

std::uint64_t number_in(std::string_view text) noexcept {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// "... message size 20971520 is larger than configured max size 16777216"
Sizes sizes_in(std::string_view text) noexcept {
  return {number_in(between(text, "message size ", " ")), number_in(between(text, "max size ", " "))};
}

/// What the broker says of a state that may pass: limits of connections, queues whose node is away, a broker that starts.
bool is_passing(std::uint16_t code, std::string_view text) noexcept {
  const auto says = [text](std::string_view words) { return text.find(words) != std::string_view::npos; };
  if (code == AMQP_NOT_ALLOWED) return says("limit") || says("timeout") || says("down");
  if (code == AMQP_NOT_FOUND) return !says("no queue '") && !says("no exchange '");
  return false;
}

std::error_code code_of(std::uint16_t code, std::string_view text) noexcept {
  if (is_passing(code, text)) return make_error_code(errc::refused);
  if (code == AMQP_NOT_ALLOWED && text.find("refused for user") != std::string_view::npos)
    return make_error_code(errc::unauthorized);
  if (code == AMQP_PRECONDITION_FAILED && sizes_in(text).most) return make_error_code(errc::too_large);
  if (code == AMQP_PRECONDITION_FAILED && text.find("acknowledgement on channel") != std::string_view::npos)
    return make_error_code(errc::connection_lost);
  // A kind of queue that this version has no more: asking again changes nothing.
  if (code == AMQP_INTERNAL_ERROR && text.find("deprecated") != std::string_view::npos)
    return make_error_code(errc::invalid_config);
  return {code, amqp_category()};
}

/// Older brokers name what is refused, and not which right it takes.
std::string_view right_for(std::uint32_t method, std::string_view kind, std::string_view text) noexcept {
  for (const std::string_view right : {"configure", "write", "read"}) {
    if (text.find(std::string(right) + " access to") != std::string_view::npos) return right;
  }
  const bool is_exchange = kind == "exchange";
  switch (method) {
    case AMQP_BASIC_PUBLISH_METHOD: return "write";
    case AMQP_BASIC_CONSUME_METHOD:
    case AMQP_BASIC_GET_METHOD: return "read";
    case AMQP_QUEUE_BIND_METHOD: return is_exchange ? "read" : "write";
    case AMQP_QUEUE_DECLARE_METHOD: return is_exchange ? "write" : "configure";  // its dead letter exchange
    case AMQP_EXCHANGE_DECLARE_METHOD: return "configure";
    default: return {};
  }
}

/// "[write ]access to queue 'q' in vhost '/' refused for user 'u'", or "... to topic 't' in exchange 'e' in vhost ..."
std::string missing_right(std::uint32_t method, std::string_view text) {
  const std::string_view user = between(text, "refused for user '", "'");
  const std::string_view vhost = between(text, " in vhost '", "'");
  const std::string_view kind = between(text, "access to ", " '");
  if (user.empty()) return {};
  std::string line = "the user " + std::string(user) + " has no right";
  if (kind == "vhost")
    return line + "s in the vhost " + std::string(between(text, "to vhost '", "'")) +
           ": grant them with rabbitmqctl set_permissions";
  std::string name(between(text, std::string(kind) + " '", "'"));
  if (name.empty() || vhost.empty()) return {};
  const std::string_view right = right_for(method, kind, text);
  line += right.empty() ? " to" : " to " + std::string(right);
  const bool is_topic = kind == "topic";
  if (name == "amq.default") {
    line += " the default exchange (amq.default)";
  } else {
    line += " the " + std::string(kind) + ' ' + name;
  }
  if (is_topic) line += " of the exchange " + std::string(between(text, " in exchange '", "'"));
  return line + " in the vhost " + std::string(vhost) + ": grant it with rabbitmqctl " +
         (is_topic ? "set_topic_permissions" : "set_permissions");
}

/// "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated. By default, this feature is not permitted anymore..."
std::string abolished(std::string_view feature, std::string_view what) {
  std::string line(what);
  if (!line.empty()) line += ": ";
  if (feature == "transient_nonexcl_queues")
    return line +
           "this broker (RabbitMQ 4.3 or newer) has no queues any more that several connections share and that do not "
           "survive its restart: write durable=true on both sides (NestJS: queueOptions.durable), or exclusive=true";
  return line + "this broker has no " + std::string(feature) +
         " any more: change the options of the URL, or permit it by " + "deprecated_features.permit." +
         std::string(feature) + " = true in rabbitmq.conf";
}

std::string sentence(std::uint16_t code, std::string_view text, std::string_view what, std::uint32_t method) {
  if (code == AMQP_PRECONDITION_FAILED) {
    if (std::string known = inequivalent(text); !known.empty()) return known;
    if (const Sizes sizes = sizes_in(text); sizes.most)
      return std::string(k_has) + std::to_string(sizes.size) + std::string(k_takes) + std::to_string(sizes.most) +
             " (max_message_size of the broker)";
    if (text.find("acknowledgement on channel") != std::string_view::npos)
      return std::string(k_overdue) + " (" + std::string(text) +
             "): a handler, a backoff or a message that was left takes longer; raise consumer_timeout";
  }
  if (code == AMQP_NOT_FOUND) {
    for (const std::string_view kind : {"queue", "exchange"}) {
      const std::string_view name = between(text, "no " + std::string(kind) + " '", "'");
      if (!name.empty())
        return "there is no " + std::string(kind) + " " + std::string(name) +
               ": create it, or leave no_assert=true out of the URL so that it is declared";
    }
  }
  if (code == AMQP_ACCESS_REFUSED || (code == AMQP_NOT_ALLOWED && !is_passing(code, text))) {
    if (std::string known = missing_right(method, text); !known.empty())
      return what.empty() ? known : std::string(what) + ": " + known;
  }
  if (code == AMQP_NOT_ALLOWED) {
    const std::string_view vhost = between(text, "vhost ", " not found");
    if (text.find(" not found") != std::string_view::npos)
      return "the broker has no vhost " + std::string(vhost) + ": create it, or change the path of the URL";
  }
  if (const std::string_view feature = between(text, "Feature `", "`"); code == AMQP_INTERNAL_ERROR && !feature.empty())
    return abolished(feature, what);
  if (code == AMQP_RESOURCE_LOCKED && text.find("single active consumer") != std::string_view::npos)
    return "the queue has a single active consumer, and nothing else may take from it (" + std::string(text) + ")";
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

Error broker_error(std::uint16_t code, std::string_view text, std::string_view what, End end, std::uint32_t method) {
  return Error(code_of(code, text), sentence(code, text, what, method), end);
}

Error no_route(std::string_view reason, End end) {
  std::string text = "no queue takes the message: " + std::string(reason);
  if (end == End::unknown) text += " Its queue was deleted, and may have delivered it before";
  return Error(errc::no_receiver, std::move(text), end);
}

bool is_overdue(const Error& error) noexcept { return error.message().find(k_overdue) != std::string_view::npos; }

Refusal refusal_of(const Error& error) noexcept {
  const std::string_view text = error.message();
  const std::string_view taken = between(text, k_takes, " ");
  return {number_in(between(text, k_has, " ")), number_in(taken),
          text.find("user_id property") != std::string_view::npos};
}

}  // namespace waybill::amqp

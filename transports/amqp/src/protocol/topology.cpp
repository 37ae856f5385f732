#include "protocol/topology.hpp"

#include <charconv>
#include <vector>

namespace waybill::amqp {
namespace {

constexpr int k_first_with_a_limit = 4;  // RabbitMQ: of 20 deliveries, unless another is wanted

/// The x- arguments of the queue.
class Arguments {
 public:
  /// For dead letters: of the type of their queue, and never dropped for being looked at too often.
  Arguments(const Options& options, bool is_for_dead_letters, std::optional<std::int32_t> delivery_limit) {
    text("x-queue-type", options.queue_type);
    if (delivery_limit) integer("x-delivery-limit", *delivery_limit);
    if (is_for_dead_letters) return;
    text("x-dead-letter-exchange", options.dead_letter_exchange);
    text("x-dead-letter-routing-key", options.dead_letter_routing_key);
    number("x-message-ttl", static_cast<std::uint64_t>(options.message_ttl.count()));
    number("x-expires", static_cast<std::uint64_t>(options.expires.count()));
    number("x-max-length", options.max_length);
    number("x-max-priority", options.max_priority);
    for (const auto& [name, value] : options.arguments) typed(name.c_str(), value);
  }
  amqp_table_t table() noexcept { return {static_cast<int>(entries_.size()), entries_.data()}; }

 private:
  void text(const char* name, const std::string& value) {
    if (value.empty()) return;
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(name);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = to_bytes(value);
    entries_.push_back(entry);
  }
  void typed(const char* name, const std::string& value) {
    if (value == "true" || value == "false") return flag(name, value == "true");
    std::int64_t number = 0;
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, number);
    if (read.ec == std::errc() && read.ptr == end) return integer(name, number);
    text(name, value);
  }
  void flag(const char* name, bool on) {
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(name);
    entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entry.value.value.boolean = on;
    entries_.push_back(entry);
  }
  void number(const char* name, std::uint64_t value) {
    if (value) integer(name, static_cast<std::int64_t>(value));
  }
  void integer(const char* name, std::int64_t value) {
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(name);
    entry.value.kind = AMQP_FIELD_KIND_I64;
    entry.value.value.i64 = value;
    entries_.push_back(entry);
  }
  std::vector<amqp_table_entry_t> entries_;
};

}  // namespace

std::string queue_name(const Options& options, const std::string& group) {
  if (group.empty()) return options.queue;
  return (options.queue.empty() ? options.exchange_name() : options.queue) + '.' + group;
}

std::optional<std::int32_t> delivery_limit_of(const Options& options, bool parks, int broker_version) {
  if (options.queue_type != "quorum" || options.no_assert) return std::nullopt;
  if (options.delivery_limit) return options.delivery_limit;
  if (parks && broker_version >= k_first_with_a_limit) return -1;
  return std::nullopt;
}

std::string binding_key(const Pattern& pattern) {
  std::string key = pattern.route();
  if (pattern.is_wildcard() && !pattern.is_native() && (key == "**" || key.ends_with(".**"))) {
    key.replace(key.size() - 2, 2, "*.#");
  }
  return key;
}

Declaration::Declaration(Session& session, ChannelId channel, const Options& options, Failed failed)
    : session_(session), channel_(channel), options_(options), failed_(std::move(failed)) {}

void Declaration::call(amqp_method_number_t method, const void* arguments, amqp_method_number_t answer,
                       std::string what, Session::Done done) {
  session_.call(channel_, method, arguments, {answer, 0}, std::move(what),
                [failed = failed_, done = std::move(done)](const Result<Method>& outcome) {
                  if (!outcome) return failed(outcome.error());
                  if (done) done(outcome);
                });
}

void Declaration::queue(const QueueWish& wish, Session::Done done) {
  Arguments arguments(options_, wish.is_for_dead_letters, wish.delivery_limit);
  amqp_queue_declare_t declare{};
  declare.queue = to_bytes(wish.name);
  declare.passive = wish.is_passive;
  declare.durable = wish.is_for_dead_letters || options_.durable;
  if (!wish.is_for_dead_letters) {
    declare.exclusive = options_.exclusive || wish.name.empty();  // else each link would leave one behind, and filling
    declare.auto_delete = options_.auto_delete;
  }
  declare.arguments = arguments.table();
  call(AMQP_QUEUE_DECLARE_METHOD, &declare, AMQP_QUEUE_DECLARE_OK_METHOD,
       (wish.is_passive ? "looking for the queue " : "declaring the queue ") + wish.name, std::move(done));
}

void Declaration::exchange() {
  const std::string name = options_.exchange_name();
  if (name.empty() || name.starts_with("amq.")) return;  // those are always there
  amqp_exchange_declare_t declare{};
  declare.exchange = to_bytes(name);
  declare.type = to_bytes(options_.exchange_type);
  declare.passive = options_.no_assert;
  declare.durable = options_.exchange_durable;
  call(AMQP_EXCHANGE_DECLARE_METHOD, &declare, AMQP_EXCHANGE_DECLARE_OK_METHOD, "declaring the exchange " + name);
}

void Declaration::bind(const std::string& queue, const std::string& key) {
  const std::string name = options_.exchange_name();
  amqp_queue_bind_t bind{};
  bind.queue = to_bytes(queue);
  bind.exchange = to_bytes(name);
  bind.routing_key = to_bytes(key);
  call(AMQP_QUEUE_BIND_METHOD, &bind, AMQP_QUEUE_BIND_OK_METHOD, "binding \"" + key + "\" to the exchange " + name);
}

void Declaration::bindings(const std::string& queue, const Routes& routes) {
  if (options_.no_assert) return;
  if (options_.is_fanout()) return bind(queue, options_.routing_key);
  if (!options_.routing_key.empty()) bind(queue, options_.routing_key);
  if (!options_.wildcards) return;
  for (const Route& route : routes) bind(queue, binding_key(route.pattern));
}

void Declaration::prefetch(std::uint16_t count, Session::Done done) {
  amqp_basic_qos_t qos{};
  qos.prefetch_count = count;
  call(AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD, "limiting deliveries", std::move(done));
}

void Declaration::confirms(Session::Done done) {
  amqp_confirm_select_t select{};
  call(AMQP_CONFIRM_SELECT_METHOD, &select, AMQP_CONFIRM_SELECT_OK_METHOD, "asking for confirms", std::move(done));
}

void Declaration::consume(const std::string& queue_to_consume, bool no_ack, bool tells_of_end, Session::Done done) {
  amqp_basic_consume_t consume{};
  consume.queue = to_bytes(queue_to_consume);
  consume.no_ack = no_ack;
  amqp_table_entry_t tell{};
  tell.key = to_bytes(k_tell_of_end);
  tell.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  tell.value.value.boolean = 1;
  if (tells_of_end) consume.arguments = {1, &tell};
  call(AMQP_BASIC_CONSUME_METHOD, &consume, AMQP_BASIC_CONSUME_OK_METHOD, "consuming the queue " + queue_to_consume,
       std::move(done));
}

}  // namespace waybill::amqp

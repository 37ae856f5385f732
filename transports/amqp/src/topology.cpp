#include "topology.hpp"

#include <vector>

namespace waybill::amqp {
namespace {

/// The x- arguments of the queue.
class Arguments {
 public:
  explicit Arguments(const Options& options) {
    text("x-queue-type", options.queue_type);
    text("x-dead-letter-exchange", options.dead_letter_exchange);
    text("x-dead-letter-routing-key", options.dead_letter_routing_key);
    number("x-message-ttl", static_cast<std::uint64_t>(options.message_ttl.count()));
    number("x-expires", static_cast<std::uint64_t>(options.expires.count()));
    number("x-max-length", options.max_length);
    number("x-max-priority", options.max_priority);
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
  void number(const char* name, std::uint64_t value) {
    if (!value) return;
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(name);
    entry.value.kind = AMQP_FIELD_KIND_I64;
    entry.value.value.i64 = static_cast<std::int64_t>(value);
    entries_.push_back(entry);
  }
  std::vector<amqp_table_entry_t> entries_;
};

}  // namespace

std::string queue_name(const Options& options, const std::string& group) {
  if (group.empty()) return options.queue;
  return (options.queue.empty() ? options.exchange_name() : options.queue) + '.' + group;
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

void Declaration::queue(const std::string& name, Session::Done done) {
  Arguments arguments(options_);
  amqp_queue_declare_t declare{};
  declare.queue = to_bytes(name);
  declare.passive = options_.no_assert;
  declare.durable = options_.durable;
  declare.exclusive = options_.exclusive;
  declare.auto_delete = options_.auto_delete;
  declare.arguments = arguments.table();
  call(AMQP_QUEUE_DECLARE_METHOD, &declare, AMQP_QUEUE_DECLARE_OK_METHOD, "declaring the queue " + name,
       std::move(done));
}

void Declaration::plain_queue(const std::string& name) {
  amqp_queue_declare_t declare{};
  declare.queue = to_bytes(name);
  declare.durable = 1;
  call(AMQP_QUEUE_DECLARE_METHOD, &declare, AMQP_QUEUE_DECLARE_OK_METHOD, "declaring the queue " + name);
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

void Declaration::listener(const std::string& queue_of_listener, const Routes& routes, Session::Done declared) {
  if (!options_.no_assert || !queue_of_listener.empty()) queue(queue_of_listener, std::move(declared));
  if (!options_.has_exchange()) return;
  exchange();
  if (options_.no_assert) return;
  // An empty name is the queue that was declared last.
  if (options_.is_fanout()) return bind(queue_of_listener, options_.routing_key);
  if (!options_.routing_key.empty()) bind(queue_of_listener, options_.routing_key);
  if (!options_.wildcards) return;
  for (const Route& route : routes) bind(queue_of_listener, binding_key(route.pattern));
}

void Declaration::client() {
  if (options_.wildcards || options_.is_fanout()) return exchange();
  if (!options_.queue.empty()) queue(options_.queue);
  if (!options_.has_exchange()) return;
  exchange();
  if (!options_.no_assert && !options_.queue.empty() && !options_.routing_key.empty())
    bind(options_.queue, options_.routing_key);
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

void Declaration::consume(const std::string& queue_to_consume, bool no_ack, Session::Done done) {
  amqp_basic_consume_t consume{};
  consume.queue = to_bytes(queue_to_consume);
  consume.no_ack = no_ack;
  call(AMQP_BASIC_CONSUME_METHOD, &consume, AMQP_BASIC_CONSUME_OK_METHOD, "consuming the queue " + queue_to_consume,
       std::move(done));
}

}  // namespace waybill::amqp

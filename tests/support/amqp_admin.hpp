// A hand on a RabbitMQ broker beside the transport under test, with rabbitmq-c's blocking calls: what is in a queue,
// what happens when it is deleted, messages that no packet is.
#pragma once

#include "protocol/rabbitmq_c.hpp"
#include "waybill/url.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace waybill::test {

/// Threads: one. Everything throws std::runtime_error when the broker does not do it, and what is deleted may be missing.
class AmqpAdmin {
 public:
  explicit AmqpAdmin(const std::string& url) : url_(Url::parse(url).value()) { connect(); }
  ~AmqpAdmin() { amqp_destroy_connection(connection_); }
  AmqpAdmin(const AmqpAdmin&) = delete;
  AmqpAdmin& operator=(const AmqpAdmin&) = delete;

  void delete_queue(const std::string& name) {
    amqp_queue_delete(connection_, 1, bytes(name), 0, 0);
    check("deleting a queue");
  }
  void delete_exchange(const std::string& name) {
    amqp_exchange_delete(connection_, 1, bytes(name), 0);
    check("deleting an exchange");
  }
  void declare_queue(const std::string& name, bool durable = true, amqp_table_t arguments = amqp_empty_table) {
    amqp_queue_declare(connection_, 1, bytes(name), 0, durable, 0, 0, arguments);
    check("declaring a queue");
  }
  void bind_queue(const std::string& name, const std::string& exchange, const std::string& key) {
    amqp_queue_bind(connection_, 1, bytes(name), bytes(exchange), bytes(key), amqp_empty_table);
    check("binding a queue");
  }
  void declare_exchange(const std::string& name, const std::string& type) {
    amqp_exchange_declare(connection_, 1, bytes(name), amqp_cstring_bytes(type.c_str()), 0, 0, 0, 0, amqp_empty_table);
    check("declaring an exchange");
  }
  /// Messages ready in the queue; nothing if there is no such queue.
  std::optional<std::uint32_t> ready(const std::string& name) {
    const auto* answer = amqp_queue_declare(connection_, 1, bytes(name), 1, 0, 0, 0, amqp_empty_table);
    if (answer) return answer->message_count;
    reopen();
    return std::nullopt;
  }
  void publish(const std::string& queue, const std::string& body, amqp_basic_properties_t properties = {}) {
    publish_to("", queue, body, properties);
  }
  void publish_to(const std::string& exchange, const std::string& key, const std::string& body,
                  amqp_basic_properties_t properties = {}) {
    amqp_basic_publish(connection_, 1, bytes(exchange), bytes(key), 0, 0, &properties, bytes(body));
  }
  void purge_queue(const std::string& name) {
    amqp_queue_purge(connection_, 1, bytes(name));
    check("purging a queue");
  }
  struct Message {
    std::string body;
    std::string headers;  ///< Names and texts, "name=text\n" each.
    std::string correlation_id;
    int delivery_mode = 0;
  };
  /// Takes one message and acknowledges it.
  std::optional<Message> get(const std::string& queue) {
    const auto got = amqp_basic_get(connection_, 1, bytes(queue), 1);
    if (got.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error("basic.get failed");
    if (got.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return std::nullopt;
    amqp_message_t raw;
    amqp_read_message(connection_, 1, &raw, 0);
    Message message;
    message.body = text(raw.body);
    if (raw.properties._flags & AMQP_BASIC_CORRELATION_ID_FLAG)
      message.correlation_id = text(raw.properties.correlation_id);
    if (raw.properties._flags & AMQP_BASIC_DELIVERY_MODE_FLAG) message.delivery_mode = raw.properties.delivery_mode;
    for (int i = 0; i < raw.properties.headers.num_entries; ++i) {
      const auto& entry = raw.properties.headers.entries[i];
      message.headers += text(entry.key) + '=';
      if (entry.value.kind == AMQP_FIELD_KIND_UTF8) message.headers += text(entry.value.value.bytes);
      message.headers += '\n';
    }
    amqp_destroy_message(&raw);
    return message;
  }

  static amqp_bytes_t bytes(const std::string& name) { return {name.size(), const_cast<char*>(name.data())}; }
  static std::string text(amqp_bytes_t name) { return {static_cast<const char*>(name.bytes), name.len}; }

 private:
  void connect() {
    connection_ = amqp_new_connection();
    auto* const socket = amqp_tcp_socket_new(connection_);
    const auto& host = url_.hosts.front();
    if (amqp_socket_open(socket, host.name.c_str(), host.port)) throw std::runtime_error("no broker to administrate");
    const std::string vhost = url_.path.empty() ? "/" : url_.path;
    amqp_login(connection_, vhost.c_str(), 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, url_.user.c_str(),
               url_.password.c_str());
    amqp_channel_open(connection_, 1);
    check("opening a channel");
  }
  void reopen() {
    amqp_destroy_connection(connection_);
    connect();
  }
  void check(const char* what) {
    if (amqp_get_rpc_reply(connection_).reply_type == AMQP_RESPONSE_NORMAL) return;
    reopen();
    throw std::runtime_error(what);
  }

  Url url_;
  amqp_connection_state_t connection_ = nullptr;
};

}  // namespace waybill::test

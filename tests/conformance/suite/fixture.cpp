#include "fixture.hpp"

#include "support/broker_url.hpp"
#include "waybill/fields.hpp"
#include "waybill/url.hpp"

#include <algorithm>

namespace waybill::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportConformance);

Route request_route(const Pattern& pattern) { return Route{pattern, true, false}; }
Route event_route(const Pattern& pattern) { return Route{pattern, false, true}; }
Route both_route(const Pattern& pattern) { return Route{pattern, true, true}; }

TransportConformance::TransportConformance() : stage(GetParam().make_stage()) {
  registry = stage->registry();
  serializer = registry->serializer(GetParam().serializer).value();
}

void TransportConformance::SetUp() {
  const auto variable = stage->missing();
  const std::string url = variable.empty() ? "there" : "";
  WAYBILL_NEEDS_BROKER(url, variable);
}

TransportConformance::~TransportConformance() {
  described_.reset();
  test::run_ready(loop);
}

std::unique_ptr<Transport> TransportConformance::make_transport(const std::string& url) {
  const auto parsed = Url::parse(url).value();
  return registry->make_transport(parsed).value();
}

const Capabilities& TransportConformance::capabilities() {
  if (!described_) described_ = make_transport(stage->listener_url());
  return described_->capabilities();
}

std::unique_ptr<OpenListener> TransportConformance::listen(const Routes& routes, const ListenOptions& options) {
  auto open = std::make_unique<OpenListener>();
  open->transport = make_transport(stage->listener_url());
  open->listener = open->transport->make_listener(environment(options));
  test::run_until(loop, open->listener->open(routes, open->sink)).value();
  return open;
}

Environment TransportConformance::environment(const ListenOptions& options) {
  Environment environment;
  environment.executor = loop.get_executor();
  environment.serializer = serializer;
  environment.log = logs.log();
  environment.group = options.group;
  environment.max_in_flight = options.max_in_flight;
  environment.dead_letter = options.dead_letter;
  return environment;
}

std::unique_ptr<DeadLetterBox> TransportConformance::open_dead_letters() {
  ListenOptions options;
  options.dead_letter = stage->dead_letter();
  capabilities();
  return described_->make_dead_letter_box(environment(options));
}

std::vector<DeadLetter> TransportConformance::wait_for_dead_letters(std::size_t count) {
  const auto box = open_dead_letters();
  std::vector<DeadLetter> letters;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (letters.size() < count && std::chrono::steady_clock::now() < give_up) {
    letters = test::run_until(loop, box->list(100)).value();
  }
  box->close();
  return letters;
}

Result<void> TransportConformance::try_listen(const Routes& routes) {
  KeepingListenerSink sink;
  const auto transport = make_transport(stage->listener_url());
  const auto listener = transport->make_listener(environment({}));
  auto opened = test::run_until(loop, listener->open(routes, sink));
  listener->close();
  return opened;
}

std::unique_ptr<OpenConnection> TransportConformance::connect(const std::string& address) {
  auto open = std::make_unique<OpenConnection>();
  open->transport = make_transport(stage->client_url(address));
  open->connection = open->transport->make_connection(environment({}));
  test::run_until(loop, open->connection->open(open->sink)).value();
  return open;
}

Slice TransportConformance::encode(std::string_view text) const {
  Buffer buffer;
  serializer->encode(ValueRef::of(std::string(text)), buffer).value();
  return buffer.take();
}

std::string TransportConformance::decode(const Packet& packet) const {
  std::string text;
  packet.serializer->decode(packet.payload, ValueOut::of(text)).value();
  return text;
}

std::vector<std::string> TransportConformance::texts_of(const OpenListener& listener) {
  std::vector<std::string> texts;
  for (const auto& delivery : listener.sink.deliveries) texts.push_back(decode(delivery.packet));
  if (!capabilities().keeps_order) std::sort(texts.begin(), texts.end());
  return texts;
}

void TransportConformance::send_request(OpenConnection& from, const Pattern& pattern, std::string_view id,
                                        std::string_view text) {
  Packet packet;
  packet.kind = PacketKind::request;
  packet.has_pattern = packet.has_payload = true;
  packet.pattern = pattern.term();
  packet.route = pattern.route();
  packet.id.text = id;
  packet.payload = encode(text);
  packet.serializer = serializer;
  const Capabilities& can = capabilities();  // the deadline travels as core sends it
  if (can.headers == Support::native && !can.deadlines) packet.headers.set(header::k_deadline, "20000");
  from.connection->send(packet, k_request_ticket);
}

void TransportConformance::send_event(OpenConnection& from, const Pattern& pattern, std::string_view text,
                                      Ticket ticket) {
  Packet packet;
  packet.kind = PacketKind::event;
  packet.has_pattern = packet.has_payload = true;
  packet.pattern = pattern.term();
  packet.route = pattern.route();
  packet.payload = encode(text);
  packet.serializer = serializer;
  from.connection->send(packet, ticket);
}

Packet TransportConformance::reply_packet(const Delivery& delivery, PacketKind kind, const Slice& payload,
                                          bool last) const {
  Packet packet;
  packet.kind = kind;
  packet.last = last;
  packet.id = delivery.packet.id;
  packet.payload = payload;
  packet.has_payload = !payload.empty();
  packet.serializer = serializer;
  return packet;
}

void TransportConformance::send_and_park(OpenListener& to, OpenConnection& from, const Pattern& pattern,
                                         std::initializer_list<const char*> texts) {
  for (const char* text : texts) send_event(from, pattern, text);
  ASSERT_TRUE(wait_for([&] { return to.sink.deliveries.size() == texts.size(); }));
  while (!to.sink.deliveries.empty()) {
    auto delivery = to.take();
    park(delivery);
  }
}

void TransportConformance::park(Delivery& delivery) {
  std::optional<Result<void>> parked;
  delivery.own();
  delivery.park([&parked](const Result<void>& outcome) { parked = outcome; });
  ASSERT_TRUE(wait_for([&] { return parked.has_value(); }));
  ASSERT_TRUE(*parked) << parked->error().what();
  delivery.settle(Settlement::ack);
}

void TransportConformance::answer(Delivery&& delivery, std::string_view text) {
  Delivery mine = std::move(delivery);
  mine.reply(reply_packet(mine, PacketKind::value, encode(text), true));
  mine.settle(Settlement::ack);
}

void TransportConformance::settle_down(OpenListener& to, OpenConnection& from, const Pattern& marker) {
  const auto is_marker = [&marker](const Delivery& delivery) {
    return delivery.packet.pattern.text == marker.term().text;
  };
  send_event(from, marker, "marker");
  std::deque<Delivery>& deliveries = to.sink.deliveries;
  // It is the last one, unless the transport keeps no order.
  ASSERT_TRUE(wait_for([&] { return std::any_of(deliveries.begin(), deliveries.end(), is_marker); }));
  std::deque<Delivery> others;
  for (Delivery& delivery : deliveries) {
    if (is_marker(delivery))
      delivery.settle(Settlement::ack);
    else
      others.push_back(std::move(delivery));
  }
  deliveries.swap(others);
  test::run_ready(loop);
}

std::unique_ptr<Service> TransportConformance::make_service(const ServeOptions& options) {
  auto listener = ListenerConfig::from_url(stage->listener_url());
  listener.serializer = GetParam().serializer;
  listener.group = options.group;
  listener.max_in_flight = options.max_in_flight;
  listener.delivery = options.delivery;
  Config config;
  config.log_level = "debug";
  config.handler_threads = options.handler_threads;
  config.listeners.push_back(std::move(listener));
  auto service = std::make_unique<Service>(loop.get_executor(), std::move(config), registry);
  service->log_to(logs.sink());
  return service;
}

Result<void> TransportConformance::try_start(Service& service) {
  auto outcome = make_outcome<void>();
  service.start(keep(outcome));
  if (!wait_for(outcome)) return Error(errc::timeout, "the service did not start");
  return **outcome;
}

ClientConfig TransportConformance::client_config(const Service& service) {
  auto config = ClientConfig::from_url(stage->client_url(service.addresses().front()));
  config.serializer = GetParam().serializer;
  return config;
}

std::unique_ptr<Client> TransportConformance::make_client(const Service& service) {
  return std::make_unique<Client>(loop.get_executor(), client_config(service), registry, logs.log());
}

}  // namespace waybill::conformance

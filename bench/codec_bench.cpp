// The serializers by themselves: an order of about 100 bytes and one of about 4 KiB, each through encode, decode, compose
// (payload into packet) and parse (packet from bytes). Google Benchmark's arguments: --help.
#include "waybill/waybill.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace {

struct Order {
  std::int64_t id = 0;
  std::string sku;
  std::int64_t qty = 0;
  std::int64_t price = 0;
  std::string note;
};

Order order_with_note(std::size_t note_bytes) {
  Order order{20260001, "WB-7731", 2, 45000, {}};
  const std::string sentence = "문 앞에 두고 초인종을 눌러 주세요. ";
  while (order.note.size() + sentence.size() <= note_bytes) order.note += sentence;
  order.note.append(note_bytes - order.note.size(), '!');
  return order;
}

void count_bytes(benchmark::State& state, std::size_t size) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(size));
}

void encode(benchmark::State& state, const waybill::Serializer& serializer, const Order& order) {
  waybill::Buffer buffer;
  for (auto _ : state) {
    buffer.clear();
    serializer.encode(waybill::ValueRef::of(order), buffer).value();
    benchmark::DoNotOptimize(buffer.data());
  }
  count_bytes(state, buffer.size());
}

void decode(benchmark::State& state, const waybill::Serializer& serializer, const Order& order) {
  const waybill::Payload payload = waybill::Payload::of(order, serializer);
  Order decoded;
  for (auto _ : state) {
    serializer.decode(payload.bytes(), waybill::ValueOut::of(decoded)).value();
    benchmark::DoNotOptimize(decoded);
  }
  if (decoded.note != order.note) throw std::logic_error("the order did not survive");
  count_bytes(state, payload.bytes().size());
}

waybill::Packet request_with(const waybill::Payload& payload) {
  waybill::Packet packet;
  packet.kind = waybill::PacketKind::request;
  packet.has_payload = packet.has_pattern = true;
  packet.pattern = {"echo", false};
  packet.route = "echo";
  packet.id = {"0123456789abcdef01234", false};
  packet.payload = payload.bytes();
  packet.serializer = payload.serializer();
  return packet;
}

void compose(benchmark::State& state, const waybill::Serializer& serializer, const Order& order) {
  const waybill::Payload payload = waybill::Payload::of(order, serializer);
  const waybill::Packet packet = request_with(payload);
  waybill::Buffer buffer;
  for (auto _ : state) {
    buffer.clear();
    serializer.compose(packet, buffer);
    benchmark::DoNotOptimize(buffer.data());
  }
  count_bytes(state, buffer.size());
}

void parse(benchmark::State& state, const waybill::Serializer& serializer, const Order& order) {
  const waybill::Payload payload = waybill::Payload::of(order, serializer);
  waybill::Buffer buffer;
  serializer.compose(request_with(payload), buffer);
  const waybill::Slice bytes = buffer.take();
  for (auto _ : state) {
    waybill::Packet packet;
    serializer.parse(bytes, waybill::Direction::to_service, packet).value();
    benchmark::DoNotOptimize(packet);
  }
  count_bytes(state, bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  const auto registry = waybill::default_registry();
  const Order small = order_with_note(40), large = order_with_note(4036);
  struct Step {
    const char* name;
    void (*run)(benchmark::State&, const waybill::Serializer&, const Order&);
  };
  for (const char* name : {"json", "msgpack"}) {
    const waybill::Serializer* serializer = registry->find_serializer(name);
    if (!serializer) continue;  // not built
    for (const Step step : {Step{"encode", encode}, {"decode", decode}, {"compose", compose}, {"parse", parse}}) {
      for (const Order* order : {&small, &large}) {
        const std::string title = std::string(name) + "/" + step.name + (order == &small ? "/100" : "/4096");
        benchmark::RegisterBenchmark(title.c_str(), step.run, std::cref(*serializer), std::cref(*order));
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

// Decodes any bytes as a payload of a serializer; what decodes must encode again and decode to the same.
#pragma once

#include "waybill/adapt/nlohmann.hpp"
#include "waybill/format/serializer.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

struct Item {
  std::string sku;
  std::int64_t quantity = 1;
  std::optional<double> price;
};
struct Order {
  std::vector<Item> items;
  std::map<std::string, std::variant<int, std::string, Item>> more;
  std::vector<std::byte> bytes;
  waybill::Payload raw;
};

struct Expression;
struct Negative {
  std::vector<Expression> of;
  int weight = 0;
};
struct Inverse {
  std::vector<Expression> of;
  std::string name;
};
struct Expression {
  std::variant<Negative, Inverse, int> node;
};
struct First {
  int a = 0;
};
struct Narrow : Item, First {
  std::optional<std::chrono::system_clock::time_point> time;
  std::optional<std::chrono::sys_days> day;
  std::optional<float> number;
  First twice;
  WAYBILL_FIELDS(Narrow, sku, quantity, a, time, day, number, twice)
};

template <class T>
void round_trip(const waybill::Serializer& serializer, const waybill::Slice& bytes) {
  T value{};
  if (!serializer.decode(bytes, waybill::ValueOut::of(value))) return;
  waybill::Buffer first;
  if (!serializer.encode(waybill::ValueRef::of(value), first)) return;  // an infinite number became null, say
  T again{};
  if (!serializer.decode(first.borrow(), waybill::ValueOut::of(again))) return;
  waybill::Buffer second;
  if (!serializer.encode(waybill::ValueRef::of(again), second)) std::abort();
  if (first.view() == second.view()) return;
  // An infinite number in an optional member became null, and so nothing: that stays as it is.
  T last{};
  waybill::Buffer third;
  const bool is_stable = serializer.decode(second.borrow(), waybill::ValueOut::of(last)) &&
                         serializer.encode(waybill::ValueRef::of(last), third) && second.view() == third.view();
  if (!is_stable) std::abort();
}

/// What every payload target does with its input.
int fuzz_payload(const waybill::Serializer& serializer, const std::uint8_t* data, std::size_t size) {
  const waybill::Slice bytes = waybill::Slice::copy({reinterpret_cast<const char*>(data), size});
  round_trip<Order>(serializer, bytes);
  round_trip<Expression>(serializer, bytes);
  round_trip<Narrow>(serializer, bytes);
  round_trip<nlohmann::json>(serializer, bytes);
  round_trip<waybill::Payload>(serializer, bytes);
  return 0;
}

}  // namespace

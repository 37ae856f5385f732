// nlohmann::json as a payload that is anything, and types that have its to_json and from_json as payloads as they are.
// Include it next to those types, so that every source file sees them the same way. Needs nlohmann/json 3.
#pragma once

#include "waybill/fields.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waybill {
namespace detail {

template <class Json>
bool write_nlohmann(const Json& value, ValueSink& sink) {
  using Type = nlohmann::detail::value_t;
  switch (value.type()) {
    case Type::null: return sink.null();
    case Type::boolean: return sink.boolean(value.template get<bool>());
    case Type::number_integer: return sink.integer(value.template get<std::int64_t>());
    case Type::number_unsigned: return sink.natural(value.template get<std::uint64_t>());
    case Type::number_float: return sink.number(value.template get<double>());
    case Type::string: return sink.text(value.template get_ref<const typename Json::string_t&>());
    case Type::binary: {
      const auto& bytes = value.get_binary();
      return sink.bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    case Type::array:
      if (!sink.begin_list(value.size())) return false;
      for (const Json& item : value) {
        if (!write_nlohmann(item, sink)) return false;
      }
      return sink.end_list();
    case Type::object:
      if (!sink.begin_map(value.size())) return false;
      for (auto member = value.begin(); member != value.end(); ++member) {
        if (!sink.key(member.key()) || !write_nlohmann(member.value(), sink)) return false;
      }
      return sink.end_map();
    case Type::discarded: break;
  }
  return false;
}

/// Builds a Json from what it is told.
template <class Json>
class NlohmannBuilder final : public ValueSink {
 public:
  explicit NlohmannBuilder(Json& root) : root_(root) {}
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool integer(std::int64_t value) override { return put(value); }
  bool natural(std::uint64_t value) override { return put(value); }
  bool number(double value) override { return put(value); }
  bool text(std::string_view value) override { return put(typename Json::string_t(value)); }
  bool bytes(std::string_view value) override {
    return put(Json::binary(typename Json::binary_t::container_type(value.begin(), value.end())));
  }
  bool begin_list(std::size_t) override { return open(Json::array()); }
  bool end_list() override { return close(); }
  bool begin_map(std::size_t) override { return open(Json::object()); }
  bool key(std::string_view name) override { return key_ = name, true; }
  bool end_map() override { return close(); }

 private:
  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return parent.back();
    }
    return parent[key_] = std::move(value);  // the last of equal keys wins, at the place of the first
  }
  bool put(Json value) { return place(std::move(value)), true; }
  bool open(Json value) { return open_.push_back(&place(std::move(value))), true; }
  bool close() { return open_.pop_back(), true; }

  Json& root_;
  std::vector<Json*> open_;
  typename Json::string_t key_;
};

/// nlohmann::json, ordered_json, or a basic_json of one's own.
template <class T>
concept NlohmannJson = nlohmann::detail::is_basic_json<T>::value;

template <class T>
concept NlohmannType = !NlohmannJson<T> && Unclaimed<T> && requires(nlohmann::json & json, const T& value, T& target) {
  nlohmann::adl_serializer<T>::to_json(json, value);
  nlohmann::adl_serializer<T>::from_json(static_cast<const nlohmann::json&>(json), target);
};

}  // namespace detail

template <detail::NlohmannJson Json>
struct Describe<Json> {
  static constexpr Kind k_kind = Kind::dynamic;
  static const TypeInfo& info() {
    static constexpr DynamicType type{{k_kind, "json"},
                                      [](const void* value, ValueSink& sink, std::string&) {
                                        return detail::write_nlohmann(*static_cast<const Json*>(value), sink);
                                      },
                                      [](void* value, ValueSource& source, std::string&) {
                                        Json& json = *static_cast<Json*>(value);
                                        json = nullptr;
                                        detail::NlohmannBuilder<Json> builder(json);
                                        return source.play(builder);
                                      }};
    return type;
  }
};

template <detail::NlohmannType T>
struct Describe<T> {
  static constexpr Kind k_kind = Kind::dynamic;
  static const TypeInfo& info() {
    static constexpr DynamicType type{
        {k_kind, detail::short_name<T>()},
        [](const void* value, ValueSink& sink, std::string&) {
          nlohmann::ordered_json json;
          if constexpr (requires { nlohmann::adl_serializer<T>::to_json(json, *static_cast<const T*>(value)); }) {
            nlohmann::adl_serializer<T>::to_json(json, *static_cast<const T*>(value));
            return detail::write_nlohmann(json, sink);
          } else {
            nlohmann::json sorted;  // its to_json takes nlohmann::json only
            nlohmann::adl_serializer<T>::to_json(sorted, *static_cast<const T*>(value));
            return detail::write_nlohmann(sorted, sink);
          }
        },
        [](void* value, ValueSource& source, std::string&) {
          nlohmann::json json;
          detail::NlohmannBuilder<nlohmann::json> builder(json);
          if (!source.play(builder)) return false;
          nlohmann::adl_serializer<T>::from_json(static_cast<const nlohmann::json&>(json), *static_cast<T*>(value));
          return true;
        }};
    return type;
  }
};

}  // namespace waybill

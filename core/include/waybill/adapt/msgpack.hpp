// Types with msgpack-c's MSGPACK_DEFINE or MSGPACK_DEFINE_MAP as payloads as they are, in every format. For types with
// an adaptor outside the class: template <> struct waybill::Describe<Type> : waybill::MsgpackAdapted<Type> {};
// Include it next to those types, so that every source file sees them the same way.
#pragma once

#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include "waybill/fields.hpp"

#include <msgpack.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace waybill {
namespace detail {

/// Plays packed bytes into a sink. Keys are texts there: integers become their digits, all else is refused.
class MsgpackPlayer : public ::msgpack::null_visitor {
 public:
  MsgpackPlayer(ValueSink& sink, std::string& problem) : sink_(sink), problem_(problem) {}
  bool visit_nil() { return is_no_key() && sink_.null(); }
  bool visit_boolean(bool value) { return is_no_key() && sink_.boolean(value); }
  bool visit_positive_integer(std::uint64_t value) {
    return is_key_ ? sink_.key(std::to_string(value)) : sink_.natural(value);
  }
  bool visit_negative_integer(std::int64_t value) {
    return is_key_ ? sink_.key(std::to_string(value)) : sink_.integer(value);
  }
  bool visit_float32(float value) { return is_no_key() && sink_.number(static_cast<double>(value)); }
  bool visit_float64(double value) { return is_no_key() && sink_.number(value); }
  bool visit_str(const char* text, std::uint32_t size) {
    const std::string_view value(size ? text : "", size);
    return is_key_ ? sink_.key(value) : sink_.text(value);
  }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    return is_no_key() && sink_.bytes({size ? bytes : "", size});
  }
  bool visit_ext(const char*, std::uint32_t) { return refuse("extension types of MessagePack cannot be sent"); }
  bool start_array(std::uint32_t count) { return is_no_key() && sink_.begin_list(count); }
  bool end_array() { return sink_.end_list(); }
  bool start_map(std::uint32_t count) { return is_no_key() && sink_.begin_map(count); }
  bool start_map_key() { return is_key_ = true; }
  bool end_map_key() { return is_key_ = false, true; }
  bool end_map() { return sink_.end_map(); }

 private:
  bool refuse(const char* problem) {
    problem_ = problem;
    return false;
  }
  bool is_no_key() { return !is_key_ || refuse("the keys of a map must be texts or integers"); }
  ValueSink& sink_;
  std::string& problem_;
  bool is_key_ = false;
};

/// Builds an object of msgpack-c, in its zone, from what it is told.
class MsgpackBuilder final : public ValueSink {
 public:
  explicit MsgpackBuilder(::msgpack::zone& zone) : zone_(zone) { open_.emplace_back(); }
  const ::msgpack::object& root() const { return open_.front().front(); }

  bool null() override { return put(::msgpack::object()); }
  bool boolean(bool value) override { return put(::msgpack::object(value)); }
  bool integer(std::int64_t value) override { return put(::msgpack::object(value)); }
  bool natural(std::uint64_t value) override { return put(::msgpack::object(value)); }
  bool number(double value) override { return put(::msgpack::object(value)); }
  bool text(std::string_view value) override { return put(text_object(value)); }
  bool bytes(std::string_view value) override {
    ::msgpack::object object;
    object.type = ::msgpack::type::BIN;
    object.via.bin.ptr = copy(value);
    object.via.bin.size = static_cast<std::uint32_t>(value.size());
    return put(object);
  }
  bool begin_list(std::size_t) override { return open_.emplace_back(), true; }
  bool end_list() override {
    const auto items = take();
    ::msgpack::object object;
    object.type = ::msgpack::type::ARRAY;
    object.via.array.size = static_cast<std::uint32_t>(items.size());
    object.via.array.ptr = allocate<::msgpack::object>(items.size());
    std::copy(items.begin(), items.end(), object.via.array.ptr);
    return put(object);
  }
  bool begin_map(std::size_t) override { return open_.emplace_back(), true; }
  bool key(std::string_view name) override { return put(text_object(name)); }
  bool end_map() override {
    const auto items = take();
    ::msgpack::object object;
    object.type = ::msgpack::type::MAP;
    object.via.map.size = static_cast<std::uint32_t>(items.size() / 2);
    object.via.map.ptr = allocate<::msgpack::object_kv>(items.size() / 2);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      object.via.map.ptr[i / 2].key = items[i];
      object.via.map.ptr[i / 2].val = items[i + 1];
    }
    return put(object);
  }

 private:
  template <class T>
  T* allocate(std::size_t count) {
    return static_cast<T*>(zone_.allocate_align(std::max<std::size_t>(count, 1) * sizeof(T), alignof(T)));
  }
  const char* copy(std::string_view bytes) {
    char* room = allocate<char>(bytes.size());
    if (!bytes.empty()) std::memcpy(room, bytes.data(), bytes.size());
    return room;
  }
  ::msgpack::object text_object(std::string_view text) {
    ::msgpack::object object;
    object.type = ::msgpack::type::STR;
    object.via.str.ptr = copy(text);
    object.via.str.size = static_cast<std::uint32_t>(text.size());
    return object;
  }
  bool put(const ::msgpack::object& object) { return open_.back().push_back(object), true; }
  std::vector<::msgpack::object> take() {
    auto items = std::move(open_.back());
    open_.pop_back();
    return items;
  }

  ::msgpack::zone& zone_;
  std::vector<std::vector<::msgpack::object>> open_;
};

/// Turns keys that are integers' digits into integers, at every depth: no other format has keys that are no texts.
inline void make_keys_integers(const ::msgpack::object& object) {
  if (object.type == ::msgpack::type::ARRAY) {
    for (std::uint32_t i = 0; i < object.via.array.size; ++i) make_keys_integers(object.via.array.ptr[i]);
  }
  if (object.type != ::msgpack::type::MAP) return;
  for (std::uint32_t i = 0; i < object.via.map.size; ++i) {
    ::msgpack::object_kv& entry = object.via.map.ptr[i];
    make_keys_integers(entry.val);
    if (entry.key.type != ::msgpack::type::STR) continue;
    const char* const text = entry.key.via.str.ptr;
    const char* const end = text + entry.key.via.str.size;
    std::int64_t integer = 0;
    std::uint64_t natural = 0;
    if (const auto [at, error] = std::from_chars(text, end, integer); error == std::errc() && at == end) {
      entry.key = ::msgpack::object(integer);
    } else if (const auto [stop, wrong] = std::from_chars(text, end, natural); wrong == std::errc() && stop == end) {
      entry.key = ::msgpack::object(natural);
    }
  }
}

/// Maps of texts first, then maps of integers: what is there does not say which is wanted.
template <class T>
void convert_msgpack(const ::msgpack::object& object, T& value) {
  try {
    object.convert(value);
  } catch (const ::msgpack::type_error&) {
    make_keys_integers(object);
    value = T();
    object.convert(value);
  }
}

template <class T>
concept MsgpackType = Unclaimed<T> && requires(const T& value, T& target, ::msgpack::packer<::msgpack::sbuffer>& packer,
                                               const ::msgpack::object& object) {
  value.msgpack_pack(packer);
  target.msgpack_unpack(object);
};

}  // namespace detail

/// A description of T that goes through msgpack-c.
template <class T>
struct MsgpackAdapted {
  static constexpr Kind k_kind = Kind::dynamic;
  static const TypeInfo& info() {
    static constexpr DynamicType type{{k_kind, detail::short_name<T>()},
                                      [](const void* value, ValueSink& sink, std::string& problem) {
                                        ::msgpack::sbuffer packed;
                                        ::msgpack::pack(packed, *static_cast<const T*>(value));
                                        detail::MsgpackPlayer player(sink, problem);
                                        return ::msgpack::parse(packed.data(), packed.size(), player);
                                      },
                                      [](void* value, ValueSource& source, std::string& problem) {
                                        ::msgpack::zone zone;
                                        detail::MsgpackBuilder builder(zone);
                                        if (!source.play(builder)) return false;
                                        problem = "the value does not fit the msgpack adaptor of " +
                                                  std::string(detail::short_name<T>());
                                        detail::convert_msgpack(builder.root(), *static_cast<T*>(value));
                                        return true;
                                      }};
    return type;
  }
};

template <detail::MsgpackType T>
struct Describe<T> : MsgpackAdapted<T> {};

}  // namespace waybill
